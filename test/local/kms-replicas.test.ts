import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { recordsOfCall } from '../../local/cloudtrail/record.ts'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, base64, Cloud, DAY_MS, REGION, START_MS, textOf, trailOf } from './kms-calls.ts'
import { saidInSample, saidOfCall, sample, shapeOf } from './kms-samples.ts'

const WEST = 'eu-west-1'
const NORTH = 'eu-north-1'
const SECOND_MS = 1000
const UNSUPPORTED = 'UnsupportedOperationException'

const arnIn = (region: string, keyId: string): string => `arn:aws:kms:${region}:${ACCOUNT}:key/${keyId}`

async function metadataOf(cloud: Cloud, keyId: string, region = REGION): Promise<JsonObject> {
  return (await cloud.do('DescribeKey', { KeyId: keyId }, region))['KeyMetadata'] as JsonObject
}

async function stateOf(cloud: Cloud, keyId: string, region = REGION): Promise<unknown> {
  return (await metadataOf(cloud, keyId, region))['KeyState']
}

/** A primary key with a replica in each of the Regions. */
async function related(regions: readonly string[] = [WEST], db?: DatabaseSync): Promise<{ cloud: Cloud; keyId: string }> {
  const cloud = new Cloud(db)
  const { keyId } = await cloud.createKey({ MultiRegion: true })
  for (const region of regions) await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: region })
  cloud.timeMs += SECOND_MS
  return { cloud, keyId }
}

async function sealed(cloud: Cloud, keyId: string, region: string): Promise<unknown> {
  return (await cloud.do('Encrypt', { KeyId: keyId, Plaintext: base64('shared') }, region))['CiphertextBlob']
}

describe('a replica', () => {
  it('is created, then enabled, and both keys tell of each other', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ MultiRegion: true })
    const Tags = [{ TagKey: 'team', TagValue: 'orders' }]
    const made = await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST, Description: 'In the west', Tags })
    const west = { Arn: arnIn(WEST, keyId), Region: WEST }
    const PrimaryKey = { Arn: arnIn(REGION, keyId), Region: REGION }
    const MultiRegionConfiguration = { MultiRegionKeyType: 'REPLICA', PrimaryKey, ReplicaKeys: [west] }
    expect(made).toMatchObject({
      ReplicaKeyMetadata: { KeyId: keyId, KeyState: 'Creating', Enabled: false, Description: 'In the west', MultiRegionConfiguration },
      ReplicaTags: Tags,
    })
    expect(await cloud.codeOf('Encrypt', { KeyId: keyId, Plaintext: 'YQ==' }, WEST)).toBe('KMSInvalidStateException')
    cloud.timeMs += SECOND_MS
    expect(await metadataOf(cloud, keyId, WEST)).toMatchObject({ KeyState: 'Enabled', Arn: west.Arn, MultiRegionConfiguration })
    expect(await metadataOf(cloud, keyId)).toMatchObject({
      MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY', PrimaryKey, ReplicaKeys: [west] },
    })
    expect(cloud.events.map(({ eventName, region }) => [eventName, region])).toEqual([['SynchronizeMultiRegionKey', REGION]])
  })

  it('opens what any of its related keys sealed, with and without the name of a key', async () => {
    const { cloud, keyId } = await related([WEST, NORTH])
    for (const sealing of [REGION, WEST, NORTH]) {
      const CiphertextBlob = await sealed(cloud, keyId, sealing)
      for (const opening of [REGION, WEST, NORTH]) {
        const opened = { KeyId: arnIn(opening, keyId), Plaintext: base64('shared') }
        expect(await cloud.do('Decrypt', { CiphertextBlob }, opening)).toMatchObject(opened)
        expect(await cloud.do('Decrypt', { CiphertextBlob, KeyId: keyId }, opening)).toMatchObject(opened)
      }
    }
    const { keyId: other } = await cloud.createKey({ MultiRegion: true })
    const CiphertextBlob = await sealed(cloud, keyId, WEST)
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob, KeyId: other })).toBe('IncorrectKeyException')
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob }, 'eu-south-1')).toBe('InvalidCiphertextException')
  })

  it('has a policy, tags, aliases and a state of its own', async () => {
    const { cloud, keyId } = await related()
    const Policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}'
    await cloud.do('PutKeyPolicy', { KeyId: keyId, Policy }, WEST)
    await cloud.do('TagResource', { KeyId: keyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] }, WEST)
    await cloud.do('CreateAlias', { AliasName: 'alias/west', TargetKeyId: keyId }, WEST)
    await cloud.do('DisableKey', { KeyId: keyId }, WEST)
    expect(textOf(await cloud.do('GetKeyPolicy', { KeyId: keyId }), 'Policy')).not.toBe(Policy)
    expect(await cloud.do('ListResourceTags', { KeyId: keyId })).toMatchObject({ Tags: [] })
    expect(await cloud.do('ListAliases')).toMatchObject({ Aliases: [] })
    expect(await cloud.do('ListAliases', {}, WEST)).toMatchObject({ Aliases: [{ AliasName: 'alias/west' }] })
    expect([await stateOf(cloud, keyId), await stateOf(cloud, keyId, WEST)]).toEqual(['Enabled', 'Disabled'])
  })

  const REFUSED: readonly (readonly [what: string, key: JsonObject, input: JsonObject, code: string])[] = [
    ['a key of one Region', {}, {}, UNSUPPORTED],
    ['its own Region', { MultiRegion: true }, { ReplicaRegion: REGION }, 'AlreadyExistsException'],
    ['a Region that has one', { MultiRegion: true }, { ReplicaRegion: NORTH }, 'AlreadyExistsException'],
    ['another partition', { MultiRegion: true }, { ReplicaRegion: 'cn-north-1' }, UNSUPPORTED],
    ['no Region', { MultiRegion: true }, { ReplicaRegion: 'Europe' }, 'ValidationException'],
    ['a policy that is none', { MultiRegion: true }, { Policy: 'all' }, 'MalformedPolicyDocumentException'],
  ]
  it.each(REFUSED)('is not made of %s', async (_what, key, input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey(key)
    await cloud.send('ReplicateKey', { KeyId: keyId, ReplicaRegion: NORTH })
    expect(await cloud.codeOf('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST, ...input })).toBe(code)
  })

  it.each(['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand', 'ReplicateKey', 'UpdatePrimaryRegion'])(
    'leaves %s to its primary',
    async (operation) => {
      const { cloud, keyId } = await related()
      const input = { KeyId: keyId, ReplicaRegion: NORTH, PrimaryRegion: NORTH }
      expect(await cloud.codeOf(operation, input, WEST)).toBe(UNSUPPORTED)
    },
  )

  it('rotates with its primary, by date and on demand', async () => {
    const { cloud, keyId } = await related()
    const before = await sealed(cloud, keyId, WEST)
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    const status = await cloud.do('GetKeyRotationStatus', { KeyId: keyId })
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 })
    expect(await cloud.do('GetKeyRotationStatus', { KeyId: keyId }, WEST)).toEqual(status)
    await cloud.do('RotateKeyOnDemand', { KeyId: keyId })
    const started = { OnDemandRotationStartDate: cloud.timeMs / 1000 }
    expect(await cloud.do('GetKeyRotationStatus', { KeyId: keyId }, WEST)).toMatchObject(started)
    cloud.timeMs += SECOND_MS
    cloud.timeMs = START_MS + 91 * DAY_MS
    const all = { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
    const { Rotations } = await cloud.do('ListKeyRotations', all)
    expect(Rotations).toMatchObject([{}, { RotationType: 'ON_DEMAND' }, { RotationType: 'AUTOMATIC', KeyMaterialState: 'CURRENT' }])
    expect(await cloud.do('ListKeyRotations', all, WEST)).toMatchObject({ Rotations })
    const after = await sealed(cloud, keyId, REGION)
    for (const CiphertextBlob of [before, after]) {
      expect(await cloud.codeOf('Decrypt', { CiphertextBlob }, WEST)).toBeNull()
    }
    const rotated = ['RotateKey', 'SynchronizeMultiRegionKey']
    expect(cloud.events.map(({ eventName }) => eventName)).toEqual(['SynchronizeMultiRegionKey', ...rotated, ...rotated])
    expect(new Set(cloud.events.map(({ region }) => region))).toEqual(new Set([REGION]))
  })
})

describe('the records of related keys', () => {
  it('are those of the samples, in both Regions', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey({ MultiRegion: true })
    const record = sample('ReplicateKey')
    const Policy = textOf(record['responseElements'] as JsonObject, 'replicaPolicy')
    const replicated = await cloud.send('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST, Policy })
    const recorded = trailOf(replicated).responseElements?.['replicaKeyMetadata'] as JsonObject
    const { currentKeyMaterialId, ...metadata } = recorded
    expect(currentKeyMaterialId).toMatch(/^[0-9a-f]{64}$/)
    // The samples are older than key material IDs, and were made with no policy sent.
    expect(shapeOf(metadata)).toEqual(shapeOf((record['responseElements'] as JsonObject)['replicaKeyMetadata']))
    expect(trailOf(replicated).elsewhere).toMatchObject({
      operation: 'CreateKey',
      region: WEST,
      requestParameters: { multiRegion: true, policy: Policy },
      responseElements: { keyMetadata: { keyState: 'Creating', arn: arnIn(WEST, keyId) } },
      resources: [{ ARN: arnIn(WEST, keyId) }],
    })
    cloud.timeMs += SECOND_MS
    const moved = await cloud.send('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: WEST })
    expect(saidOfCall(moved)).toEqual(saidInSample('UpdatePrimaryRegion'))
    const origin = { eventSource: 'kms.amazonaws.com', userAgent: 'aws-cli', sourceIp: '127.0.0.1' }
    const [here, there] = recordsOfCall({ ...moved, ...origin })
    expect([here?.['awsRegion'], there?.['awsRegion']]).toEqual([REGION, WEST])
    expect(there?.['requestID']).not.toBe(here?.['requestID'])
    const newPrimary = sample('UpdatePrimaryRegion.new-primary')
    const same = ['eventName', 'userAgent', 'requestParameters', 'responseElements', 'resources', 'readOnly', 'eventType']
    for (const member of same) expect(shapeOf(there?.[member]), member).toEqual(shapeOf(newPrimary[member]))
    expect(there?.['userIdentity']).toMatchObject({ type: 'AssumedRole', invokedBy: 'kms.amazonaws.com' })
  })
})

describe('the primary Region', () => {
  it('changes: both keys are updating for a moment, and what is shared is then kept there', async () => {
    const { cloud, keyId } = await related([WEST, NORTH])
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    expect(await cloud.do('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: WEST })).toEqual({})
    const states = async (): Promise<readonly unknown[]> =>
      Promise.all([REGION, WEST, NORTH].map(async (region) => stateOf(cloud, keyId, region)))
    expect(await states()).toEqual(['Updating', 'Updating', 'Enabled'])
    expect(await cloud.codeOf('Encrypt', { KeyId: keyId, Plaintext: 'YQ==' })).toBeNull()
    expect(await cloud.codeOf('DisableKey', { KeyId: keyId })).toBe('KMSInvalidStateException')
    cloud.timeMs += SECOND_MS
    expect(await states()).toEqual(['Enabled', 'Enabled', 'Enabled'])
    for (const region of [REGION, WEST, NORTH]) {
      expect(await metadataOf(cloud, keyId, region)).toMatchObject({
        MultiRegionConfiguration: {
          MultiRegionKeyType: region === WEST ? 'PRIMARY' : 'REPLICA',
          PrimaryKey: { Region: WEST },
          ReplicaKeys: expect.toSatisfy((keys: readonly JsonObject[]) => keys.length === 2) as unknown,
        },
      })
    }
    expect(await cloud.codeOf('DisableKeyRotation', { KeyId: keyId })).toBe(UNSUPPORTED)
    cloud.timeMs = START_MS + 91 * DAY_MS
    expect(await cloud.do('ListKeyRotations', { KeyId: keyId })).toMatchObject({ Rotations: [{ RotationType: 'AUTOMATIC' }] })
    expect(cloud.events.filter(({ eventName }) => eventName === 'RotateKey')).toMatchObject([{ region: WEST }])
  })

  it.each([
    [NORTH, 'NotFoundException'],
    [REGION, 'NotFoundException'],
    [undefined, 'ValidationException'],
  ])('does not become %s', async (PrimaryRegion, code) => {
    const { cloud, keyId } = await related()
    expect(await cloud.codeOf('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion })).toBe(code)
  })

  it('needs both keys to be enabled', async () => {
    const { cloud, keyId } = await related()
    await cloud.do('DisableKey', { KeyId: keyId }, WEST)
    expect(await cloud.codeOf('UpdatePrimaryRegion', { KeyId: keyId, PrimaryRegion: WEST })).toBe('DisabledException')
  })
})

describe('deletion of related keys', () => {
  it('lets a primary wait without a date until its last replica is gone, over a restart', async () => {
    const db = new DatabaseSync(':memory:')
    const { cloud: first, keyId } = await related([WEST, NORTH], db)
    const waiting = { KeyState: 'PendingReplicaDeletion', PendingWindowInDays: 9 }
    const scheduled = await first.do('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 9 })
    expect(scheduled).toEqual({ KeyId: arnIn(REGION, keyId), ...waiting })
    await first.do('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 }, WEST)
    await first.do('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 20 }, NORTH)
    const cloud = new Cloud(db)
    cloud.timeMs = first.timeMs + 10 * DAY_MS
    const metadata = await metadataOf(cloud, keyId)
    expect(metadata).toMatchObject({ KeyState: 'PendingReplicaDeletion', PendingDeletionWindowInDays: 9 })
    expect(metadata).not.toHaveProperty('DeletionDate')
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyId }, WEST)).toBe('NotFoundException')
    cloud.timeMs = first.timeMs + 20 * DAY_MS
    const dated = await metadataOf(cloud, keyId)
    expect(dated).toMatchObject({ KeyState: 'PendingDeletion', DeletionDate: (cloud.timeMs + 9 * DAY_MS) / 1000 })
    expect(dated).not.toHaveProperty('PendingDeletionWindowInDays')
    cloud.timeMs += 9 * DAY_MS
    expect(await cloud.codeOf('DescribeKey', { KeyId: keyId })).toBe('NotFoundException')
    expect(cloud.events.map(({ eventName, region }) => [eventName, region])).toEqual([
      ['DeleteKey', WEST],
      ['DeleteKey', NORTH],
      ['DeleteKey', REGION],
    ])
  })

  it('can be cancelled in both states', async () => {
    const { cloud, keyId } = await related()
    for (const region of [REGION, WEST]) {
      await cloud.do('ScheduleKeyDeletion', { KeyId: keyId }, region)
      await cloud.do('CancelKeyDeletion', { KeyId: keyId }, region)
      expect(await stateOf(cloud, keyId, region)).toBe('Disabled')
    }
  })

  it('leaves its ciphertexts to the others, and its Region to a new replica', async () => {
    const { cloud, keyId } = await related()
    const CiphertextBlob = await sealed(cloud, keyId, WEST)
    for (let round = 0; round < 2; round++) {
      await cloud.do('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 }, WEST)
      expect(await cloud.codeOf('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST })).toBe('AlreadyExistsException')
      cloud.timeMs += 7 * DAY_MS
      expect(await cloud.codeOf('Decrypt', { CiphertextBlob }, WEST)).toBe('NotFoundException')
      expect(await cloud.codeOf('Decrypt', { CiphertextBlob })).toBeNull()
      await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST })
      cloud.timeMs += SECOND_MS
      expect(await cloud.codeOf('Decrypt', { CiphertextBlob }, WEST)).toBeNull()
    }
  })
})
