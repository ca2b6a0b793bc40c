import { EncryptCommand } from '@aws-sdk/client-kms'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RetireKeyPort } from '../../../shared/changes/retire/reading.ts'
import { START_MS_MAX } from '../../aws/facts/fact-ground.ts'
import { refOf } from '../../support/local-cloud.ts'
import { type ChangeGround, openChangeGround, REGION } from './change-ground.ts'

const ACCOUNT = '000000000000'
const ROLE = `arn:aws:iam::${ACCOUNT}:role`
const none = { known: true, value: null }
let ground: ChangeGround

beforeAll(async () => {
  ground = await openChangeGround({ isDelivered: true })
}, START_MS_MAX)
afterAll(() => ground.close())

function triedUse(...asked: Parameters<RetireKeyPort['triedUse']>): ReturnType<RetireKeyPort['triedUse']> {
  return keysOver({}).triedUse(...asked)
}

function keysOver(settings: Parameters<ChangeGround['stackChanges']>[0]): RetireKeyPort {
  const cleanUp = { afterDays: 1, watchHours: 72, pendingDays: 7, perRunMax: 5, exclude: [] }
  return ground.stackChanges(settings).retirePorts({ settings: cleanUp, now: ground.now, remainingMs: () => 60_000 }).keys
}

/** CloudTrail's record of a call by a session of a role. */
async function usedBy(roleArn: string, keyArn: string): Promise<void> {
  const eventID = randomUUID()
  const time = new Date(1000 * ground.now()).toISOString().replace('.000', '')
  const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/${roleArn.split('/').at(-1) ?? ''}/session`
  await ground.cloud.publish({
    version: '0',
    id: eventID,
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.kms',
    account: ACCOUNT,
    time,
    region: REGION,
    resources: [],
    detail: {
      eventVersion: '1.11',
      userIdentity: { type: 'AssumedRole', arn, accountId: ACCOUNT, sessionContext: { sessionIssuer: { type: 'Role', arn: roleArn } } },
      eventTime: time,
      eventSource: 'kms.amazonaws.com',
      eventName: 'Encrypt',
      awsRegion: REGION,
      eventID,
      requestParameters: { keyId: keyArn },
      resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: keyArn }],
      recipientAccountId: ACCOUNT,
    },
  })
  await ground.cloud.settle()
}

describe('a use by others', () => {
  it('is not known to be none where nothing at all was ever counted, unless nobody asks for a proof', async () => {
    const { arn } = await ground.newKey()
    const uncounted = keysOver({ usageTable: refOf(ground.cloud, 'FindingsTable') })
    expect(await uncounted.triedUse(arn, [], ground.now())).toMatchObject({ known: false, because: 'failed', code: 'NothingCountedYet' })
    expect(await uncounted.triedUse(arn, [], ground.now(), { isUnproven: true })).toEqual(none)
  })

  it('is told from one by the owner', async () => {
    const { arn } = await ground.newKey()
    const since = ground.now()
    await ground.cloud.clients.kms.send(new EncryptCommand({ KeyId: arn, Plaintext: Buffer.from('demo') }))
    await ground.cloud.settle()
    const tried = await triedUse(arn, [], since)
    const caller = tried.known ? (tried.value?.caller ?? '') : ''
    expect(await triedUse(arn, [], since, { notBy: caller })).toEqual(none)
    expect(await triedUse(arn, [], since, { notBy: `${caller}2` })).toEqual(tried)
  })

  it.each([
    { title: 'another role', by: `${ROLE}/other`, owner: `${ROLE}/demo`, isSeen: true },
    { title: 'the same role', by: `${ROLE}/demo`, owner: `${ROLE}/demo`, isSeen: false },
    {
      title: 'the same role, whose path a session does not tell',
      by: `${ROLE}/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_0`,
      owner: `${ROLE}/AWSReservedSSO_Admin_0`,
      isSeen: false,
    },
    { title: 'a user of the same name', by: `${ROLE}/demo`, owner: `arn:aws:iam::${ACCOUNT}:user/demo`, isSeen: true },
  ])('by $title: seen, or not', async ({ by, owner, isSeen }) => {
    const { arn } = await ground.newKey()
    const since = ground.now()
    await usedBy(by, arn)
    expect(await triedUse(arn, [], since, { notBy: owner })).toMatchObject(isSeen ? { known: true, value: { caller: by } } : none)
  })
})
