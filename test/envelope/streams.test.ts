import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { decryptStream, encrypt, encryptStream, EnvelopeError, type Keyring, type MessageStream } from '../../shared/envelope/index.ts'
import { cut, errorOf, partsOf, ruleOf, sampleBytes, sampleKeyring, through } from '../support/envelope-bytes.ts'

const FRAME_LENGTH = 1000
const PLAINTEXT = sampleBytes(3 * FRAME_LENGTH + 500)
const keyring = sampleKeyring()

describe('a stream that decrypts', () => {
  it('refuses signed messages unless told, before it asks for keys', async () => {
    const { message } = await encrypt(PLAINTEXT, { keyring })
    const { keyring: watched, asked } = watchedKeyring()
    expect(await ruleOf(() => through(decryptStream({ keyring: watched }), [message]))).toBe('signed-stream')
    expect(asked()).toBe(0)
    expect((await through(decryptStream({ keyring: watched, allowUnverified: true }), [message])).equals(PLAINTEXT)).toBe(true)
    expect(asked()).toBe(1)
  })

  it('gives a frame out with its tag, and holds the last one until the end', async () => {
    const { message } = await encrypt(PLAINTEXT, { keyring, frameLength: FRAME_LENGTH })
    const { header, frames, footer } = partsOf(message, FRAME_LENGTH)
    const stream = decryptStream({ keyring, allowUnverified: true })
    const given = collected(stream)
    await write(stream, header)
    expect((await stream.header).frameLength).toBe(FRAME_LENGTH)
    for (const [index, frame] of frames.entries()) {
      await write(stream, frame.subarray(0, -1))
      expect(given()).toBe(Math.min(index, 3) * FRAME_LENGTH)
      await write(stream, frame.subarray(-1))
    }
    await write(stream, footer.subarray(0, -1))
    expect(given()).toBe(3 * FRAME_LENGTH)
    await write(stream, footer.subarray(-1))
    stream.end()
    await once(stream, 'end')
    expect(given()).toBe(PLAINTEXT.length)
  })

  it('never gives out the last frame of a message with a wrong signature', async () => {
    const { message } = await encrypt(PLAINTEXT, { keyring, frameLength: FRAME_LENGTH })
    const { message: other } = await encrypt(PLAINTEXT, { keyring, frameLength: FRAME_LENGTH })
    const signed = partsOf(message, FRAME_LENGTH)
    const stream = decryptStream({ keyring, allowUnverified: true })
    const given = collected(stream)
    const made = Buffer.concat([signed.header, ...signed.frames, partsOf(other, FRAME_LENGTH).footer])
    expect((await errorOf(() => through(stream, [made]))).rule).toBe('signature')
    expect(given()).toBeLessThanOrEqual(3 * FRAME_LENGTH)
  })

  it('tells its header only when it is authentic', async () => {
    const { message } = await encrypt(PLAINTEXT, { keyring, suite: '0478' })
    message[3] = (message[3] ?? 0) ^ 1
    const stream = decryptStream({ keyring })
    expect(await ruleOf(() => through(stream, cut(message, 10)))).toBe('commitment')
    expect(await ruleOf(() => stream.header)).toBe('commitment')
  })

  it('that is closed early rejects its header, and nothing else', async () => {
    const stream = decryptStream({ keyring })
    stream.destroy()
    expect(await ruleOf(() => stream.header)).toBe('truncated')
  })

  it('passes on what its keyring fails with', async () => {
    const { message } = await encrypt(PLAINTEXT, { keyring, suite: '0478' })
    const stream = decryptStream({ keyring: sampleKeyring(Buffer.alloc(32)) })
    expect(await ruleOf(() => through(stream, [message]))).toBe('decrypt-data-key')
  })

  it('ends when nothing comes', async () => {
    expect(await ruleOf(() => through(decryptStream({ keyring }), []))).toBe('truncated')
  })
})

describe('a stream that encrypts', () => {
  it('holds no more than a frame', async () => {
    const stream = encryptStream({ keyring, suite: '0478', frameLength: FRAME_LENGTH })
    const given = collected(stream)
    await write(stream, PLAINTEXT.subarray(0, 2 * FRAME_LENGTH + 1))
    const { encryptedDataKeys } = await stream.header
    expect(encryptedDataKeys).toHaveLength(1)
    expect(given()).toBeGreaterThan(2 * FRAME_LENGTH)
    stream.destroy()
  })

  it('asks for keys once, when the first bytes come', async () => {
    const { keyring: watched, asked } = watchedKeyring()
    const stream = encryptStream({ keyring: watched, suite: '0478' })
    expect(asked()).toBe(0)
    await through(stream, cut(PLAINTEXT, 100))
    expect(asked()).toBe(1)
  })

  it.each([
    { announced: PLAINTEXT.length, rule: 'no error' },
    { announced: PLAINTEXT.length - 1, rule: 'plaintext-length' },
    { announced: PLAINTEXT.length + 1, rule: 'plaintext-length' },
  ])('wants as many bytes as were announced: $announced', async ({ announced, rule }) => {
    for (const pieceBytes of [100, 65_536]) {
      const stream = encryptStream({ keyring, suite: '0478', frameLength: 4096, plaintextBytes: announced })
      expect(await ruleOf(() => through(stream, cut(PLAINTEXT, pieceBytes)))).toBe(rule)
    }
  })

  it('tells its source how long the plaintext will be, or that nobody knows', async () => {
    const told: (number | null)[] = []
    const materials = {
      forEncryption: (request: { readonly plaintextBytes: number | null }) => {
        told.push(request.plaintextBytes)
        return Promise.reject(new EnvelopeError('materials', 'enough'))
      },
      forDecryption: () => Promise.reject(new EnvelopeError('materials', 'enough')),
    }
    await ruleOf(() => through(encryptStream({ materials }), [PLAINTEXT]))
    await ruleOf(() => through(encryptStream({ materials, plaintextBytes: PLAINTEXT.length }), [PLAINTEXT]))
    await ruleOf(() => encrypt(PLAINTEXT, { materials }))
    expect(told).toEqual([null, PLAINTEXT.length, PLAINTEXT.length])
  })

  it.each([-1, 0.5, Number.NaN])('refuses to be told of %d bytes', (plaintextBytes) => {
    expect(() => encryptStream({ keyring, plaintextBytes })).toThrow(EnvelopeError)
  })
})

/** How many bytes came out so far. */
function collected(stream: MessageStream): () => number {
  let bytes = 0
  stream.on('data', (piece: Buffer) => void (bytes += piece.length))
  return () => bytes
}

/** Until the stream is done with these bytes, and what came of them was given out. */
async function write(stream: MessageStream, bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<null>()
  stream.write(bytes, () => resolve(null))
  await promise
  await new Promise((done) => void setImmediate(done))
}

function watchedKeyring(): { readonly keyring: Keyring; readonly asked: () => number } {
  let asked = 0
  const watched: Keyring = {
    identity: keyring.identity,
    generateDataKey: (request) => {
      asked++
      return keyring.generateDataKey(request)
    },
    decryptDataKey: (request) => {
      asked++
      return keyring.decryptDataKey(request)
    },
  }
  return { keyring: watched, asked: () => asked }
}
