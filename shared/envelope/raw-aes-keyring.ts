import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { serializedContext } from './encryption-context.ts'
import { EnvelopeError, type KeyFailure } from './errors.ts'
import type { EncryptedDataKey, Keyring } from './materials.ts'

/** Where a name of the message format may stand: its length is a field of two bytes. */
const NAME_BYTES_MAX = 65_535
const KMS_PROVIDER = 'aws-kms'
const IV_BYTES = 12
const TAG_BYTES = 16
const CIPHER_OF_LENGTH: ReadonlyMap<number, 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'> = new Map([
  [16, 'aes-128-gcm'],
  [24, 'aes-192-gcm'],
  [32, 'aes-256-gcm'],
])

/**
 * Wraps data keys under an AES key of one's own, as the raw AES keyrings of AWS's SDKs do: namespace and name stand in every message,
 * and readers find the key by them.
 * @param options.key 16, 24 or 32 bytes, of which a copy is kept
 * @throws EnvelopeError `key-length`, `options` (no name, or the namespace `aws-kms`, which is KMS's own)
 */
export function rawAesKeyring(options: { readonly namespace: string; readonly name: string; readonly key: Uint8Array }): Keyring {
  const { namespace, name } = options
  const cipher = options.key instanceof Uint8Array ? CIPHER_OF_LENGTH.get(options.key.length) : undefined
  if (cipher === undefined) throw new EnvelopeError('key-length', 'the key of a raw AES keyring must have 16, 24 or 32 bytes')
  requireName('namespace', namespace)
  requireName('name', name)
  if (namespace === KMS_PROVIDER) throw new EnvelopeError('options', `the namespace ${KMS_PROVIDER} is that of KMS keys`)
  const wrapping = createSecretKey(options.key)
  // Name, tag bits, IV bytes; the IV follows. https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
  const info = Buffer.concat([Buffer.from(name), Buffer.of(0, 0, 0, 8 * TAG_BYTES, 0, 0, 0, IV_BYTES)])
  const wrappedBy = `${namespace}/${name}`

  return {
    // Whoever has the same key may share what is cached; whoever has another one under the same names must not.
    identity: `raw-aes:${JSON.stringify([namespace, name])}:${createHmac('sha256', wrapping).update('keytrail keyring identity').digest('hex')}`,
    generateDataKey: async ({ suite, encryptionContext }) => {
      const bytes = randomBytes(suite.dataKeyBytes)
      const iv = randomBytes(IV_BYTES)
      const wrap = createCipheriv(cipher, wrapping, iv)
      wrap.setAAD(serializedContext(encryptionContext))
      const ciphertext = Buffer.concat([wrap.update(bytes), wrap.final(), wrap.getAuthTag()])
      const encryptedDataKey = { providerId: namespace, providerInfo: Buffer.concat([info, iv]), ciphertext }
      return { dataKey: { bytes, wrappedBy }, encryptedDataKeys: [encryptedDataKey] }
    },
    decryptDataKey: async ({ suite, encryptionContext, encryptedDataKeys }) => {
      const aad = serializedContext(encryptionContext)
      const own = encryptedDataKeys.filter(
        ({ providerId, providerInfo, ciphertext }) =>
          providerId === namespace &&
          providerInfo.length === info.length + IV_BYTES &&
          info.equals(providerInfo.subarray(0, info.length)) &&
          ciphertext.length === suite.dataKeyBytes + TAG_BYTES,
      )
      for (const encryptedDataKey of own) {
        const bytes = unwrapped(cipher, wrapping, encryptedDataKey, aad, info.length)
        if (bytes !== null) return { bytes, wrappedBy }
      }
      const failures: readonly KeyFailure[] = own.map(() => ({ key: wrappedBy, reason: 'another key, or another encryption context' }))
      throw new EnvelopeError('decrypt-data-key', noneWorked(encryptedDataKeys.length, own.length), failures)
    },
  }
}

/** What keyrings say when none of a message's data keys could be had. */
export function noneWorked(all: number, tried: number): string {
  return `none of the ${all} encrypted data keys could be decrypted: ${tried} of them ${tried === 1 ? 'is' : 'are'} under keys of this keyring`
}

function unwrapped(
  cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm',
  wrapping: KeyObject,
  { providerInfo, ciphertext }: EncryptedDataKey,
  aad: Buffer,
  ivAt: number,
): Buffer | null {
  const unwrap = createDecipheriv(cipher, wrapping, providerInfo.subarray(ivAt), { authTagLength: TAG_BYTES })
  unwrap.setAAD(aad)
  unwrap.setAuthTag(ciphertext.subarray(-TAG_BYTES))
  const bytes = unwrap.update(ciphertext.subarray(0, -TAG_BYTES))
  try {
    unwrap.final()
    return bytes
  } catch {
    bytes.fill(0)
    return null
  }
}

function requireName(option: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= NAME_BYTES_MAX - 20) return
  throw new EnvelopeError('options', `the ${option} of a raw AES keyring must be a text that is not empty`)
}
