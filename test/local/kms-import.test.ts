import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, DAY_MS, REGION, START_MS, textOf, trailOf } from './kms-calls.ts'
import { saidInSample, saidOfCall } from './kms-samples.ts'

const WEST = 'eu-west-1'
const SECOND_MS = 1000
const FIRST = randomBytes(32)
const SECOND = randomBytes(32)
const FOREVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
const NEW = { ImportType: 'NEW_KEY_MATERIAL' }
const EXISTING = { ImportType: 'EXISTING_KEY_MATERIAL' }
const HASHES: Readonly<Record<string, string>> = { RSAES_OAEP_SHA_256: 'sha256', RSAES_OAEP_SHA_1: 'sha1' }

type Wrapping = { readonly WrappingAlgorithm: string; readonly WrappingKeySpec: string }
const WRAPPING: Wrapping = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }

function wrapped(publicKey: string, material: Uint8Array, algorithm = WRAPPING.WrappingAlgorithm): string {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
  const oaepHash = HASHES[algorithm] ?? ''
  return base64(publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, material))
}

/** A request that imports the material. */
async function importOf(cloud: Cloud, KeyId: string, material: Uint8Array, region = REGION, wrapping = WRAPPING): Promise<JsonObject> {
  const parameters = await cloud.do('GetParametersForImport', { KeyId, ...wrapping }, region)
  const EncryptedKeyMaterial = wrapped(textOf(parameters, 'PublicKey'), material, wrapping.WrappingAlgorithm)
  return { KeyId, ImportToken: parameters['ImportToken'], EncryptedKeyMaterial }
}

async function imported(cloud: Cloud, keyId: string, material: Uint8Array, input: JsonObject = FOREVER, region = REGION): Promise<string> {
  const request = await importOf(cloud, keyId, material, region)
  return textOf(await cloud.do('ImportKeyMaterial', { ...request, ...input }, region), 'KeyMaterialId')
}

async function metadataOf(cloud: Cloud, keyId: string, region = REGION): Promise<JsonObject> {
  return (await cloud.do('DescribeKey', { KeyId: keyId }, region))['KeyMetadata'] as JsonObject
}

async function materialsOf(cloud: Cloud, keyId: string, region = REGION): Promise<readonly JsonObject[]> {
  const all = { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
  return (await cloud.do('ListKeyRotations', all, region))['Rotations'] as JsonObject[]
}

async function statesOf(cloud: Cloud, keyId: string, region = REGION): Promise<readonly unknown[]> {
  return (await materialsOf(cloud, keyId, region)).map((material) => [material['KeyMaterialState'], material['ImportState']])
}

async function externalKey(cloud: Cloud, input: JsonObject = {}): Promise<string> {
  return (await cloud.createKey({ Origin: 'EXTERNAL', ...input })).keyId
}

describe('imported key material', () => {
  it.each([
    ['RSAES_OAEP_SHA_256', 'RSA_2048'],
    ['RSAES_OAEP_SHA_1', 'RSA_3072'],
    ['RSAES_OAEP_SHA_256', 'RSA_4096'],
  ])('comes wrapped with %s under a key of %s', async (WrappingAlgorithm, WrappingKeySpec) => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    const before = await metadataOf(cloud, keyId)
    expect(before).toMatchObject({ KeyState: 'PendingImport', Enabled: false, Origin: 'EXTERNAL' })
    expect(before).not.toHaveProperty('CurrentKeyMaterialId')
    expect(await cloud.codeOf('Encrypt', { KeyId: keyId, Plaintext: 'YQ==' })).toBe('KMSInvalidStateException')
    const request = await importOf(cloud, keyId, FIRST, REGION, { WrappingAlgorithm, WrappingKeySpec })
    const { KeyMaterialId } = await cloud.do('ImportKeyMaterial', { ...request, ...FOREVER })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'Enabled', ...FOREVER, CurrentKeyMaterialId: KeyMaterialId })
    const blob = await cloud.encrypt(keyId, 'under imported material')
    expect(await cloud.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({
      KeyMaterialId,
      Plaintext: base64('under imported material'),
    })
  })

  it('is named by the key and itself, and recorded without itself', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    const other = await externalKey(cloud)
    const request = await importOf(cloud, keyId, FIRST)
    const sent = await cloud.send('ImportKeyMaterial', { ...request, ...FOREVER, KeyMaterialDescription: 'ceremony 2026-10' })
    const materialId = 'output' in sent.answer ? textOf(sent.answer.output, 'KeyMaterialId') : ''
    expect(await imported(cloud, other, FIRST)).not.toBe(materialId)
    expect(await imported(cloud, keyId, FIRST)).toBe(materialId)
    const recorded = JSON.stringify(trailOf(sent))
    expect(recorded).toContain('"keyMaterialDescription":"ceremony 2026-10"')
    for (const secret of [request['ImportToken'], request['EncryptedKeyMaterial'], base64(FIRST)]) expect(recorded).not.toContain(secret)
    expect(await materialsOf(cloud, keyId)).toMatchObject([{ KeyMaterialDescription: 'ceremony 2026-10', ImportState: 'IMPORTED' }])
  })

  const REFUSED: readonly (readonly [what: string, change: (cloud: Cloud, request: JsonObject) => Promise<JsonObject>, code: string])[] = [
    ['a token of another key', async (cloud, r) => ({ ...r, KeyId: await externalKey(cloud) }), 'InvalidImportTokenException'],
    ['a token that is none', async (_cloud, r) => ({ ...r, ImportToken: 'YQ==' }), 'InvalidImportTokenException'],
    [
      'a token that is a day old',
      async (cloud, r) => {
        cloud.timeMs += DAY_MS
        return r
      },
      'ExpiredImportTokenException',
    ],
    ['what was not wrapped', async (_cloud, r) => ({ ...r, EncryptedKeyMaterial: base64(FIRST) }), 'InvalidCiphertextException'],
    [
      'what was wrapped for another token',
      async (cloud, r) => ({ ...r, ImportToken: (await importOf(cloud, String(r['KeyId']), FIRST))['ImportToken'] }),
      'InvalidCiphertextException',
    ],
    ['31 bytes', async (cloud, r) => importOf(cloud, String(r['KeyId']), FIRST.subarray(1)), 'IncorrectKeyMaterialException'],
    [
      'the name of other material',
      async (_cloud, r) => ({ ...r, KeyMaterialId: 'a'.repeat(64), ...EXISTING }),
      'IncorrectKeyMaterialException',
    ],
    ['a name of new material', async (_cloud, r) => ({ ...r, KeyMaterialId: 'a'.repeat(64), ...NEW }), 'ValidationException'],
    ['existing material that never was', async (_cloud, r) => ({ ...r, ...EXISTING }), 'IncorrectKeyMaterialException'],
    ['an expiry without a date', async (_cloud, r) => ({ ...r, ExpirationModel: undefined }), 'ValidationException'],
    ['a date without an expiry', async (_cloud, r) => ({ ...r, ValidTo: START_MS / 1000 + 60 }), 'ValidationException'],
    ['a date that is past', async (_cloud, r) => ({ ...r, ExpirationModel: undefined, ValidTo: START_MS / 1000 }), 'ValidationException'],
    [
      'a date more than a year ahead',
      async (_cloud, r) => ({ ...r, ExpirationModel: undefined, ValidTo: START_MS / 1000 + 366 * 86_400 }),
      'ValidationException',
    ],
  ]
  it.each(REFUSED)('is not taken with %s', async (_what, change, code) => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    const request = { ...FOREVER, ...(await importOf(cloud, keyId, FIRST)) }
    expect(await cloud.codeOf('ImportKeyMaterial', { ...FOREVER, ...(await change(cloud, request)) })).toBe(code)
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingImport' })
  })

  it.each(['GetParametersForImport', 'ImportKeyMaterial', 'DeleteImportedKeyMaterial'])(
    '%s is for keys of external origin',
    async (operation) => {
      const cloud = new Cloud()
      const { keyId } = await cloud.createKey()
      const input = { KeyId: keyId, ...WRAPPING, ...FOREVER, ImportToken: 'YQ==', EncryptedKeyMaterial: 'YQ==' }
      expect(await cloud.codeOf(operation, input)).toBe('UnsupportedOperationException')
      await cloud.do('ScheduleKeyDeletion', { KeyId: keyId })
      expect(await cloud.codeOf(operation, input)).toBe(
        operation === 'DeleteImportedKeyMaterial' ? 'UnsupportedOperationException' : 'KMSInvalidStateException',
      )
    },
  )

  it('expires at its time, also over a restart, and comes back with the same material only', async () => {
    const db = new DatabaseSync(':memory:')
    const first = new Cloud(db)
    const keyId = await externalKey(first)
    const ValidTo = START_MS / 1000 + 86_400
    const materialId = await imported(first, keyId, FIRST, { ValidTo })
    expect(await metadataOf(first, keyId)).toMatchObject({ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo })
    const blob = await first.encrypt(keyId, 'a')
    const cloud = new Cloud(db)
    cloud.timeMs = START_MS + DAY_MS - 1
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob })).toBeNull()
    cloud.timeMs += 1
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob })).toBe('KMSInvalidStateException')
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingImport' })
    expect(await statesOf(cloud, keyId)).toEqual([['CURRENT', 'PENDING_IMPORT']])
    expect(cloud.events).toMatchObject([{ eventName: 'DeleteExpiredKeyMaterial', serviceEventDetails: { keyId } }])
    const other = { ...(await importOf(cloud, keyId, SECOND)), ...FOREVER }
    expect(await cloud.codeOf('ImportKeyMaterial', other)).toBe('IncorrectKeyMaterialException')
    expect(await imported(cloud, keyId, FIRST, { ...FOREVER, ...EXISTING, KeyMaterialId: materialId })).toBe(materialId)
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob })).toBeNull()
    expect(cloud.events).toHaveLength(1)
  })

  it('can be deleted, but not from under a deletion that waits', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    expect(await cloud.codeOf('DeleteImportedKeyMaterial', { KeyId: keyId })).toBeNull()
    const materialId = await imported(cloud, keyId, FIRST)
    expect(await cloud.codeOf('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: 'b'.repeat(64) })).toBe('NotFoundException')
    expect(await cloud.do('DeleteImportedKeyMaterial', { KeyId: keyId })).toMatchObject({ KeyMaterialId: materialId })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingImport' })
    await imported(cloud, keyId, FIRST)
    await cloud.do('ScheduleKeyDeletion', { KeyId: keyId })
    await cloud.do('DeleteImportedKeyMaterial', { KeyId: keyId })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingDeletion' })
    await cloud.do('CancelKeyDeletion', { KeyId: keyId })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingImport' })
  })
})

describe('the records of imports', () => {
  it('are those of the samples', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    const parameters = { KeyId: keyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_4096' }
    expect(saidOfCall(await cloud.send('GetParametersForImport', parameters))).toEqual(saidInSample('GetParametersForImport'))
    const request = {
      ...(await importOf(cloud, keyId, FIRST)),
      ...NEW,
      ExpirationModel: 'KEY_MATERIAL_EXPIRES',
      ValidTo: START_MS / 1000 + 86_400,
      KeyMaterialDescription: 'ceremony 2026-10',
    }
    const sent = await cloud.send('ImportKeyMaterial', request)
    expect(saidOfCall(sent)).toEqual(saidInSample('ImportKeyMaterial'))
    const KeyMaterialId = trailOf(sent).responseElements?.['keyMaterialId']
    expect(saidOfCall(await cloud.send('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId }))).toEqual(
      saidInSample('DeleteImportedKeyMaterial'),
    )
  })
})

describe('rotation of imported material', () => {
  it('needs new material, which waits beside the current one, and then all of it', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    const firstId = await imported(cloud, keyId, FIRST)
    const blob = await cloud.encrypt(keyId, 'old')
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe('KMSInvalidStateException')
    expect(await cloud.codeOf('EnableKeyRotation', { KeyId: keyId })).toBe('UnsupportedOperationException')
    const again = { ...(await importOf(cloud, keyId, FIRST)), ...FOREVER, ...NEW }
    expect(await cloud.codeOf('ImportKeyMaterial', again)).toBe('IncorrectKeyMaterialException')
    const secondId = await imported(cloud, keyId, SECOND, { ...FOREVER, ...NEW })
    expect(await statesOf(cloud, keyId)).toEqual([
      ['CURRENT', 'IMPORTED'],
      ['PENDING_ROTATION', 'IMPORTED'],
    ])
    const third = { ...(await importOf(cloud, keyId, randomBytes(32))), ...FOREVER, ...NEW }
    expect(await cloud.codeOf('ImportKeyMaterial', third)).toBe('KMSInvalidStateException')
    await cloud.do('RotateKeyOnDemand', { KeyId: keyId })
    cloud.timeMs += SECOND_MS
    expect(await materialsOf(cloud, keyId)).toMatchObject([
      { KeyMaterialId: firstId, KeyMaterialState: 'NON_CURRENT' },
      { KeyMaterialId: secondId, KeyMaterialState: 'CURRENT', RotationType: 'ON_DEMAND', RotationDate: cloud.timeMs / 1000 },
    ])
    expect(await cloud.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({ KeyMaterialId: firstId })
    expect(cloud.events).toMatchObject([
      {
        eventName: 'RotateKey',
        serviceEventDetails: { keyOrigin: 'EXTERNAL', previousKeyMaterialId: firstId, currentKeyMaterialId: secondId },
      },
    ])
    await cloud.do('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId: firstId })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'PendingImport' })
    await imported(cloud, keyId, FIRST)
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'Enabled', CurrentKeyMaterialId: secondId })
  })

  it('lets go of material that waits when it expires or is deleted', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud)
    await imported(cloud, keyId, FIRST)
    await imported(cloud, keyId, SECOND, { ValidTo: START_MS / 1000 + 60, ...NEW })
    cloud.timeMs += 60_000
    expect(await statesOf(cloud, keyId)).toEqual([['CURRENT', 'IMPORTED']])
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'Enabled' })
    const KeyMaterialId = await imported(cloud, keyId, SECOND, { ...FOREVER, ...NEW })
    await cloud.do('DeleteImportedKeyMaterial', { KeyId: keyId, KeyMaterialId })
    expect(await statesOf(cloud, keyId)).toEqual([['CURRENT', 'IMPORTED']])
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'Enabled' })
  })

  it('waits for every replica, which take the material of their primary only', async () => {
    const cloud = new Cloud()
    const keyId = await externalKey(cloud, { MultiRegion: true })
    await imported(cloud, keyId, FIRST)
    await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST })
    cloud.timeMs += SECOND_MS
    expect(await metadataOf(cloud, keyId, WEST)).toMatchObject({ KeyState: 'PendingImport' })
    const foreign = { ...(await importOf(cloud, keyId, SECOND, WEST)), ...FOREVER }
    expect(await cloud.codeOf('ImportKeyMaterial', foreign, WEST)).toBe('IncorrectKeyMaterialException')
    expect(await cloud.codeOf('ImportKeyMaterial', { ...foreign, ...NEW }, WEST)).toBe('UnsupportedOperationException')
    await imported(cloud, keyId, FIRST, FOREVER, WEST)
    const blob = await cloud.encrypt(keyId, 'shared')
    expect(await cloud.codeOf('Decrypt', { CiphertextBlob: blob }, WEST)).toBeNull()

    await imported(cloud, keyId, SECOND, { ...FOREVER, ...NEW })
    const pending = 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
    expect(await statesOf(cloud, keyId)).toEqual([
      ['CURRENT', 'IMPORTED'],
      [pending, 'IMPORTED'],
    ])
    expect(await statesOf(cloud, keyId, WEST)).toEqual([
      ['CURRENT', 'IMPORTED'],
      [pending, 'PENDING_IMPORT'],
    ])
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe('KMSInvalidStateException')
    await imported(cloud, keyId, SECOND, { ...FOREVER, ...EXISTING }, WEST)
    expect((await statesOf(cloud, keyId)).at(-1)).toEqual(['PENDING_ROTATION', 'IMPORTED'])
    await cloud.do('RotateKeyOnDemand', { KeyId: keyId })
    cloud.timeMs += SECOND_MS
    for (const region of [REGION, WEST]) {
      expect(await statesOf(cloud, keyId, region)).toEqual([
        ['NON_CURRENT', 'IMPORTED'],
        ['CURRENT', 'IMPORTED'],
      ])
    }
    await cloud.do('DeleteImportedKeyMaterial', { KeyId: keyId }, WEST)
    expect(await metadataOf(cloud, keyId, WEST)).toMatchObject({ KeyState: 'PendingImport' })
    expect(await metadataOf(cloud, keyId)).toMatchObject({ KeyState: 'Enabled' })
  })
})
