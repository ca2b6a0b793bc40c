import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEntryNames } from '../../shared/cache/entry-id.ts'

/** Few and awkward characters, so that parts often look like their neighbours. */
const text = fc.string({ unit: fc.constantFrom('a', '1', ':', ';', '\u0000', 'é', '\u{1f512}'), maxLength: 4 })
const bytes = fc.uint8Array({ maxLength: 3 })
const context = fc.dictionary(text, text, { maxKeys: 3 })
const wrappedKey = fc.record({ providerId: text, providerInfo: bytes, ciphertext: bytes })
const encryption = fc.record({ identity: text, partition: text, suite: text, context })
const decryption = fc.record({ identity: text, partition: text, suite: text, context, keys: fc.array(wrappedKey, { maxLength: 3 }) })

type Encryption = typeof encryption extends fc.Arbitrary<infer Value> ? Value : never
type Decryption = typeof decryption extends fc.Arbitrary<infer Value> ? Value : never

function encryptionId({ identity, partition, suite, context: pairs }: Encryption): string {
  return createEntryNames(identity, partition).encryption(suite, pairs)
}

function decryptionId({ identity, partition, suite, context: pairs, keys }: Decryption): string {
  return createEntryNames(identity, partition).decryption(suite, pairs, keys)
}

function requestOf(ciphertext: readonly number[]): Decryption {
  const key = { providerId: 'aws-kms', providerInfo: Buffer.from('arn'), ciphertext: Uint8Array.from(ciphertext) }
  return { identity: 'a', partition: 'b', suite: '0478', context: {}, keys: [key] }
}

/** What an id stands for, in a form that another library compares. */
function meaning({ identity, partition, suite, context: pairs, ...rest }: Encryption | Decryption): string {
  const keys = 'keys' in rest ? rest.keys : []
  const keyTexts = keys.map(({ providerId, providerInfo, ciphertext }) => JSON.stringify([providerId, [...providerInfo], [...ciphertext]]))
  return JSON.stringify([identity, partition, suite, Object.entries(pairs).toSorted(byName), keyTexts.toSorted()])
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}

function inheriting(prototype: object, own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(Object.create(prototype) as Record<string, string>, own)
}

describe('the id of an entry', () => {
  it('is the same exactly for the same request to encrypt', () => {
    fc.assert(
      fc.property(encryption, encryption, (a, b) => {
        expect(encryptionId(a) === encryptionId(b)).toBe(meaning(a) === meaning(b))
      }),
    )
    fc.assert(
      fc.property(encryption, text, (a, other) => {
        for (const part of ['identity', 'partition', 'suite'] as const) {
          const b = { ...a, [part]: other }
          expect(encryptionId(a) === encryptionId(b)).toBe(a[part] === other)
        }
      }),
    )
  })

  it('is the same exactly for the same request to decrypt', () => {
    fc.assert(
      fc.property(decryption, decryption, (a, b) => {
        expect(decryptionId(a) === decryptionId(b)).toBe(meaning(a) === meaning(b))
      }),
    )
    fc.assert(
      fc.property(decryption, wrappedKey, (a, key) => {
        const b = { ...a, keys: [...a.keys.slice(1), key] }
        expect(decryptionId(a) === decryptionId(b)).toBe(meaning(a) === meaning(b))
      }),
    )
  })

  it('does not depend on the order of pairs or of encrypted data keys', () => {
    fc.assert(
      fc.property(decryption, (a) => {
        const b = { ...a, context: Object.fromEntries(Object.entries(a.context).toReversed()), keys: a.keys.toReversed() }
        expect(decryptionId(b)).toBe(decryptionId(a))
        expect(encryptionId(b)).toBe(encryptionId(a))
      }),
    )
  })

  it('tells encrypting from decrypting', () => {
    const same = { identity: 'a', partition: 'b', suite: '0478', context: {} }
    expect(encryptionId(same)).not.toBe(decryptionId({ ...same, keys: [] }))
  })

  it('keeps bytes apart that no text can tell apart', () => {
    // Both decode to the same replacement character in UTF-8.
    expect(decryptionId(requestOf([0x80]))).not.toBe(decryptionId(requestOf([0x81])))
  })

  it('keeps pairs apart whose names are those of every object', () => {
    const names = createEntryNames('a', 'b')
    const pairs = Object.assign(Object.create(null) as Record<string, string>, { ['__proto__']: 'x' })
    expect(names.encryption('0478', pairs)).not.toBe(names.encryption('0478', {}))
  })

  it('is the same with a request before it as without', () => {
    const rows = fc.array(decryption, { maxLength: 6 }).chain((some) =>
      fc.array(fc.record({ of: fc.nat(), repeated: fc.boolean(), reversed: fc.boolean() }), { maxLength: 20 }).map((picks) =>
        picks.flatMap(({ of, repeated, reversed }) => {
          const request = some[of % some.length]
          if (request === undefined) return []
          const shown = reversed
            ? { ...request, keys: request.keys.toReversed(), context: Object.fromEntries(Object.entries(request.context).toReversed()) }
            : request
          return repeated ? [shown, structuredClone(shown)] : [shown]
        }),
      ),
    )
    fc.assert(
      fc.property(rows, (requests) => {
        const names = createEntryNames('owner', 'p')
        for (const request of requests) {
          const alone = { ...request, identity: 'owner', partition: 'p' }
          expect(names.decryption(request.suite, request.context, request.keys)).toBe(decryptionId(alone))
          expect(names.encryption(request.suite, request.context)).toBe(encryptionId(alone))
        }
      }),
    )
  })

  it('tells the next message from the last in a buffer that is used again', () => {
    const names = createEntryNames('a', 'b')
    const buffer = Buffer.from([1, 2, 3])
    const pairs = { tenant: 'a' }
    const keys = [{ providerId: 'aws-kms', providerInfo: buffer, ciphertext: buffer }]
    const first = names.decryption('0478', pairs, keys)
    buffer[1] = 9
    const second = names.decryption('0478', pairs, keys)
    pairs.tenant = 'b'
    const third = names.decryption('0478', pairs, keys)
    expect(new Set([first, second, third]).size).toBe(3)
  })

  const key = { providerId: 'aws-kms', providerInfo: Buffer.from('arn'), ciphertext: Buffer.from('abc') }
  const asked = { suite: '0478', context: { tenant: 'a' } as Readonly<Record<string, string>>, keys: [key] }

  it.each([
    { title: 'ciphertext', next: { ...asked, keys: [{ ...key, ciphertext: Buffer.from('abd') }] } },
    { title: 'length of a ciphertext', next: { ...asked, keys: [{ ...key, ciphertext: Buffer.from('abcd') }] } },
    { title: 'provider', next: { ...asked, keys: [{ ...key, providerId: 'aws-kmt' }] } },
    { title: 'wrapping key', next: { ...asked, keys: [{ ...key, providerInfo: Buffer.from('arm') }] } },
    { title: 'number of keys', next: { ...asked, keys: [key, key] } },
    { title: 'suite', next: { ...asked, suite: '0578' } },
    { title: 'name of a pair', next: { ...asked, context: { Tenant: 'a' } } },
    { title: 'value of a pair', next: { ...asked, context: { tenant: 'b' } } },
    { title: 'number of pairs', next: { ...asked, context: { tenant: 'a', more: 'a' } } },
    { title: 'pair that only a prototype has', next: { ...asked, context: inheriting({ tenant: 'a' }, { more: 'a' }) } },
    { title: 'absence of pairs', next: { ...asked, context: {} } },
  ])('follows another $title at once', ({ next }) => {
    const names = createEntryNames('a', 'b')
    const first = names.decryption(asked.suite, asked.context, asked.keys)
    const second = names.decryption(next.suite, next.context, next.keys)
    expect(second).not.toBe(first)
    expect(second).toBe(createEntryNames('a', 'b').decryption(next.suite, next.context, next.keys))
    expect(names.decryption(asked.suite, asked.context, asked.keys)).toBe(first)
  })
})
