/** A data key under one wrapping key, as far as names go. */
type WrappedKey = { readonly providerId: string; readonly providerInfo: Uint8Array; readonly ciphertext: Uint8Array }
type Context = Readonly<Record<string, string>>

/**
 * Names the cache entries of one keyring identity and partition: no other can name them.
 * Names are exact texts in which every part stands behind its length, so that no two requests that differ share a name. Bytes become
 * characters one to one (latin1): nothing is hashed or decoded. Names never leave the process.
 */
export type EntryNames = {
  encryption(suite: string, context: Context): string
  /** The same for any order of the encrypted data keys. */
  decryption(suite: string, context: Context, wrappedKeys: readonly WrappedKey[]): string
}

export function createEntryNames(keyringIdentity: string, partition: string): EntryNames {
  const owner = part(keyringIdentity) + part(partition)
  const encrypt = rememberingLast(`e${owner}`)
  const decrypt = rememberingLast(`d${owner}`)
  return { encryption: (suite, context) => encrypt(suite, context, NO_KEYS), decryption: decrypt }
}

const NO_KEYS: readonly WrappedKey[] = []

type Remembered = {
  readonly suite: string
  readonly context: readonly (readonly [name: string, value: string])[]
  /** Copies: a caller may fill its buffers with another message. */
  readonly keys: readonly (WrappedKey & { readonly providerInfo: Buffer; readonly ciphertext: Buffer })[]
  readonly name: string
}

/**
 * Requests come in rows that ask for the same. To compare one with the last costs a fraction of what its name costs, which would have to
 * be put together and hashed by the map before it is found to be the same.
 */
function rememberingLast(owner: string): (suite: string, context: Context, wrappedKeys: readonly WrappedKey[]) => string {
  let last: Remembered | null = null
  return (suite, context, wrappedKeys) => {
    if (last !== null && isSame(last, suite, context, wrappedKeys)) return last.name
    const name = `${owner}${part(suite)}${keysText(wrappedKeys)}${contextText(context)}`
    last = { suite, context: Object.entries(context), keys: wrappedKeys.map(copyOf), name }
    return name
  }
}

function isSame(last: Remembered, suite: string, context: Context, wrappedKeys: readonly WrappedKey[]): boolean {
  if (suite !== last.suite || wrappedKeys.length !== last.keys.length) return false
  for (let at = 0; at < wrappedKeys.length; at++) {
    const key = wrappedKeys[at]
    const known = last.keys[at]
    if (key === undefined || known === undefined || key.providerId !== known.providerId) return false
    if (!known.ciphertext.equals(key.ciphertext) || !known.providerInfo.equals(key.providerInfo)) return false
  }
  const names = Object.keys(context)
  if (names.length !== last.context.length) return false
  let at = 0
  // By name and place: what an object inherits is no pair of it.
  for (const [name, value] of last.context) if (names[at++] !== name || context[name] !== value) return false
  return true
}

function copyOf({ providerId, providerInfo, ciphertext }: WrappedKey): Remembered['keys'][number] {
  return { providerId, providerInfo: Buffer.from(providerInfo), ciphertext: Buffer.from(ciphertext) }
}

function part(text: string): string {
  return `${text.length}:${text}`
}

function keysText(wrappedKeys: readonly WrappedKey[]): string {
  return `${wrappedKeys.length};${wrappedKeys.map(keyText).toSorted().join('')}`
}

function keyText({ providerId, providerInfo, ciphertext }: WrappedKey): string {
  return part(providerId) + part(latin1(providerInfo)) + part(latin1(ciphertext))
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

/** The pairs in one order, whatever order they were given in. */
function contextText(context: Context): string {
  const pairs = Object.keys(context).toSorted()
  return pairs.map((name) => part(name) + part(context[name] ?? '')).join('')
}
