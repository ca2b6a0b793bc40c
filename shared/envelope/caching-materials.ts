import { randomUUID } from 'node:crypto'
import { createEntryNames } from '../cache/entry-id.ts'
import type { DataKeyCache, TimedCall } from '../cache/data-key-cache.ts'
import { type CachePolicyInput, parseCachePolicy } from '../cache/policy.ts'
import { type EncryptionContext, mergedContext } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import { newDecryptionMaterials, newEncryptionMaterials, requireFitting } from './keyring-materials.ts'
import type { DecryptionMaterials, EncryptedDataKey, EncryptionMaterials, Keyring, MaterialsSource } from './materials.ts'
import type { Suite } from './suites.ts'

export type CachingOptions = CachePolicyInput & {
  readonly keyring: Keyring
  /** Several sources may have one: capacity and statistics are theirs together. */
  readonly cache: DataKeyCache
  /** Sources with the same partition, keyring identity and cache share data keys. Without it nobody else shares those of this source. */
  readonly partition?: string | undefined
}

/** So that a partition somebody names is never one that was made up here. */
const MARK = { named: 'n', own: 'o' } as const

/**
 * Data keys of a keyring, each used for several messages: within `maxAgeMs` milliseconds (there is no default), and when encrypting for
 * `maxMessages` (default 2^32) and `maxBytes` of plaintext (default 2^53-1) at most, the message at hand included.
 * A hit asks nobody: a key that was disabled, and a caller who lost the permission, go on for up to `maxAgeMs`; `cache.clear` ends it.
 * Not cached: plaintext of unknown length or longer than `maxBytes`, and suites that encrypt under the data key itself.
 * For suites that sign, one key pair serves as long as its data key, and is found by the context without its public key.
 * The keyring must give bytes of its own for every data key: they are overwritten after use.
 * https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html
 * @throws EnvelopeError `cache-limits` for limits that are none, `options` for a partition or a keyring that names nothing
 */
export function cachingMaterials(options: CachingOptions): MaterialsSource {
  const { keyring, cache, partition, maxAgeMs, maxMessages, maxBytes } = options
  const limits = parseCachePolicy({ maxAgeMs, maxMessages, maxBytes })
  if (!limits.ok) throw new EnvelopeError('cache-limits', limits.reason)
  if (typeof keyring.identity !== 'string' || keyring.identity === '') throw new EnvelopeError('options', 'the keyring has no identity')
  if (partition === '') throw new EnvelopeError('options', 'a partition must be a text of at least one character')
  const policy = limits.value
  const names = createEntryNames(keyring.identity, partition === undefined ? MARK.own + randomUUID() : MARK.named + partition)
  return {
    forEncryption({ suite, encryptionContext, plaintextBytes }) {
      return cache.acquire<EncryptionMaterials>({
        id: names.encryption(suite.id, encryptionContext),
        operation: 'GenerateDataKey',
        policy,
        hasKdf: suite.derivation !== null,
        plaintextBytes,
        fetch(timed) {
          const copied = { suite, encryptionContext: copyOf(encryptionContext) }
          return fitting(newEncryptionMaterials(timedKeyring(keyring, timed), copied), suite)
        },
      })
    },
    forDecryption({ suite, encryptionContext, encryptedDataKeys }) {
      return cache.acquire<DecryptionMaterials>({
        id: names.decryption(suite.id, encryptionContext, encryptedDataKeys),
        operation: 'Decrypt',
        policy,
        hasKdf: suite.derivation !== null,
        plaintextBytes: 0,
        fetch(timed) {
          const copied = { suite, encryptionContext: copyOf(encryptionContext), encryptedDataKeys: encryptedDataKeys.map(copyOfKey) }
          return fitting(newDecryptionMaterials(timedKeyring(keyring, timed), copied), suite)
        },
      })
    },
  }
}

/** What a name was made of must be what the keyring sees, and what later hits get, whatever the first caller does with its own. */
function copyOf(context: EncryptionContext): EncryptionContext {
  return Object.freeze(mergedContext(context, {}))
}

/** Bytes of a message may lie in a buffer that its reader fills again. */
function copyOfKey({ providerId, providerInfo, ciphertext }: EncryptedDataKey): EncryptedDataKey {
  return { providerId, providerInfo: Buffer.from(providerInfo), ciphertext: Buffer.from(ciphertext) }
}

function timedKeyring(keyring: Keyring, timed: TimedCall): Keyring {
  return {
    identity: keyring.identity,
    generateDataKey: (request) => timed(() => keyring.generateDataKey(request)),
    decryptDataKey: (request) => timed(() => keyring.decryptDataKey(request)),
  }
}

/** What does not fit the suite is not kept: it would fail every message until it grew too old. */
async function fitting<Materials extends EncryptionMaterials | DecryptionMaterials>(
  fetched: Promise<Materials>,
  suite: Suite,
): Promise<Materials> {
  const materials = await fetched
  try {
    requireFitting(materials, { suite })
    // Shared by all hits, and shown to callers with a message's header.
    Object.freeze(materials.encryptionContext)
  } catch (error) {
    materials.dataKey.bytes.fill(0)
    throw error
  }
  return materials
}
