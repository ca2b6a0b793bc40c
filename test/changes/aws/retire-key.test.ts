import { DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-cloudwatch-events'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  ReplicateKeyCommand,
  TagResourceCommand,
} from '@aws-sdk/client-kms'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { StackChanges } from '../../../shared/aws/changes/stack-changes.ts'
import type { RetireKeyPort } from '../../../shared/changes/retire/reading.ts'
import { type EpochS, HOUR_S, hourText } from '../../../shared/time.ts'
import { KEY_USAGE_RULE_NAME } from '../../../shared/usage/key-usage-rule.ts'
import { rollUpHours } from '../../../shared/usage/roll-up-hours.ts'
import { START_MS_MAX } from '../../aws/facts/fact-ground.ts'
import { createTable } from '../../../shared/aws/table.ts'
import { refOf } from '../../support/local-cloud.ts'
import { type ChangeGround, openChangeGround, REGION } from './change-ground.ts'

let ground: ChangeGround
let keys: RetireKeyPort

beforeAll(async () => {
  ground = await openChangeGround({ isDelivered: true })
  keys = keysOf(ground.stackChanges())
}, START_MS_MAX)
afterAll(() => ground.close())
afterEach(() => {
  ground.faultOf = () => null
})

function keysOf(made: StackChanges): RetireKeyPort {
  const settings = { afterDays: 1, watchHours: 72, pendingDays: 7, perRunMax: 5, exclude: [] }
  return made.retirePorts({ settings, now: ground.now, remainingMs: () => 60_000 }).keys
}

async function keyWithAlias(AliasName: string): Promise<string> {
  const { arn } = await ground.newKey()
  await ground.cloud.clients.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: arn }))
  return arn
}

async function encrypted(KeyId: string): Promise<Uint8Array> {
  const { CiphertextBlob } = await ground.cloud.clients.kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('demo') }))
  return CiphertextBlob ?? new Uint8Array()
}

const done = { ok: true, value: null }
const unreadAs = (code: string) => ({ known: false, because: 'failed', code })
const known = <Value>(value: Value) => ({ known: true, value })

describe('a key is read for its retirement', () => {
  it('with all that is known of it', async () => {
    const { kms } = ground.cloud.clients
    const arn = await keyWithAlias('alias/read')
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/read-too', TargetKeyId: arn }))
    await kms.send(new TagResourceCommand({ KeyId: arn, Tags: [{ TagKey: 'team', TagValue: 'demo' }] }))
    const GranteePrincipal = `arn:aws:iam::${ground.cloud.accountId}:root`
    const { GrantId } = await kms.send(new CreateGrantCommand({ KeyId: arn, GranteePrincipal, Operations: ['Decrypt'] }))
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: arn }))
    expect(await keys.read(arn)).toMatchObject({ kind: 'read', lastUse: known({ at: null, trackedSince: expect.any(Number) as number }) })
    const usedAt = ground.now()
    await encrypted(arn)
    const reading = await keys.read(arn)
    expect(reading).toMatchObject({
      kind: 'read',
      described: known({
        manager: 'CUSTOMER',
        accountId: ground.cloud.accountId,
        state: 'Enabled',
        deletionAt: null,
        multiRegionRole: null,
        replicaArns: [],
      }),
      aliases: known(['alias/read', 'alias/read-too']),
      tags: known({ team: 'demo' }),
      grants: known([{ id: GrantId }]),
      policy: known(Policy),
    })
    if (reading.kind === 'gone' || !reading.lastUse.known) throw new Error('it was read')
    expect(reading.lastUse.value.at).toBeGreaterThanOrEqual(usedAt)
  })

  it('as primary with its replicas, and as replica without', async () => {
    const { arn } = await ground.newKey({ MultiRegion: true })
    await ground.cloud.clients.kms.send(new ReplicateKeyCommand({ KeyId: arn, ReplicaRegion: 'us-east-1' }))
    const replica = arn.replace(REGION, 'us-east-1')
    expect(await keys.read(arn)).toMatchObject({ described: known({ multiRegionRole: 'PRIMARY', replicaArns: [replica] }) })
    expect(await keys.read(replica)).toMatchObject({ described: known({ multiRegionRole: 'REPLICA', replicaArns: [] }) })
    expect(await keys.scheduleDeletion(arn, 7)).toEqual(done)
    expect(await keys.read(arn)).toMatchObject({ described: known({ state: 'PendingReplicaDeletion', deletionAt: null }) })
  })

  it('that is gone', async () => {
    const { arn } = await ground.newKey()
    expect(await keys.read(arn.replace(/.{12}$/, '000000000000'))).toEqual({ kind: 'gone' })
  })

  it.each([
    ['kms:DescribeKey', 'described'],
    ['kms:ListAliases', 'aliases'],
    ['kms:ListResourceTags', 'tags'],
    ['kms:ListGrants', 'grants'],
    ['kms:GetKeyPolicy', 'policy'],
    ['kms:GetKeyLastUsage', 'lastUse'],
  ])('without what %s would tell', async (action, part) => {
    const { arn } = await ground.newKey()
    const credentials = await ground.allowedAllBut(action)
    const blind = keysOf(ground.stackChanges({ access: { ...ground.access, credentials } }))
    const { kind, ...parts } = await blind.read(arn)
    expect(kind).toBe('read')
    const unread = Object.entries(parts).filter(([, value]) => !value.known)
    expect(unread).toMatchObject([[part, { action, because: 'denied' }]])
  })
})

it('a key goes the way out and comes back', async () => {
  const alias = 'alias/way-out'
  const arn = await keyWithAlias(alias)
  const stateOf = async () => (await ground.cloud.clients.kms.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata?.KeyState
  expect(await keys.disable(arn)).toEqual(done)
  expect(await keys.disable(arn)).toEqual(done)
  expect(await stateOf()).toBe('Disabled')
  expect(await keys.aliasTarget(alias, arn)).toEqual(known(arn))
  expect(await keys.deleteAlias(alias, arn)).toEqual(done)
  expect(await keys.deleteAlias(alias, arn)).toMatchObject({ ok: false, code: 'NotFoundException' })
  expect(await keys.aliasTarget(alias, arn)).toEqual(known(null))
  expect(await keys.scheduleDeletion(arn, 3)).toMatchObject({ ok: false, code: 'ValidationException' })
  const scheduled = await keys.scheduleDeletion(arn, 7)
  expect(scheduled).toMatchObject({ ok: true, value: expect.any(Number) as unknown })
  expect(await keys.read(arn)).toMatchObject({
    described: known({ state: 'PendingDeletion', deletionAt: scheduled.ok ? scheduled.value : null }),
  })
  expect(await keys.createAlias(alias, arn)).toMatchObject({ ok: false, code: 'KMSInvalidStateException' })
  expect(await keys.enable(arn)).toMatchObject({ ok: false, code: 'KMSInvalidStateException' })
  expect(await keys.cancelDeletion(arn)).toEqual(done)
  expect(await keys.cancelDeletion(arn)).toMatchObject({ ok: false, code: 'KMSInvalidStateException' })
  expect(await keys.enable(arn)).toEqual(done)
  expect(await keys.createAlias(alias, arn)).toEqual(done)
  expect(await keys.createAlias(alias, arn)).toMatchObject({ ok: false, code: 'AlreadyExistsException' })
  expect(await keys.aliasTarget(alias, arn)).toEqual(known(arn))
  expect(await stateOf()).toBe('Enabled')
  for (const fault of ['broken', { status: 403, code: 'AccessDeniedException' }] as const) {
    ground.faultOf = () => fault
    expect(await keys.aliasTarget(alias, arn)).toMatchObject({ known: false, action: 'kms:DescribeKey' })
  }
  ground.faultOf = () => 'broken'
  await expect(keys.deleteAlias(alias, arn)).rejects.toThrow(/socket hang up|ECONNRESET/)
})

describe('a use that was tried', () => {
  const none = known(null)

  it('is seen of a disabled key, by whatever name, and of an alias that was freed', async () => {
    const { kms } = ground.cloud.clients
    const alias = 'alias/watched'
    const arn = await keyWithAlias(alias)
    const before = ground.now()
    const ciphertext = await encrypted(alias)
    await ground.cloud.settle()
    expect(await keys.triedUse(arn, [], before)).toMatchObject(known({ operation: 'Encrypt', errorCode: null, named: arn }))

    // The same hour, and a second later.
    await ground.cloud.clock.advance(2000)
    const since = ground.now()
    await keys.disable(arn)
    expect(await keys.triedUse(arn, [alias], since)).toEqual(none)
    await expect(kms.send(new DecryptCommand({ CiphertextBlob: ciphertext }))).rejects.toThrow('disabled')
    await ground.cloud.settle()
    const tried = await keys.triedUse(arn, [alias], since)
    expect(tried).toMatchObject(known({ operation: 'Decrypt', errorCode: 'DisabledException', named: arn }))
    expect(tried.known ? tried.value?.at : 0).toBeGreaterThanOrEqual(since)
    expect(tried.known ? tried.value?.caller : '').not.toBe('')

    await ground.cloud.clock.advance(2000)
    const freed = ground.now()
    await keys.deleteAlias(alias, arn)
    for (const KeyId of [alias, `arn:aws:kms:${REGION}:${ground.cloud.accountId}:${alias}`]) {
      await ground.cloud.clock.advance(1000)
      expect(await keys.triedUse(arn, [alias], ground.now())).toEqual(none)
      const at = ground.now()
      await expect(kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))).rejects.toThrow('not found')
      await ground.cloud.settle()
      expect(await keys.triedUse(arn, [alias], at)).toMatchObject(
        known({ operation: 'Encrypt', errorCode: 'NotFoundException', named: KeyId }),
      )
    }
    expect(await keys.triedUse(arn, [], freed)).toEqual(none)
    const { arn: other } = await ground.newKey()
    expect(await keys.triedUse(other, [], before)).toEqual(none)
  })

  it('is told from one before it as long as seconds are kept, and is one of both afterwards', async () => {
    const { arn } = await ground.newKey()
    await encrypted(arn)
    await ground.cloud.settle()
    await ground.cloud.clock.advance(2000)
    const since = ground.now()
    await ground.cloud.clock.advance(3 * HOUR_S * 1000)
    const usage = ground.countedUsage()
    await rollUpHours(usage, { now: ground.now(), remainingMs: () => 600_000 })
    const hour = (since - (since % HOUR_S)) as EpochS
    expect((await usage.rollUp(hour))?.segmentCount).toBeGreaterThan(0)
    expect(await keys.triedUse(arn, [], since)).toEqual(none)
    expect(await keys.triedUse(arn, [], (since - HOUR_S) as EpochS)).toMatchObject(known({ operation: 'Encrypt' }))
    // As DynamoDB does after 36 days.
    const table = createTable(ground.cloud.clients.dynamodb, refOf(ground.cloud, 'UsageTable'))
    const pk = `segment#${hourText(hour)}`
    for await (const item of table.query(pk)) await table.remove(pk, item['sk']?.S ?? '')
    expect(await keys.triedUse(arn, [], since)).toEqual(
      known({ at: since, operation: 'Encrypt', caller: expect.any(String) as unknown, errorCode: null, named: arn }),
    )
    expect(await keys.triedUse(arn, [], (hour + HOUR_S) as EpochS)).toEqual(none)
  })

  const ARN = `arn:aws:kms:${REGION}:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab`
  const OTHER = ARN.replace('1234abcd', '00000000')

  it.each([
    { errorCode: 'DisabledException', keyId: undefined, resource: undefined, isSeen: true },
    { errorCode: 'KMSInvalidStateException', keyId: 'alias/whose', resource: undefined, isSeen: true },
    { errorCode: 'AccessDenied', keyId: ARN, resource: undefined, isSeen: true },
    { errorCode: 'AccessDenied', keyId: '1234abcd-12ab-34cd-56ef-1234567890ab', resource: undefined, isSeen: true },
    { errorCode: 'AccessDenied', keyId: undefined, resource: ARN, isSeen: true },
    { errorCode: 'DryRunOperationException', keyId: ARN, resource: ARN, isSeen: true },
    { errorCode: 'NotFoundException', keyId: 'alias/whose', resource: undefined, isSeen: false },
    { errorCode: 'AccessDenied', keyId: undefined, resource: undefined, isSeen: false },
    { errorCode: 'DisabledException', keyId: OTHER, resource: undefined, isSeen: false },
    { errorCode: 'DisabledException', keyId: 'alias/whose', resource: OTHER, isSeen: false },
  ])('is in a record, or is not: $errorCode of $keyId, $resource', async ({ errorCode, keyId, resource, isSeen }) => {
    await ground.cloud.clock.advance(1000)
    const since = ground.now()
    const eventID = randomUUID()
    const time = new Date(1000 * since).toISOString().replace('.000', '')
    await ground.cloud.publish({
      version: '0',
      id: eventID,
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.kms',
      account: ground.cloud.accountId,
      time,
      region: REGION,
      resources: [],
      detail: {
        eventVersion: '1.11',
        userIdentity: { type: 'IAMUser', arn: `arn:aws:iam::${ground.cloud.accountId}:user/Alice`, accountId: ground.cloud.accountId },
        eventTime: time,
        eventSource: 'kms.amazonaws.com',
        eventName: 'Encrypt',
        awsRegion: REGION,
        eventID,
        errorCode,
        requestParameters: keyId === undefined ? null : { keyId },
        ...(resource !== undefined && { resources: [{ accountId: ground.cloud.accountId, type: 'AWS::KMS::Key', ARN: resource }] }),
        recipientAccountId: ground.cloud.accountId,
      },
    })
    await ground.cloud.settle()
    const named = resource ?? keyId ?? ''
    const caller = `arn:aws:iam::${ground.cloud.accountId}:user/Alice`
    expect(await keys.triedUse(ARN, [], since)).toEqual(
      isSeen ? known({ at: since, operation: 'Encrypt', caller, errorCode, named }) : none,
    )
  })

  it('is not known where the counting may have missed it', async () => {
    const { arn } = await ground.newKey()
    const since = ground.now()
    expect(await keys.triedUse(arn, [], since)).toEqual(none)
    expect(await keys.triedUse(arn.replace(REGION, 'us-east-1'), [], since)).toMatchObject(unreadAs('NotCountedHere'))
    const elsewhere = keysOf(ground.stackChanges({ countedAccounts: new Set(['999999999999']) }))
    expect(await elsewhere.triedUse(arn, [], since)).toMatchObject(unreadAs('NotCountedHere'))
    expect(await keys.triedUse(arn, [], (since - 400 * 24 * HOUR_S) as EpochS)).toMatchObject(unreadAs('UsageNotKept'))
    for (const action of ['events:DescribeRule', 'dynamodb:Query']) {
      ground.faultOf = (operation) => (action.endsWith(`:${operation}`) ? { status: 400, code: 'AccessDeniedException' } : null)
      expect(await keys.triedUse(arn, [], since)).toMatchObject({ known: false, action, because: 'denied' })
    }
    ground.faultOf = () => null
    const { events } = ground.cloud.clients
    await events.send(new DisableRuleCommand({ Name: KEY_USAGE_RULE_NAME }))
    expect(await keys.triedUse(arn, [], since)).toMatchObject(unreadAs('RuleNotAsDeployed'))
    // Read-only management events, all of these, do not come by this.
    await events.send(new EnableRuleCommand({ Name: KEY_USAGE_RULE_NAME }))
    expect(await keys.triedUse(arn, [], since)).toMatchObject(unreadAs('RuleNotAsDeployed'))
  })
})
