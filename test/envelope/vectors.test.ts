import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { derivedKeys } from '../../shared/envelope/derive.ts'
import { headerBytesNeeded, parseHeader } from '../../shared/envelope/header.ts'
import { decrypt, decryptStream, EnvelopeError, type Keyring, rawAesKeyring } from '../../shared/envelope/index.ts'
import { cut, errorOf, through } from '../support/envelope-bytes.ts'

type VectorKeyring =
  | { readonly type: 'raw-aes'; readonly namespace: string; readonly key: string }
  | { readonly type: 'static-data-key'; readonly dataKey: string }
type Vector = {
  readonly id: string
  readonly expect: 'pass' | 'fail'
  readonly failure?: string
  readonly keyrings: readonly VectorKeyring[]
  readonly reproducedEncryptionContext: Readonly<Record<string, string>>
  readonly requiredKeys: readonly string[]
  readonly suite: string
  readonly messageId: string
  readonly headerEncryptionContext: Readonly<Record<string, string>>
  readonly intermediate?: { readonly commitment: string; readonly contentKey: string | null }
  readonly ciphertext: string
  readonly plaintext?: string
}
type VectorKeys = { readonly [name: string]: { readonly material: string; readonly keyName: string } }

/** Messages of other writers lie outside the project, and not on every machine. */
const FOLDER = process.env['KEYTRAIL_VECTORS'] ?? ''
const FOLDERS = FOLDER === '' ? [] : [path.resolve(FOLDER)]
const ODD_CHUNK_BYTES = 61

// So that a run without vectors says so.
it.each(FOLDERS.length === 0 ? ['KEYTRAIL_VECTORS is not set'] : [])('is not run: %s', () => {
  expect(FOLDER).toBe('')
})

describe.each(FOLDERS)('vectors of %s', (folder) => {
  const { tests } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { readonly tests: readonly Vector[] }
  const keys = JSON.parse(readFileSync(path.join(folder, 'keys.json'), 'utf8')) as VectorKeys
  const readable = tests.filter((vector) => vector.expect === 'pass')
  const unreadable = tests.filter((vector) => vector.expect === 'fail')
  const known = tests.filter((vector) => vector.intermediate !== undefined && vector.expect === 'pass')

  it('are of every kind', () => {
    expect(new Set(tests.map(({ suite }) => suite)).size).toBe(11)
    expect(readable.length).toBeGreaterThan(100)
    expect(unreadable.length).toBeGreaterThan(10)
    expect(known.filter(({ intermediate }) => typeof intermediate?.contentKey === 'string').length).toBeGreaterThan(5)
    expect(readable.filter(({ requiredKeys }) => requiredKeys.length > 0).length).toBeGreaterThan(5)
  })

  it.each(readable)('is read: $id', async (vector) => {
    const message = readFileSync(path.join(folder, vector.ciphertext))
    const plaintext = readFileSync(path.join(folder, vector.plaintext ?? ''))
    for (const options of optionsOf(vector)) {
      const whole = await decrypt(message, options)
      expect(whole.plaintext.equals(plaintext)).toBe(true)
      expect(whole.header).toMatchObject({ suite: vector.suite, messageId: vector.messageId })
      expect({ ...whole.header.encryptionContext }).toEqual({ ...vector.headerEncryptionContext, ...vector.reproducedEncryptionContext })
      const streamed = await through(decryptStream({ ...options, allowUnverified: true }), cut(message, ODD_CHUNK_BYTES))
      expect(streamed.equals(plaintext)).toBe(true)
    }
  })

  it.each(readable.filter(({ requiredKeys }) => requiredKeys.length > 0))('needs the pairs it does not store: $id', async (vector) => {
    const message = readFileSync(path.join(folder, vector.ciphertext))
    for (const options of optionsOf({ ...vector, reproducedEncryptionContext: {} })) {
      expect(['decrypt-data-key', 'header-tag']).toContain((await errorOf(() => decrypt(message, options))).rule)
    }
  })

  it.each(unreadable)('is refused: $id', async (vector) => {
    const message = readFileSync(path.join(folder, vector.ciphertext))
    for (const options of optionsOf(vector)) {
      const { rule } = await errorOf(() => decrypt(message, options))
      expect(rule).toBe(vector.failure === 'commitment' ? 'commitment' : rule)
      const stream = decryptStream({ ...options, allowUnverified: true })
      await expect(through(stream, [message])).rejects.toBeInstanceOf(EnvelopeError)
      await expect(stream.header).rejects.toBeInstanceOf(EnvelopeError)
    }
  })

  it.each(known)('gives the known keys on the way: $id', (vector) => {
    const message = readFileSync(path.join(folder, vector.ciphertext))
    const { suite, messageId, commitment } = parseHeader(message.subarray(0, headerBytesNeeded(message, 16)))
    const [keyring] = vector.keyrings
    const dataKey = keyring?.type === 'static-data-key' ? Buffer.from(keyring.dataKey, 'hex') : Buffer.alloc(0)
    const derived = derivedKeys(suite, dataKey, messageId)
    // Not every vector tells its key.
    const contentKey = derived.contentKey.export().toString('hex')
    expect(contentKey).toBe(vector.intermediate?.contentKey ?? contentKey)
    expect(derived.commitment?.toString('hex')).toBe(vector.intermediate?.commitment)
    expect(commitment?.toString('hex')).toBe(vector.intermediate?.commitment)
  })

  it.each(readable.filter(({ suite }) => suite < '0400').slice(0, 3))('is refused by the default policy: $id', async (vector) => {
    const message = readFileSync(path.join(folder, vector.ciphertext))
    for (const { keyring } of optionsOf(vector)) {
      expect((await errorOf(() => decrypt(message, { keyring }))).rule).toBe('commitment-policy')
    }
  })

  /** One set for each key that shall do alone. */
  function optionsOf({ keyrings, reproducedEncryptionContext, requiredKeys }: Vector): readonly {
    readonly keyring: Keyring
    readonly encryptionContext: Readonly<Record<string, string>>
    readonly commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT'
  }[] {
    expect(Object.keys(reproducedEncryptionContext)).toEqual(
      expect.arrayContaining([...requiredKeys].filter((key) => key in reproducedEncryptionContext)),
    )
    return keyrings.map((keyring) => ({
      keyring: keyringOf(keyring),
      encryptionContext: reproducedEncryptionContext,
      commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
    }))
  }

  function keyringOf(described: VectorKeyring): Keyring {
    if (described.type === 'static-data-key') return staticKeyring(Buffer.from(described.dataKey, 'hex'))
    const { material = '', keyName = '' } = keys[described.key] ?? {}
    return rawAesKeyring({ namespace: described.namespace, name: keyName, key: Buffer.from(material, 'base64') })
  }
})

/** Takes this data key for that of every message. */
function staticKeyring(dataKey: Buffer): Keyring {
  return {
    identity: 'static',
    generateDataKey: () => Promise.reject(new Error('not asked for')),
    decryptDataKey: () => Promise.resolve({ bytes: Buffer.from(dataKey), wrappedBy: 'static' }),
  }
}
