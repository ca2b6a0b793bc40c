import { constants, publicEncrypt, randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { stateCell } from '../../local/kms/key-state-table.ts'
import { KEY_STATES, type KeyState } from '../../local/kms/keys.ts'
import type { JsonObject } from '../../shared/json.ts'
import { base64, Cloud, REGION, textOf } from './kms-calls.ts'
import { CELLS, expectedCodes, type GuideCell, STATES_OF_GUIDE } from './kms-key-state-guide.ts'

const OTHER_REGION = 'eu-west-1'
const THIRD_REGION = 'us-east-1'
const MESSAGE = base64('a message')
const GRANTEE = 'arn:aws:iam::111122223333:role/OrdersService'
const OPERATIONS = [...new Set(CELLS.map(({ operation }) => operation))]

/** A key of an operation, as far as it is made before its state: what the operation needs of it, and how it is called. */
type Made = { readonly cloud: Cloud; readonly keyId: string; readonly keyArn: string; readonly region: string }
type Call = { readonly kind?: JsonObject; readonly input?: (made: Made) => JsonObject | Promise<JsonObject> }

const SIGNING = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }
const MAC = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }
const AGREEMENT = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }
const SIGN = { Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' }
const EXTERNAL = { Origin: 'EXTERNAL' }

async function ciphertext({ cloud, keyId, region }: Made): Promise<string> {
  return textOf(await cloud.do('Encrypt', { KeyId: keyId, Plaintext: MESSAGE }, region), 'CiphertextBlob')
}

async function grantOf({ cloud, keyArn, region }: Made): Promise<JsonObject> {
  const grant = await cloud.do('CreateGrant', { KeyId: keyArn, GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }, region)
  return { KeyId: keyArn, GrantId: grant['GrantId'] }
}

/** A request that brings material to a key that has it already: KMS takes the same again. */
async function importRequest({ cloud, keyId, region }: Made): Promise<JsonObject> {
  const wrapping = { KeyId: keyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }
  const { ImportToken, PublicKey } = await cloud.do('GetParametersForImport', wrapping, region)
  const key = { key: Buffer.from(String(PublicKey), 'base64'), format: 'der', type: 'spki' } as const
  const wrapped = publicEncrypt({ ...key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, randomBytes(32))
  const input = { ImportToken, EncryptedKeyMaterial: base64(wrapped), ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
  await cloud.do('ImportKeyMaterial', { ...input, KeyId: keyId }, region)
  return input
}

async function otherAlias({ cloud, keyId }: Made): Promise<JsonObject> {
  const { keyId: otherKeyId } = await cloud.createKey()
  await cloud.do('CreateAlias', { AliasName: 'alias/one', TargetKeyId: otherKeyId })
  return { AliasName: 'alias/one', TargetKeyId: keyId }
}

const CALLS: Readonly<Record<string, Call>> = {
  CreateAlias: { input: ({ keyId }) => ({ AliasName: 'alias/one', TargetKeyId: keyId }) },
  CreateGrant: { input: () => ({ GranteePrincipal: GRANTEE, Operations: ['Decrypt'] }) },
  Decrypt: { input: async (made) => ({ CiphertextBlob: await ciphertext(made) }) },
  DeleteAlias: {
    async input({ cloud, keyId, region }) {
      await cloud.do('CreateAlias', { AliasName: 'alias/one', TargetKeyId: keyId }, region)
      return { AliasName: 'alias/one' }
    },
  },
  DeleteImportedKeyMaterial: {
    kind: EXTERNAL,
    async input(made) {
      await importRequest(made)
      return {}
    },
  },
  DeriveSharedSecret: {
    kind: AGREEMENT,
    async input({ cloud }) {
      const { keyId } = await cloud.createKey(AGREEMENT)
      const { PublicKey } = await cloud.do('GetPublicKey', { KeyId: keyId })
      return { KeyAgreementAlgorithm: 'ECDH', PublicKey }
    },
  },
  Encrypt: { input: () => ({ Plaintext: MESSAGE }) },
  GenerateDataKey: { input: () => ({ KeySpec: 'AES_256' }) },
  GenerateDataKeyPair: { input: () => ({ KeyPairSpec: 'ECC_NIST_P256' }) },
  GenerateDataKeyPairWithoutPlaintext: { input: () => ({ KeyPairSpec: 'ECC_NIST_P256' }) },
  GenerateDataKeyWithoutPlaintext: { input: () => ({ KeySpec: 'AES_256' }) },
  GenerateMac: { kind: MAC, input: () => ({ Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' }) },
  GetParametersForImport: { kind: EXTERNAL, input: () => ({ WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }) },
  GetPublicKey: { kind: SIGNING },
  ImportKeyMaterial: { kind: EXTERNAL, input: importRequest },
  PutKeyPolicy: {
    input: async ({ cloud, keyId, region }) => ({ Policy: textOf(await cloud.do('GetKeyPolicy', { KeyId: keyId }, region), 'Policy') }),
  },
  ReplicateKey: { kind: { MultiRegion: true }, input: () => ({ ReplicaRegion: THIRD_REGION }) },
  RetireGrant: { input: grantOf },
  RevokeGrant: { input: grantOf },
  Sign: { kind: SIGNING, input: () => SIGN },
  TagResource: { input: () => ({ Tags: [] }) },
  UntagResource: { input: () => ({ TagKeys: [] }) },
  UpdateAlias: { input: otherAlias },
  UpdateKeyDescription: { input: () => ({ Description: 'another' }) },
  UpdatePrimaryRegion: {
    kind: { MultiRegion: true },
    async input({ cloud, keyId, region }) {
      await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: THIRD_REGION }, region)
      cloud.timeMs += 60_000
      return { PrimaryRegion: THIRD_REGION }
    },
  },
  Verify: {
    kind: SIGNING,
    input: async ({ cloud, keyId, region }) => ({
      ...SIGN,
      Signature: (await cloud.do('Sign', { ...SIGN, KeyId: keyId }, region))['Signature'],
    }),
  },
  VerifyMac: {
    kind: MAC,
    async input({ cloud, keyId, region }) {
      const request = { Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' }
      return { ...request, Mac: (await cloud.do('GenerateMac', { ...request, KeyId: keyId }, region))['Mac'] }
    },
  },
}
/** What these are given belongs to the key of one Region. */
const REGIONAL = ['DeleteAlias', 'DeleteImportedKeyMaterial', 'ImportKeyMaterial', 'RetireGrant', 'RevokeGrant', 'UpdatePrimaryRegion']

/** The key is in the state, or the state is written into the database, where nothing that can be called leads there. */
type Way = 'by calls' | 'by hand'

async function bring(db: DatabaseSync, { cloud, keyId, keyArn, region }: Made, state: KeyState, way: Way): Promise<void> {
  const call = async (operation: string, input: JsonObject = {}): Promise<unknown> =>
    cloud.do(operation, { ...input, KeyId: keyId }, region)
  if (way === 'by hand') {
    db.prepare('UPDATE kms_keys SET state = ? WHERE key_arn = ?').run(state, keyArn)
    return
  }
  switch (state) {
    case 'Disabled':
      return void (await call('DisableKey'))
    case 'PendingDeletion':
      return void (await call('ScheduleKeyDeletion'))
    case 'PendingReplicaDeletion':
      await call('ReplicateKey', { ReplicaRegion: OTHER_REGION })
      return void (await call('ScheduleKeyDeletion'))
    case 'Creating':
      return void (await call('ReplicateKey', { ReplicaRegion: REGION }))
    case 'Updating':
      await call('ReplicateKey', { ReplicaRegion: OTHER_REGION })
      cloud.timeMs += 60_000
      return void (await call('UpdatePrimaryRegion', { PrimaryRegion: OTHER_REGION }))
    case 'Enabled':
    case 'PendingImport':
    case 'Unavailable':
      return
  }
}

function wayOf(operation: string, state: KeyState): Way {
  const isImported = CALLS[operation]?.kind === EXTERNAL
  switch (state) {
    case 'Unavailable':
      return 'by hand'
    case 'PendingImport':
      return operation === 'GetParametersForImport' ? 'by calls' : 'by hand'
    case 'Enabled':
    case 'Disabled':
      return isImported && operation === 'GetParametersForImport' ? 'by hand' : 'by calls'
    case 'PendingDeletion':
      return operation === 'UpdatePrimaryRegion' ? 'by hand' : 'by calls'
    case 'Creating':
    case 'PendingReplicaDeletion':
    case 'Updating':
      return isImported || REGIONAL.includes(operation) ? 'by hand' : 'by calls'
  }
}

/** The code that a call of the operation on a key in the state ends with; null: none. */
async function outcome({ operation, state }: GuideCell): Promise<{ readonly code: string | null; readonly stateBefore: unknown }> {
  const db = new DatabaseSync(':memory:')
  const cloud = new Cloud(db)
  const { kind, input } = CALLS[operation] ?? {}
  const way = wayOf(operation, state)
  const isRelated = way === 'by calls' && ['Creating', 'PendingReplicaDeletion', 'Updating'].includes(state)
  // A replica is made elsewhere, of a primary that everything it is to be used with was made with.
  const region = way === 'by calls' && state === 'Creating' ? OTHER_REGION : REGION
  const { keyId, keyArn } = await cloud.createKey({ ...kind, ...(isRelated ? { MultiRegion: true } : {}) }, region)
  const made = { cloud, keyId, keyArn, region }
  const needed = (await input?.(made)) ?? {}
  await bring(db, made, state, way)
  const named = operation === 'ReEncrypt' ? { DestinationKeyId: keyId, CiphertextBlob: await otherCiphertext(cloud) } : needed
  const stateBefore = ((await cloud.do('DescribeKey', { KeyId: keyId }))['KeyMetadata'] as JsonObject)['KeyState']
  const code = await cloud.codeOf(operation, { ...(takesKeyId(operation) ? { KeyId: keyId } : {}), ...named })
  db.close()
  return { code, stateBefore }
}

async function otherCiphertext(cloud: Cloud): Promise<string> {
  const { keyId, keyArn } = await cloud.createKey()
  return ciphertext({ cloud, keyId, keyArn, region: REGION })
}

function takesKeyId(operation: string): boolean {
  return !['CreateAlias', 'DeleteAlias', 'UpdateAlias', 'ReEncrypt'].includes(operation)
}

describe('the table of key states', () => {
  it('is read whole: every operation on a key, every state', async () => {
    expect(STATES_OF_GUIDE.toSorted()).toEqual(KEY_STATES.toSorted())
    const cloud = new Cloud()
    for (const operation of OPERATIONS) expect(await cloud.codeOf(operation), operation).not.toBe('UnknownOperationException')
  })

  it.each(OPERATIONS)('holds for %s', async (operation) => {
    for (const cell of CELLS.filter((each) => each.operation === operation)) {
      const { code, stateBefore } = await outcome(cell)
      expect(stateBefore, `${operation} × ${cell.state}`).toBe(cell.state)
      if (cell.word === '?' || cell.word === 'n/a') continue
      expect(expectedCodes(cell.word), `${operation} × ${cell.state}: ${String(code)}`).toContain(code)
    }
  })

  it('says of what AWS does not tell that it does not', () => {
    const sources: Readonly<Record<string, string>> = { '?': 'undocumented', 'n/a': 'inapplicable' }
    for (const { operation, state, word } of CELLS) {
      expect(stateCell(operation, state)?.source, `${operation} × ${state}`).toBe(sources[word] ?? 'documented')
    }
    const counts = ['?', 'n/a'].map((word) => CELLS.filter((cell) => cell.word === word).length)
    expect([CELLS.length, ...counts]).toEqual([352, 72, 8])
  })
})
