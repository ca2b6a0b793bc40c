import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createByteQueue } from '../../shared/envelope/byte-queue.ts'
import { decrypt, decryptStream, encrypt, encryptStream } from '../../shared/envelope/index.ts'
import { ruleOf, sampleKeyring, through } from '../support/envelope-bytes.ts'

const keyring = sampleKeyring()
const RUNS = { numRuns: 150 }
const words = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed() && !text.startsWith('aws-crypto-'))
const contexts = fc.dictionary(words, words, { maxKeys: 6 })
const plaintexts = fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes))
const frameLengths = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 2 ** 32 - 1 }))
const pieceLengths = fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 5 })
const suites = fc.oneof({ weight: 9, arbitrary: fc.constant('0478' as const) }, { weight: 1, arbitrary: fc.constant('0578' as const) })

describe('any message', () => {
  it('comes back, through buffers and streams, however it is cut', async () => {
    const property = fc.asyncProperty(
      plaintexts,
      contexts,
      frameLengths,
      pieceLengths,
      suites,
      async (plaintext, encryptionContext, frameLength, pieces, suite) => {
        const options = { keyring, suite, encryptionContext, frameLength }
        const whole = (await encrypt(plaintext, options)).message
        const streamed = await through(encryptStream({ ...options, plaintextBytes: plaintext.length }), cutBy(plaintext, pieces))
        for (const message of [whole, streamed]) {
          const read = await decrypt(message, { keyring, encryptionContext })
          expect(read.plaintext.equals(plaintext)).toBe(true)
          expect(read.header).toMatchObject({ suite, frameLength })
          const stream = decryptStream({ keyring, encryptionContext, allowUnverified: true, maxFrameLength: 2 ** 32 - 1 })
          expect((await through(stream, cutBy(message, pieces))).equals(plaintext)).toBe(true)
          expect(await stream.header).toEqual(read.header)
        }
        // The signature alone has no fixed length.
        expect(suite === '0478' ? streamed.length : whole.length).toBe(whole.length)
      },
    )
    await fc.assert(property, RUNS)
  })

  it('is not read with other pairs', async () => {
    const property = fc.asyncProperty(contexts, words, words, async (encryptionContext, key, value) => {
      fc.pre(encryptionContext[key] !== value)
      const { message } = await encrypt(Buffer.of(1), { keyring, suite: '0478', encryptionContext })
      const rule = await ruleOf(() => decrypt(message, { keyring, encryptionContext: { [key]: value } }))
      expect(rule).toBe(Object.hasOwn(encryptionContext, key) ? 'context-mismatch' : 'decrypt-data-key')
    })
    await fc.assert(property, RUNS)
  })
})

it('a queue of bytes gives what it got, in any pieces', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('push', 'peek', 'take', 'pieces'), fc.integer({ min: 0, max: 9000 })), { maxLength: 60 })
  const property = fc.property(steps, (taken) => {
    const queue = createByteQueue()
    let kept = Buffer.alloc(0)
    let next = 0
    for (const [step, size] of taken) {
      const count = Math.min(size, kept.length)
      if (step === 'push') {
        const bytes = Buffer.from(Array.from({ length: size }, () => next++ % 251))
        queue.push(bytes)
        kept = Buffer.concat([kept, bytes])
        continue
      }
      const pieces = step === 'pieces' ? queue.takePieces(count) : [step === 'peek' ? queue.peek(count) : queue.take(count)]
      expect(Buffer.concat([...pieces]).equals(kept.subarray(0, count))).toBe(true)
      if (step !== 'peek') kept = kept.subarray(count)
      expect(queue.length).toBe(kept.length)
    }
  })
  fc.assert(property)
})

/** In pieces of these lengths, over and over; of one byte where all of them are zero. */
function cutBy(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? 1)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
