import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { DisableRuleCommand } from '@aws-sdk/client-cloudwatch-events'
import { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, ListAliasesCommand } from '@aws-sdk/client-kms'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControlItems } from '../../shared/aws/changes/control-items.ts'
import { adopt } from '../../shared/aws/changes/demo-registry.ts'
import { createNoticeTable } from '../../shared/aws/changes/notice-table.ts'
import { type ControlTable, createTable } from '../../shared/aws/table.ts'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import type { Notice } from '../../shared/changes/notice.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import { partitionKeys, refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'
import { at, readSource } from '../support/stack.ts'
import { keysOfOthers } from '../support/stolen-roles.ts'

const HOUR_MS = 3_600_000
const POLICY = Buffer.from('cleanUp: { afterDays: 1, exclude: [alias/keytrail-demo-kept] }')
/** What these tests are not about. */
const IDLE = ['count-key-usage', 'roll-up-usage', 'audit-change', 'sweep', 'announce', 'enforce'].map((name) => `keytrail-${name}`)

let cloud: WatchedCloud
let control: ControlTable

beforeAll(async () => {
  cloud = await startCloud({ idle: IDLE, policy: POLICY, parameters: { FindingsEmail: 'security@example.com' } })
  control = createTable(cloud.clients.dynamodb, refOf(cloud, 'ControlTable'))
  // Something was counted once: else it would not be known that the watch sees.
  const usage = createUsageTable(createTable(cloud.clients.dynamodb, refOf(cloud, 'UsageTable')))
  await usage.markHour({ hour: hourOf(now()), token: 'counted' })
  // Days of other schedules take their time, too.
  for (const Name of ['roll-up-usage', 'sweep', 'announce'].map((name) => `keytrail-${name}`))
    await cloud.clients.events.send(new DisableRuleCommand({ Name }))
})
afterAll(() => cloud.close())

function hourOf(second: EpochS): EpochS {
  return (second - (second % 3600)) as EpochS
}

function now(): EpochS {
  return epochS(cloud.clock.nowMs()) ?? (0 as EpochS)
}

async function demoKey(alias: string): Promise<string> {
  const { kms } = cloud.clients
  const keyArn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyArn }))
  const found = [
    { useCase: 'adopted', kind: 'kms-key', name: keyArn, keyArn },
    { useCase: 'adopted', kind: 'kms-alias', name: alias, keyArn },
  ] as const
  await adopt(control, found, { owner: 'arn:aws:iam::000000000000:user/alice', now: now() })
  return keyArn
}

/** The runs of most hours would find what the last one finds; what it did is seen by one more. */
async function hoursPass(hours: number): Promise<void> {
  for (const ms of [(hours - 1) * HOUR_MS, HOUR_MS]) await cloud.skip(ms)
  await cloud.settle()
}

async function stateOf(KeyId: string): Promise<unknown> {
  return (await cloud.clients.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState
}

async function aliases(): Promise<readonly (string | undefined)[]> {
  return ((await cloud.clients.kms.send(new ListAliasesCommand({}))).Aliases ?? []).map(({ AliasName }) => AliasName)
}

function mailsOf(text: string): readonly string[] {
  return cloud.mail().flatMap(({ body }) => (body.includes(text) ? [body] : []))
}

function notice(id: string): Notice {
  const { accountId, region } = cloud
  return { id, at: now(), title: 'Put right', resourceArn: `arn:aws:s3:::${id}`, accountId, region, lines: [], detail: { kind: 'done' } }
}

describe('the hourly run of the clean-up', () => {
  it('changes nothing while Keytrail is stopped, and tells what enforce could not tell', async () => {
    const keyArn = await demoKey('alias/keytrail-demo-sse')
    const { setStop } = createControlItems(control, randomUUID)
    await setStop({ by: 'somebody', reason: 'a rehearsal', at: now() })
    await createNoticeTable(control, randomUUID).put(notice('left-by-enforce'))
    await hoursPass(26)
    expect(await stateOf(keyArn)).toBe('Enabled')
    expect([mailsOf('left-by-enforce').length, mailsOf(keyArn).length]).toEqual([1, 0])
    await setStop(null)
  })

  it('takes a demo key out of the account step by step, tells each, and leaves alone what the policy excludes', async () => {
    const kept = await demoKey('alias/keytrail-demo-kept')
    const keyArn = await demoKey('alias/keytrail-demo-caching')
    await hoursPass(27)
    expect([await stateOf(keyArn), await stateOf(kept)]).toEqual(['Disabled', 'Enabled'])
    expect(mailsOf(keyArn).length).toBeGreaterThan(0)
    expect(await aliases()).toContain('alias/keytrail-demo-caching')
    await hoursPass(75)
    expect([await stateOf(keyArn), await stateOf(kept)]).toEqual(['PendingDeletion', 'Enabled'])
    expect(await aliases()).not.toContain('alias/keytrail-demo-caching')
    expect(await aliases()).toContain('alias/keytrail-demo-kept')
    expect(cloud.faults).toEqual([])
    expect(cloud.lines.filter((line) => line.includes('"level":"ERROR"'))).toEqual([])
    expect(cloud.invocations.filter(({ kind }) => kind === 'failure')).toEqual([])
    expect(cloud.lines.some((line) => line.includes('"RetirementSteps":'))).toBe(true)
  })

  it('fails where the retirements cannot be read, after all else was told', async () => {
    const Item = { pk: { S: 'retirement' }, sk: { S: 'strange' }, token: { S: 'none' }, value: { S: '{}' } }
    await cloud.clients.dynamodb.send(new PutItemCommand({ TableName: refOf(cloud, 'ControlTable'), Item }))
    await createNoticeTable(control, randomUUID).put(notice('told-nevertheless'))
    await hoursPass(2)
    expect(mailsOf('told-nevertheless')).toHaveLength(1)
    const failures = cloud.invocations.filter(({ kind }) => kind === 'failure')
    expect(failures).toContainEqual({ kind: 'failure', message: 'Error: clean-up failed in 1 places' })
  })

  it('leaves in the table of control what its role may write there: the local tables ask for no permission', async () => {
    const keys = await partitionKeys(cloud, 'ControlTable')
    expect(keysOfOthers({ Resources: at(readSource(), 'resources.Resources') }, 'CleanUpRole', keys)).toEqual([])
    expect(keys).toEqual(expect.arrayContaining(['notice', 'retirement', 'workshop']))
  })
})
