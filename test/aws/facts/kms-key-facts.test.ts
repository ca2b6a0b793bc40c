import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DeleteAliasCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import { auditResource } from '../../../shared/rules/audit.ts'
import { DEFAULT_EXPECTATIONS } from '../../../shared/rules/expectations.ts'
import { FACT_ACTIONS, type KmsKeyFacts } from '../../../shared/rules/facts.ts'
import { KMS_RULES } from '../../../shared/rules/kms-rules.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const ALL = Object.keys(FACT_ACTIONS.kms_key)
const OTHER_REGION = 'eu-west-1'

let ground: FactGround
beforeAll(async () => {
  ground = await openFactGround()
}, START_MS_MAX)
afterAll(() => ground.close())

const accountId = '000000000000'
const keyOf = (arn: string): Resource<'kms_key'> => ({ kind: 'kms_key', arn, accountId, region: arn.split(':')[3] ?? '' })

async function createKey(input: CreateKeyCommandInput = {}): Promise<string> {
  return (await ground.cloud.clients.kms.send(new CreateKeyCommand(input))).KeyMetadata?.Arn ?? ''
}

async function factsOf(arn: string): Promise<KmsKeyFacts> {
  return valuesOf('kms_key', await ground.read(keyOf(arn)))
}

async function importedKey(validTo: Date | null): Promise<string> {
  const { kms } = ground.cloud.clients
  const KeyId = await createKey({ Origin: 'EXTERNAL' })
  const { PublicKey, ImportToken } = await kms.send(
    new GetParametersForImportCommand({ KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }),
  )
  const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' })
  const EncryptedKeyMaterial = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, randomBytes(32))
  const expiry =
    validTo === null
      ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' as const }
      : { ExpirationModel: 'KEY_MATERIAL_EXPIRES' as const, ValidTo: validTo }
  await kms.send(new ImportKeyMaterialCommand({ KeyId, ImportToken, EncryptedKeyMaterial, ...expiry }))
  return KeyId
}

describe('facts of a KMS key', () => {
  it('of an ordinary one that has everything', async () => {
    const { kms } = ground.cloud.clients
    const KeyId = await createKey({ Tags: [{ TagKey: 'team', TagValue: 'orders' }] })
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 180 }))
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/full', TargetKeyId: KeyId }))
    const GranteePrincipal = `arn:aws:iam::${accountId}:root`
    const constraints = { EncryptionContextSubset: { b: '2', a: '1' } }
    await kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Decrypt'], Constraints: constraints, Name: 'one' }))
    await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))

    // A rotation on demand takes a moment.
    await ground.cloud.clock.advance(60_000)
    const facts = await factsOf(KeyId)
    expect(facts).toMatchObject({
      manager: 'CUSTOMER',
      state: 'Enabled',
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      multiRegionRole: null,
      deletionAt: null,
      materialExpiresAt: null,
      rotation: { isEnabled: true, periodDays: 180 },
      rotations: [{ kind: 'ON_DEMAND' }],
      grants: [
        {
          name: 'one',
          grantee: GranteePrincipal,
          retiring: '',
          operations: ['Decrypt'],
          constraints: '{"EncryptionContextSubset":{"a":"1","b":"2"}}',
          isForAwsService: false,
        },
      ],
      aliases: ['alias/full'],
      tags: { team: 'orders' },
      countedUse: { succeeded: 0, failed: {} },
      aliasHistory: [{ alias: 'alias/full', firstKeyArn: KeyId, keyArn: KeyId }],
    })
    expect(facts.policy?.statements[0]).toMatchObject({ effect: 'Allow', actions: { patterns: ['kms:*'] } })
    expect(Math.abs(facts.createdAt - ground.now())).toBeLessThan(600)
    expect(facts.rotation.nextAt).toBeGreaterThan(ground.now())
    expect(Math.abs((facts.lastUse.at ?? 0) - ground.now())).toBeLessThan(600)
    expect(Object.keys(facts).toSorted()).toEqual(ALL.toSorted())
  })

  const never = { rotation: { isEnabled: false, periodDays: null, nextAt: null }, rotations: [] }
  const KINDS: readonly (readonly [title: string, make: () => Promise<string>, facts: Partial<KmsKeyFacts>])[] = [
    [
      'RSA for encryption',
      () => createKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }),
      { spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT', ...never },
    ],
    [
      'HMAC',
      () => createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
      { spec: 'HMAC_256', usage: 'GENERATE_VERIFY_MAC', ...never },
    ],
    ['without its material yet', () => createKey({ Origin: 'EXTERNAL' }), { origin: 'EXTERNAL', state: 'PendingImport', ...never }],
    [
      'imported, forever',
      () => importedKey(null),
      { origin: 'EXTERNAL', state: 'Enabled', materialExpiresAt: null, rotation: never.rotation },
    ],
    ['a multi-Region primary', () => createKey({ MultiRegion: true }), { multiRegionRole: 'PRIMARY' }],
    [
      'disabled',
      async () => {
        const KeyId = await createKey()
        await ground.cloud.clients.kms.send(new DisableKeyCommand({ KeyId }))
        return KeyId
      },
      { state: 'Disabled' },
    ],
  ]

  it.each(KINDS)('of one that is %s', async (_title, make, expected) => {
    const facts = await factsOf(await make())
    expect(facts).toMatchObject(expected)
    expect(facts).toMatchObject({ manager: 'CUSTOMER', aliases: [], grants: [], tags: {}, aliasHistory: [], lastUse: { at: null } })
  })

  it('of one whose material expires, of a replica, and of one that is to be deleted', async () => {
    const { kms } = ground.cloud.clients
    const expiresAt = ground.now() + 86_400
    expect((await factsOf(await importedKey(new Date(1000 * expiresAt)))).materialExpiresAt).toBe(expiresAt)

    const primary = await createKey({ MultiRegion: true })
    const { ReplicaKeyMetadata } = await kms.send(new ReplicateKeyCommand({ KeyId: primary, ReplicaRegion: OTHER_REGION }))
    // It is being made for a moment.
    expect(await ground.read(keyOf(ReplicaKeyMetadata?.Arn ?? ''), ['state'])).toBe('unready')
    await ground.cloud.clock.advance(60_000)
    expect((await factsOf(ReplicaKeyMetadata?.Arn ?? '')).multiRegionRole).toBe('REPLICA')

    const KeyId = await createKey()
    const { DeletionDate } = await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    expect(await factsOf(KeyId)).toMatchObject({
      state: 'PendingDeletion',
      deletionAt: Math.floor((DeletionDate?.getTime() ?? 0) / 1000),
    })
    await kms.send(new CancelKeyDeletionCommand({ KeyId }))
    expect(await factsOf(KeyId)).toMatchObject({ state: 'Disabled', deletionAt: null })
  })

  it('of one that is not there: gone, or not ready if it was just made', async () => {
    const none = keyOf(`arn:aws:kms:${ground.cloud.region}:${accountId}:key/11111111-2222-4333-8444-555555555555`)
    expect(await ground.read(none)).toBe('gone')
    expect(await ground.read(none, ['state'], { madeAt: ground.now() })).toBe('unready')
    expect(await ground.read(none, ['state'], { madeAt: (ground.now() - 3600) as KmsKeyFacts['createdAt'] })).toBe('gone')
  })

  it.each(['event', 'sweep'] as const)('of aliases that moved, in the reader of one %s', async (extent) => {
    const { kms } = ground.cloud.clients
    const [first, second] = [await createKey(), await createKey()]
    const AliasName = `alias/moving-${extent}`
    const gone = `alias/leaving-${extent}`
    for (const name of [AliasName, gone]) await kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: first }))
    const history = async (arn: string): Promise<unknown> =>
      valuesOf('kms_key', await ground.read(keyOf(arn), ['aliases', 'aliasHistory'], { extent })).aliasHistory
    expect(await history(second)).toEqual([])
    expect(await history(first)).toEqual([
      { alias: gone, firstKeyArn: first, keyArn: first },
      { alias: AliasName, firstKeyArn: first, keyArn: first },
    ])
    await kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: second }))
    await kms.send(new DeleteAliasCommand({ AliasName: gone }))
    expect(await history(first)).toEqual([
      { alias: gone, firstKeyArn: first, keyArn: null },
      { alias: AliasName, firstKeyArn: first, keyArn: second },
    ])
    expect(await history(second)).toEqual([{ alias: AliasName, firstKeyArn: first, keyArn: second }])
  })
})

describe('calls', () => {
  it('are made once for a resource in one audit, in both of its readings', async () => {
    const arn = await createKey()
    ground.calls()
    const audit = await auditResource(KMS_RULES, createFactReader(ground.parts()), {
      resource: keyOf(arn),
      expectations: DEFAULT_EXPECTATIONS,
      now: ground.now(),
    })
    expect(audit.kind).toBe('judged')
    const calls = ground.calls()
    expect(calls.toSorted()).toEqual([...new Set(calls)].toSorted())
    expect(calls).toContain('DescribeKey')
  })

  it('are only those that the asked facts need', async () => {
    const key = keyOf(await createKey())
    ground.calls()
    await ground.read(key, ['state', 'spec', 'deletionAt'])
    expect(ground.calls()).toEqual(['DescribeKey'])
    await ground.read(key, ['rotation'])
    expect(ground.calls()).toEqual(['GetKeyRotationStatus'])
  })

  it('for aliases, what was seen and usage are made once in a sweep of many keys', async () => {
    const keys = [await createKey(), await createKey(), await createKey()]
    const reader = createFactReader(ground.parts({ extent: 'sweep' }))
    ground.calls()
    for (const arn of keys) valuesOf('kms_key', await reader(keyOf(arn))(['aliases', 'aliasHistory', 'countedUse', 'tags']))
    const count = (operation: string): number => counted.filter((each) => each === operation).length
    const counted = ground.calls()
    expect([count('Query'), count('ListResourceTags')]).toEqual([1, 3])
    expect(count('ListAliases')).toBe(1)
  })
})

describe('what cannot be read', () => {
  const ACTIONS = [...new Set(Object.values(FACT_ACTIONS.kms_key).flat())].filter((action) => action.startsWith('kms:'))

  it.each(ACTIONS)('is unread for who lacks %s, and the rest is read', async (action) => {
    const key = keyOf(await createKey())
    const clients = ground.clientsAs(await ground.allowedAllBut(action))
    const facts = await ground.read(key, ALL, { clients })
    const affected = Object.entries(FACT_ACTIONS.kms_key).filter(([, actions]) => (actions as readonly string[]).includes(action))
    expect(unreadOf(facts)).toEqual(Object.fromEntries(affected.map(([name]) => [name, `${action} denied AccessDeniedException`])))
  })

  const FAULTS: readonly (readonly [Fault, string])[] = [
    [{ status: 500, code: 'KMSInternalException' }, 'KMSInternalException'],
    [{ status: 400, code: 'ThrottlingException' }, 'ThrottlingException'],
    // As the SDK names a connection that broke.
    ['broken', 'TimeoutError'],
  ]
  it.each(FAULTS)('is unread where one call fails, each in turn: %j', async (fault, code) => {
    const key = keyOf(await createKey())
    // Those that the facts are said to take: what was on its way for another test does not count.
    const operations = [...new Set(Object.values(FACT_ACTIONS.kms_key).flat())]
      .filter((action) => !action.endsWith(':PutItem'))
      .map((action) => action.slice(action.indexOf(':') + 1))
    const failedFacts = new Set<string>()
    for (const failing of operations) {
      ground.faultOf = (operation) => (operation === failing ? fault : null)
      const unread = unreadOf(await ground.read(key))
      expect(unread).not.toEqual({})
      for (const [name, said] of Object.entries(unread)) {
        failedFacts.add(name)
        const [action = '', ...why] = said.split(' ')
        expect(why).toEqual(['failed', code])
        expect(FACT_ACTIONS.kms_key[name as 'state'] as readonly string[]).toContain(action)
        expect(action.split(':')[1]).toBe(failing)
      }
    }
    ground.faultOf = () => null
    expect([...failedFacts].toSorted()).toEqual(ALL.filter((name) => name !== 'countedUse').toSorted())
  })
})
