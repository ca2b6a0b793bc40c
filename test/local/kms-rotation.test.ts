import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, DAY_MS, START_MS, textOf } from './kms-calls.ts'

const SECOND_MS = 1000
const UNSUPPORTED = 'UnsupportedOperationException'

async function rotationsOf(cloud: Cloud, keyId: string, input: JsonObject = {}): Promise<readonly JsonObject[]> {
  return (await cloud.do('ListKeyRotations', { KeyId: keyId, ...input }))['Rotations'] as JsonObject[]
}

async function currentOf(cloud: Cloud, keyId: string): Promise<string> {
  return textOf((await cloud.do('DescribeKey', { KeyId: keyId }))['KeyMetadata'] as JsonObject, 'CurrentKeyMaterialId')
}

/** Asks for a rotation, and waits for it. */
async function rotate(cloud: Cloud, keyId: string): Promise<void> {
  await cloud.do('RotateKeyOnDemand', { KeyId: keyId })
  cloud.timeMs += SECOND_MS
}

describe('rotation by date', () => {
  const KINDS: readonly (readonly [kind: string, key: JsonObject, codes: readonly (string | null)[]])[] = [
    ['a symmetric encryption key', {}, [null, null, null, null]],
    ['a multi-Region primary', { MultiRegion: true }, [null, null, null, null]],
    ['an HMAC key', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }, [UNSUPPORTED, UNSUPPORTED, null, UNSUPPORTED]],
    ['an asymmetric key', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, [UNSUPPORTED, UNSUPPORTED, null, UNSUPPORTED]],
    ['a key without its imported material', { Origin: 'EXTERNAL' }, [UNSUPPORTED, UNSUPPORTED, UNSUPPORTED, null]],
  ]

  it.each(KINDS)('of %s', async (_kind, input, codes) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey(input)
    const operations = ['EnableKeyRotation', 'DisableKeyRotation', 'GetKeyRotationStatus', 'ListKeyRotations']
    for (const [index, operation] of operations.entries()) {
      expect(await cloud.codeOf(operation, { KeyId: keyId }), operation).toBe(codes[index])
    }
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe(codes[0])
  })

  it('makes a rotation of each date that was waited for, and one of all that were slept through', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    cloud.timeMs = START_MS + 90 * DAY_MS
    const blob = await cloud.encrypt(keyId, 'old')
    cloud.timeMs = START_MS + 1000 * DAY_MS
    const rotations = await rotationsOf(cloud, keyId)
    expect(rotations).toMatchObject([
      { KeyId: keyId, RotationType: 'AUTOMATIC', RotationDate: START_MS / 1000 + 90 * 86_400, KeyMaterialState: 'NON_CURRENT' },
      { KeyId: keyId, RotationType: 'AUTOMATIC', RotationDate: START_MS / 1000 + 1000 * 86_400, KeyMaterialState: 'CURRENT' },
    ])
    expect(await cloud.do('GetKeyRotationStatus', { KeyId: keyId })).toMatchObject({ NextRotationDate: START_MS / 1000 + 1080 * 86_400 })
    const opened = await cloud.do('Decrypt', { CiphertextBlob: blob })
    expect(opened).toMatchObject({ Plaintext: base64('old'), KeyMaterialId: rotations[0]?.['KeyMaterialId'] })
    const moved = await cloud.do('ReEncrypt', { CiphertextBlob: blob, DestinationKeyId: keyId })
    expect(moved).toMatchObject({
      SourceKeyMaterialId: rotations[0]?.['KeyMaterialId'],
      DestinationKeyMaterialId: rotations[1]?.['KeyMaterialId'],
    })
    expect(await currentOf(cloud, keyId)).toBe(rotations[1]?.['KeyMaterialId'])
  })

  it('keeps what it made and what it planned over a restart', async () => {
    const db = new DatabaseSync(':memory:')
    const cloud = new Cloud(db)
    const { keyId } = await cloud.createKey()
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 100 })
    await rotate(cloud, keyId)
    const blob = await cloud.encrypt(keyId, 'kept')
    const restarted = new Cloud(db)
    restarted.timeMs = cloud.timeMs
    expect(await rotationsOf(restarted, keyId)).toEqual(await rotationsOf(cloud, keyId))
    restarted.timeMs = START_MS + 100 * DAY_MS
    expect(await rotationsOf(restarted, keyId)).toMatchObject([{ RotationType: 'ON_DEMAND' }, { RotationType: 'AUTOMATIC' }])
    expect(await restarted.do('Decrypt', { CiphertextBlob: blob })).toMatchObject({ Plaintext: base64('kept') })
  })
})

describe('rotation on demand', () => {
  it('is in progress for a moment, and leaves the date of the next one as it was', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    const first = await currentOf(cloud, keyId)
    const planned = await cloud.do('GetKeyRotationStatus', { KeyId: keyId })
    expect(await cloud.do('RotateKeyOnDemand', { KeyId: keyId })).toEqual({ KeyId: keyId })
    expect(await cloud.do('GetKeyRotationStatus', { KeyId: keyId })).toEqual({ ...planned, OnDemandRotationStartDate: START_MS / 1000 })
    expect(await currentOf(cloud, keyId)).toBe(first)
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe('ConflictException')
    cloud.timeMs += SECOND_MS
    expect(await cloud.do('GetKeyRotationStatus', { KeyId: keyId })).toEqual(planned)
    const second = await currentOf(cloud, keyId)
    expect(second).not.toBe(first)
    expect(await rotationsOf(cloud, keyId)).toEqual([
      {
        KeyId: keyId,
        KeyMaterialId: second,
        KeyMaterialState: 'CURRENT',
        RotationDate: START_MS / 1000 + 1,
        RotationType: 'ON_DEMAND',
      },
    ])
  })

  it('is refused in the twenty minutes before an automatic one', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
    cloud.timeMs = START_MS + 90 * DAY_MS - 20 * 60_000
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe('ConflictException')
    cloud.timeMs -= 1
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBeNull()
  })

  it('comes 25 times, whose materials are listed page by page', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const first = await currentOf(cloud, keyId)
    for (let count = 0; count < 25; count++) await rotate(cloud, keyId)
    expect(await cloud.codeOf('RotateKeyOnDemand', { KeyId: keyId })).toBe('LimitExceededException')
    const all = { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
    const pages: number[] = []
    const materialIds: string[] = []
    let marker: unknown
    do {
      const page = await cloud.do('ListKeyRotations', { ...all, Limit: 10, ...(marker === undefined ? {} : { Marker: marker }) })
      const rotations = page['Rotations'] as JsonObject[]
      pages.push(rotations.length)
      materialIds.push(...rotations.map((rotation) => textOf(rotation, 'KeyMaterialId')))
      marker = page['NextMarker']
    } while (marker !== undefined)
    expect(pages).toEqual([10, 10, 6])
    expect(new Set(materialIds).size).toBe(26)
    expect([materialIds[0], materialIds.at(-1)]).toEqual([first, await currentOf(cloud, keyId)])
    expect(await rotationsOf(cloud, keyId)).toHaveLength(25)
    expect((await rotationsOf(cloud, keyId, all))[0]).toEqual({ KeyId: keyId, KeyMaterialId: first, KeyMaterialState: 'NON_CURRENT' })
  })

  it.each([
    [{ Limit: 0 }, 'ValidationException'],
    [{ Limit: 1001 }, 'ValidationException'],
    [{ IncludeKeyMaterial: 'SOME' }, 'ValidationException'],
    [{ Marker: Buffer.from('after:elsewhere').toString('base64url') }, 'InvalidMarkerException'],
  ])('is not listed by %j', async (input, code) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    expect(await cloud.codeOf('ListKeyRotations', { KeyId: keyId, ...input })).toBe(code)
  })
})
