import { CreateTrailCommand, PutEventSelectorsCommand, StartLoggingCommand } from '@aws-sdk/client-cloudtrail'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFactClients } from '../../../shared/aws/facts/clients.ts'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { type Answer, type Answering, answering } from './answering.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const accountId = '000000000000'
const MANAGEMENT = '444455556666'

let ground: FactGround
let account: Resource<'aws_account'>
beforeAll(async () => {
  ground = await openFactGround()
  account = { kind: 'aws_account', arn: `arn:aws:iam::${accountId}:root`, accountId, region: ground.cloud.region }
  const { cloudTrail } = ground.cloud.clients
  await cloudTrail.send(new CreateTrailCommand({ Name: 'wide', S3BucketName: 'trail-bucket', IsMultiRegionTrail: true }))
  await cloudTrail.send(new PutEventSelectorsCommand({ TrailName: 'wide', EventSelectors: [{ ReadWriteType: 'WriteOnly' }] }))
}, START_MS_MAX)
afterAll(() => ground.close())
afterEach(() => {
  ground.faultOf = () => null
})

describe('the trails of an account', () => {
  it('are all that are seen in a Region, with what each logs', async () => {
    const wide = async (): Promise<unknown> =>
      valuesOf('aws_account', await ground.read(account)).trails.find(({ name }) => name === 'wide')
    const expected = {
      name: 'wide',
      homeRegion: ground.cloud.region,
      isMultiRegion: true,
      managementEvents: { reads: false, writes: true, excludedSources: [] },
    }
    expect(await wide()).toEqual({ ...expected, isLogging: false })
    await ground.cloud.clients.cloudTrail.send(new StartLoggingCommand({ Name: 'wide' }))
    expect(await wide()).toEqual({ ...expected, isLogging: true })
    const elsewhere = valuesOf('aws_account', await ground.read({ ...account, region: 'eu-west-1' })).trails
    expect(elsewhere.map(({ name }) => name)).toEqual(['wide'])
  })

  it.each<readonly [call: string, fault: Fault, why: string]>([
    ['DescribeTrails', { status: 400, code: 'AccessDeniedException' }, 'denied AccessDeniedException'],
    ['GetTrailStatus', { status: 400, code: 'AccessDeniedException' }, 'denied AccessDeniedException'],
    ['GetEventSelectors', { status: 400, code: 'AccessDeniedException' }, 'denied AccessDeniedException'],
    ['GetEventSelectors', { status: 400, code: 'ThrottlingException' }, 'failed ThrottlingException'],
  ])('are unread where %s of an own one is refused or fails: %j', async (call, fault, why) => {
    ground.faultOf = (operation) => (operation === call ? fault : null)
    expect(unreadOf(await ground.read(account))).toEqual({ trails: `cloudtrail:${call} ${why}` })
  })
})

describe('a trail of the organization, in a member account', () => {
  let aws: Answering
  afterEach(() => aws.close())
  const DENIED: Answer = { status: 400, body: '{"__type":"AccessDeniedException"}' }
  const HOME = 'us-east-1'
  const arn = `arn:aws:cloudtrail:${HOME}:${MANAGEMENT}:trail/everybody`
  const TRAIL = { Name: 'everybody', TrailARN: arn, HomeRegion: HOME, IsMultiRegionTrail: true, IsOrganizationTrail: true }

  async function trailsWhere(refused: readonly string[]): Promise<unknown> {
    aws = await answering(({ operation }) => {
      if (refused.includes(operation)) return DENIED
      if (operation === 'DescribeTrails') return { body: JSON.stringify({ trailList: [TRAIL] }) }
      return { body: JSON.stringify(operation === 'GetTrailStatus' ? { IsLogging: false } : { EventSelectors: [{}] }) }
    })
    const clients = createFactClients(aws.access, { attemptsMax: 1, quotaShare: 1000 })
    const facts = valuesOf('aws_account', await createFactReader(ground.parts({ clients }))(account)(['trails']))
    clients.destroy()
    return facts.trails
  }

  const expected = { name: 'everybody', homeRegion: HOME, isMultiRegion: true }
  it('is unclear in what the account may not read of it', async () => {
    expect(await trailsWhere(['GetTrailStatus', 'GetEventSelectors'])).toEqual([
      { ...expected, isLogging: true, managementEvents: 'unclear' },
    ])
    await aws.close()
    expect(await trailsWhere(['GetEventSelectors'])).toEqual([{ ...expected, isLogging: false, managementEvents: 'unclear' }])
    await aws.close()
    expect(await trailsWhere([])).toEqual([
      { ...expected, isLogging: false, managementEvents: { reads: true, writes: true, excludedSources: [] } },
    ])
    expect(aws.calls.map(({ input }) => JSON.stringify(input))).toEqual([
      '{}',
      JSON.stringify({ Name: arn }),
      JSON.stringify({ TrailName: arn }),
    ])
  })
})
