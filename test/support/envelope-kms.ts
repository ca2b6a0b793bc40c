import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { KmsClient } from '../../shared/envelope/index.ts'

type Context = Readonly<Record<string, string>>
export type KmsCall = {
  readonly operation: 'GenerateDataKey' | 'Encrypt' | 'Decrypt'
  readonly keyArn: string
  readonly encryptionContext: Context
  readonly grantTokens: readonly string[]
}
/** What KMS does with data keys, in this process, with real AES-GCM. Keys exist as soon as they are named; `refuse` takes them away. */
export type FakeKms = KmsClient & {
  readonly calls: readonly KmsCall[]
  refuse(keyArn: string, error: Error): void
}

export const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555'
export const SECOND_KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/66666666-7777-8888-9999-000000000000'
export const MULTI_REGION_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef'
export const REPLICA_ARN = MULTI_REGION_ARN.replace('eu-central-1', 'us-east-1')

const IV_BYTES = 12
const TAG_BYTES = 16

export function createFakeKms(): FakeKms {
  const calls: KmsCall[] = []
  const refused = new Map<string, Error>()

  function called(operation: KmsCall['operation'], request: Omit<KmsCall, 'operation'>): void {
    const { keyArn, encryptionContext, grantTokens } = request
    calls.push({ operation, keyArn, encryptionContext: { ...encryptionContext }, grantTokens })
    const error = refused.get(keyArn)
    if (error !== undefined) throw error
  }

  return {
    calls,
    refuse: (keyArn, error) => void refused.set(keyArn, error),
    generateDataKey: async (request) => {
      called('GenerateDataKey', request)
      const plaintext = randomBytes(request.bytes)
      return { keyArn: request.keyArn, plaintext, ciphertext: wrap(request.keyArn, plaintext, request.encryptionContext) }
    },
    encrypt: async (request) => {
      called('Encrypt', request)
      return { keyArn: request.keyArn, ciphertext: wrap(request.keyArn, request.plaintext, request.encryptionContext) }
    },
    decrypt: async (request) => {
      called('Decrypt', request)
      return { keyArn: request.keyArn, plaintext: unwrap(request.keyArn, request.ciphertext, request.encryptionContext) }
    },
  }
}

/** The same service as the oracle calls it: AWS's names for the same things. */
export function oracleClient(kms: KmsClient): unknown {
  type Sent = {
    readonly KeyId: string
    readonly EncryptionContext?: Context
    readonly GrantTokens?: readonly string[]
    readonly NumberOfBytes?: number
    readonly Plaintext?: Uint8Array
    readonly CiphertextBlob?: Uint8Array
  }
  function request({ KeyId, EncryptionContext = {}, GrantTokens = [] }: Sent): Parameters<KmsClient['encrypt']>[0] {
    return {
      keyArn: KeyId as Parameters<KmsClient['encrypt']>[0]['keyArn'],
      encryptionContext: EncryptionContext,
      grantTokens: GrantTokens,
      plaintext: Buffer.alloc(0),
    }
  }
  return {
    config: {},
    generateDataKey: async (sent: Sent) => {
      const answer = await kms.generateDataKey({ ...request(sent), bytes: sent.NumberOfBytes ?? 0 })
      return { KeyId: answer.keyArn, Plaintext: answer.plaintext, CiphertextBlob: answer.ciphertext }
    },
    encrypt: async (sent: Sent) => {
      const answer = await kms.encrypt({ ...request(sent), plaintext: sent.Plaintext ?? Buffer.alloc(0) })
      return { KeyId: answer.keyArn, CiphertextBlob: answer.ciphertext }
    },
    decrypt: async (sent: Sent) => {
      const answer = await kms.decrypt({ ...request(sent), ciphertext: sent.CiphertextBlob ?? Buffer.alloc(0) })
      return { KeyId: answer.keyArn, Plaintext: answer.plaintext }
    },
  }
}

function wrap(keyArn: string, plaintext: Uint8Array, context: Context): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', materialOf(keyArn), iv)
  cipher.setAAD(aadOf(context))
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function unwrap(keyArn: string, ciphertext: Uint8Array, context: Context): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', materialOf(keyArn), ciphertext.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(aadOf(context))
  decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(ciphertext.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    throw Object.assign(new Error('the ciphertext is not of this key'), { name: 'InvalidCiphertextException' })
  }
}

/** Replicas of a multi-Region key have the same. */
function materialOf(keyArn: string): Buffer {
  return createHash('sha256')
    .update(keyArn.includes('/mrk-') ? (keyArn.split('/')[1] ?? '') : keyArn)
    .digest()
}

function aadOf(context: Context): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
