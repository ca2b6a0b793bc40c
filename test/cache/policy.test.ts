import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CachePolicy, decideUse, type KeyRequest, type KeyUsage, parseCachePolicy } from '../../shared/cache/policy.ts'

const MAX_SAFE = Number.MAX_SAFE_INTEGER

describe('limits', () => {
  it.each([
    { input: { maxAgeMs: 1 }, value: { maxAgeMs: 1, maxMessages: 2 ** 32, maxBytes: MAX_SAFE } },
    { input: { maxAgeMs: 60_000, maxMessages: 10 }, value: { maxAgeMs: 60_000, maxMessages: 10, maxBytes: MAX_SAFE } },
    { input: { maxAgeMs: 60_000, maxBytes: 1 }, value: { maxAgeMs: 60_000, maxMessages: 2 ** 32, maxBytes: 1 } },
    {
      input: { maxAgeMs: 1, maxMessages: undefined, maxBytes: undefined },
      value: { maxAgeMs: 1, maxMessages: 2 ** 32, maxBytes: MAX_SAFE },
    },
    {
      input: { maxAgeMs: MAX_SAFE, maxMessages: 2 ** 32, maxBytes: MAX_SAFE },
      value: { maxAgeMs: MAX_SAFE, maxMessages: 2 ** 32, maxBytes: MAX_SAFE },
    },
  ])('$input are taken', ({ input, value }) => {
    expect(parseCachePolicy(input)).toEqual({ ok: true, value })
  })

  it.each([
    { input: null, word: 'object' },
    { input: 5, word: 'object' },
    { input: {}, word: 'maxAgeMs is missing' },
    { input: { maxMessages: 5 }, word: 'maxAgeMs is missing' },
    { input: { maxAgeMs: undefined }, word: 'maxAgeMs is missing' },
    { input: { maxAgeMs: null }, word: 'maxAgeMs must' },
    ...[0, -1, 1.5, Number.NaN, Infinity, -Infinity, MAX_SAFE + 1, '60000', 5n, {}].flatMap((wrong) => [
      { input: { maxAgeMs: wrong }, word: 'maxAgeMs must' },
      { input: { maxAgeMs: 1, maxMessages: wrong }, word: 'maxMessages must' },
      { input: { maxAgeMs: 1, maxBytes: wrong }, word: 'maxBytes must' },
    ]),
    { input: { maxAgeMs: 1, maxMessages: 2 ** 32 + 1 }, word: 'maxMessages must be a whole number from 1 to 4294967296' },
  ])('$input are refused: $word', ({ input, word }) => {
    const result = parseCachePolicy(input)
    expect(result.ok ? '' : result.reason).toContain(word)
  })

  it('are members of their own, not what an object inherits', () => {
    expect(parseCachePolicy(Object.create({ maxAgeMs: 5 })).ok).toBe(false)
  })
})

describe('whether a key may serve', () => {
  const policy: CachePolicy = { maxAgeMs: 1000, maxMessages: 3, maxBytes: 100 }
  const usage: KeyUsage = { bornMs: 5000, messages: 1, bytes: 40 }
  const encrypt: KeyRequest = { operation: 'GenerateDataKey', hasKdf: true, plaintextBytes: 10 }
  const decrypt: KeyRequest = { operation: 'Decrypt', hasKdf: true, plaintextBytes: 0 }
  const full = { bornMs: 5000, messages: 3, bytes: 100 }
  const none = null

  it.each([
    { title: 'there is none', usage: none, request: encrypt, atMs: 5000, decision: 'absent' },
    { title: 'new', usage, request: encrypt, atMs: 5000, decision: 'hit' },
    { title: 'of the maximum age', usage, request: encrypt, atMs: 6000, decision: 'hit' },
    { title: 'older', usage, request: encrypt, atMs: 6000.001, decision: 'expired' },
    { title: 'older, to decrypt', usage, request: decrypt, atMs: 6001, decision: 'expired' },
    { title: 'the clock ran back', usage, request: decrypt, atMs: 4999, decision: 'expired' },
    { title: 'the clock failed', usage, request: encrypt, atMs: Number.NaN, decision: 'expired' },
    { title: 'the last message', usage: { ...usage, messages: 2 }, request: encrypt, atMs: 5000, decision: 'hit' },
    { title: 'one message more', usage: { ...usage, messages: 3 }, request: encrypt, atMs: 5000, decision: 'tooManyMessages' },
    { title: 'the last byte', usage, request: { ...encrypt, plaintextBytes: 60 }, atMs: 5000, decision: 'hit' },
    { title: 'one byte more', usage, request: { ...encrypt, plaintextBytes: 61 }, atMs: 5000, decision: 'tooManyBytes' },
    {
      title: 'no byte to a full one',
      usage: { ...usage, bytes: 100 },
      request: { ...encrypt, plaintextBytes: 0 },
      atMs: 5000,
      decision: 'hit',
    },
    { title: 'full, to decrypt', usage: full, request: decrypt, atMs: 6000, decision: 'hit' },
    { title: 'old and full', usage: full, request: encrypt, atMs: 9000, decision: 'expired' },
    { title: 'no key derivation', usage, request: { ...encrypt, hasKdf: false }, atMs: 5000, decision: 'identityKdf' },
    { title: 'no key derivation, to decrypt', usage, request: { ...decrypt, hasKdf: false }, atMs: 5000, decision: 'identityKdf' },
    { title: 'unknown length', usage, request: { ...encrypt, plaintextBytes: null }, atMs: 5000, decision: 'unknownLength' },
    { title: 'a length that is none', usage, request: { ...encrypt, plaintextBytes: Number.NaN }, atMs: 5000, decision: 'unknownLength' },
    { title: 'a negative length', usage, request: { ...encrypt, plaintextBytes: -1 }, atMs: 5000, decision: 'unknownLength' },
    { title: 'unknown length, none there', usage: none, request: { ...encrypt, plaintextBytes: null }, atMs: 0, decision: 'unknownLength' },
    { title: 'as long as the limit', usage: none, request: { ...encrypt, plaintextBytes: 100 }, atMs: 5000, decision: 'absent' },
    { title: 'longer than the limit', usage: none, request: { ...encrypt, plaintextBytes: 101 }, atMs: 5000, decision: 'overMaxBytes' },
    { title: 'unknown length, to decrypt', usage, request: { ...decrypt, plaintextBytes: null }, atMs: 5000, decision: 'hit' },
  ])('$title: $decision', ({ usage: of, request, atMs, decision }) => {
    expect(decideUse(policy, of, request, atMs)).toBe(decision)
  })

  it('is exact at the largest numbers', () => {
    const large = { maxAgeMs: 1, maxMessages: 2 ** 32, maxBytes: MAX_SAFE }
    const used = { bornMs: 0, messages: 2 ** 32 - 1, bytes: MAX_SAFE - 1 }
    expect(decideUse(large, used, { ...encrypt, plaintextBytes: 1 }, 0)).toBe('hit')
    expect(decideUse(large, used, { ...encrypt, plaintextBytes: 2 }, 0)).toBe('tooManyBytes')
  })

  it('never passes a limit, whatever is used and asked', () => {
    const small = fc.integer({ min: 1, max: 9 })
    const arbitraryPolicy = fc.record({ maxAgeMs: small, maxMessages: small, maxBytes: small })
    const arbitraryUsage = fc.record({ bornMs: fc.nat(9), messages: small, bytes: fc.nat(9) })
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryUsage, fc.nat(12), fc.nat(20), (limits, used, plaintextBytes, nowMs) => {
        const decision = decideUse(limits, used, { ...encrypt, plaintextBytes }, nowMs)
        const fits =
          nowMs >= used.bornMs &&
          nowMs - used.bornMs <= limits.maxAgeMs &&
          used.messages + 1 <= limits.maxMessages &&
          used.bytes + plaintextBytes <= limits.maxBytes
        // A plaintext that fits nowhere is no reason against the key.
        expect(decision === 'hit').toBe(fits && plaintextBytes <= limits.maxBytes)
      }),
    )
  })
})
