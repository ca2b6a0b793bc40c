import { beforeAll, describe, expect, it } from 'vitest'
import { decrypt, decryptStream, encrypt, EnvelopeError, type EnvelopeRule } from '../../shared/envelope/index.ts'
import { cut, headerBytesOf, type MessageParts, partsOf, ruleOf, sampleBytes, sampleKeyring, through } from '../support/envelope-bytes.ts'

type Change = {
  readonly name: string
  readonly change: (message: MessageParts, other: MessageParts) => readonly Buffer[]
  readonly rules: readonly EnvelopeRule[]
}

const FRAME_LENGTH = 8
const PLAINTEXT = sampleBytes(3 * FRAME_LENGTH + 5)
const REFUSED = 'no error'
const keyring = sampleKeyring()
/** A flip can make the message one of an older suite: those have to be refused by what they are, not by the policy alone. */
const lenient = { keyring, commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const

const CHANGES: readonly Change[] = [
  {
    name: 'a frame dropped',
    change: ({ header, frames: [a = EMPTY, , ...rest], footer }) => [header, a, ...rest, footer],
    rules: ['frame-sequence'],
  },
  {
    name: 'the first frame dropped',
    change: ({ header, frames, footer }) => [header, ...frames.slice(1), footer],
    rules: ['frame-sequence'],
  },
  {
    name: 'the final frame dropped',
    change: ({ header, frames, footer }) => [header, ...frames.slice(0, -1), footer],
    rules: ['truncated', 'frame-sequence', 'frame-size'],
  },
  {
    name: 'a frame doubled',
    change: ({ header, frames: [a = EMPTY, ...rest], footer }) => [header, a, a, ...rest, footer],
    rules: ['frame-sequence'],
  },
  {
    name: 'the final frame doubled',
    change: ({ header, frames, footer }) => [header, ...frames, frames.at(-1) ?? EMPTY, footer],
    rules: ['trailing-bytes', 'truncated', 'signature'],
  },
  {
    name: 'frames swapped',
    change: ({ header, frames: [a = EMPTY, b = EMPTY, ...rest], footer }) => [header, b, a, ...rest, footer],
    rules: ['frame-sequence'],
  },
  {
    name: 'frames swapped and renumbered',
    change: ({ header, frames: [a = EMPTY, b = EMPTY, ...rest], footer }) => [header, numbered(b, 1), numbered(a, 2), ...rest, footer],
    rules: ['frame-tag'],
  },
  {
    name: 'a frame renumbered',
    change: ({ header, frames: [a = EMPTY, ...rest], footer }) => [header, numbered(a, 7), ...rest, footer],
    rules: ['frame-sequence'],
  },
  {
    name: 'frames dropped and the final one renumbered',
    change: ({ header, frames, footer }) => [header, finalNumbered(frames.at(-1) ?? EMPTY, 1), footer],
    rules: ['frame-tag'],
  },
  {
    name: 'an IV of another frame',
    change: ({ header, frames: [a = EMPTY, ...rest], footer }) => [header, changed(a, 15, 2), ...rest, footer],
    rules: ['frame-iv'],
  },
  {
    name: 'an IV with another beginning',
    change: ({ header, frames: [a = EMPTY, b = EMPTY, ...rest], footer }) => [header, a, changed(b, 5, 2), ...rest, footer],
    rules: ['frame-iv'],
  },
  {
    name: 'a final frame that says it is longer than frames are',
    change: ({ header, frames, footer }) => [header, ...frames.slice(0, -1), changed(frames.at(-1) ?? EMPTY, 23, FRAME_LENGTH + 1), footer],
    rules: ['frame-size'],
  },
  {
    name: 'a byte behind the end',
    change: ({ header, frames, footer }) => [header, ...frames, footer, Buffer.of(0)],
    rules: ['trailing-bytes'],
  },
  {
    name: 'a second message behind the end',
    change: ({ header, frames, footer }) => [header, ...frames, footer, header, ...frames, footer],
    rules: ['trailing-bytes'],
  },
  { name: 'the header of another message', change: ({ frames, footer }, other) => [other.header, ...frames, footer], rules: ['frame-tag'] },
  {
    name: 'a frame of another message',
    change: ({ header, frames: [, ...rest], footer }, other) => [header, other.frames[0] ?? EMPTY, ...rest, footer],
    rules: ['frame-tag'],
  },
  {
    name: 'the id of another message',
    change: ({ header, frames, footer }, other) => [
      header.subarray(0, 3),
      other.header.subarray(3, 35),
      header.subarray(35),
      ...frames,
      footer,
    ],
    rules: ['commitment'],
  },
]
const SIGNED_CHANGES: readonly Change[] = [
  {
    name: 'the signature of another message',
    change: ({ header, frames }, other) => [header, ...frames, other.footer],
    rules: ['signature'],
  },
  { name: 'no signature', change: ({ header, frames }) => [header, ...frames], rules: ['truncated'] },
  { name: 'an empty signature', change: ({ header, frames }) => [header, ...frames, Buffer.of(0, 0)], rules: ['signature'] },
  {
    name: 'a signature that is no DER',
    change: ({ header, frames }) => [header, ...frames, Buffer.of(0, 4, 1, 2, 3, 4)],
    rules: ['signature'],
  },
]
const EMPTY = Buffer.alloc(0)

describe.each(['0478', '0578'] as const)('of a message of suite %s', (suite) => {
  let message: Buffer
  let parts: MessageParts
  let otherParts: MessageParts

  beforeAll(async () => {
    const write = async (): Promise<Buffer> =>
      (await encrypt(PLAINTEXT, { keyring, suite, frameLength: FRAME_LENGTH, encryptionContext: { tenant: 'a' } })).message
    message = await write()
    parts = partsOf(message, FRAME_LENGTH)
    otherParts = partsOf(await write(), FRAME_LENGTH)
  })

  it('every bit counts', async () => {
    const undetected: string[] = []
    for (let bit = 0; bit < 8 * message.length; bit++) {
      const copy = Buffer.from(message)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const rule = await ruleOf(() => decrypt(copy, lenient))
      if (rule === REFUSED || rule.startsWith('not')) undetected.push(`bit ${bit}: ${rule}`)
    }
    expect(undetected).toEqual([])
  })

  it('every byte counts in a stream, and none of it comes out wrong', async () => {
    const undetected: string[] = []
    for (let at = 0; at < message.length; at++) {
      const copy = Buffer.from(message)
      copy[at] = (copy[at] ?? 0) ^ 0xff
      const { rule, plaintext } = await streamed([copy])
      if (rule === REFUSED || rule.startsWith('not') || !isTrueBeginning(plaintext)) undetected.push(`byte ${at}: ${rule}`)
    }
    expect(undetected).toEqual([])
  })

  it('no beginning is taken for the whole', async () => {
    const rules = new Set<string>()
    for (let length = 0; length < message.length; length++) {
      const beginning = message.subarray(0, length)
      rules.add(await ruleOf(() => decrypt(beginning, lenient)))
      const { rule, plaintext } = await streamed([beginning])
      rules.add(isTrueBeginning(plaintext) ? rule : 'wrong plaintext')
    }
    expect([...rules]).toEqual(['truncated'])
  })

  it.each([...CHANGES, ...(suite === '0578' ? SIGNED_CHANGES : [])])('$name is refused', async ({ change, rules }) => {
    const made = Buffer.concat(change(parts, otherParts))
    const into = Buffer.alloc(2 * message.length, 1)
    expect(rules).toContain(await ruleOf(() => decrypt(made, { ...lenient, into })))
    expect(into.includes(PLAINTEXT.subarray(0, FRAME_LENGTH))).toBe(false)
    for (const pieceBytes of [1, 50, made.length]) {
      const { rule, plaintext } = await streamed(cut(made, pieceBytes))
      expect(rules).toContain(rule)
      expect(isTrueBeginning(plaintext)).toBe(true)
    }
  })

  it('base64 is told from what it stands for', async () => {
    expect(await ruleOf(() => decrypt(Buffer.from(message.toString('base64')), lenient))).toBe('base64')
  })

  it('a suite that does not suit the public key is refused before keys are asked for', async () => {
    const code = Buffer.of(suite === '0478' ? 5 : 4)
    const made = Buffer.concat([message.subarray(0, 1), code, message.subarray(2)])
    expect(await ruleOf(() => decrypt(made, lenient))).toBe('signature-key')
  })
})

it('parts are those of the message', async () => {
  const { message } = await encrypt(PLAINTEXT, { keyring, frameLength: FRAME_LENGTH })
  const { header, frames, footer } = partsOf(message, FRAME_LENGTH)
  expect(Buffer.concat([header, ...frames, footer]).equals(message)).toBe(true)
  expect(frames).toHaveLength(4)
  expect(headerBytesOf(message)).toBe(header.length)
})

/** What a stream gives, and how it ends. */
async function streamed(pieces: readonly Buffer[]): Promise<{ readonly rule: string; readonly plaintext: Buffer }> {
  const stream = decryptStream({ ...lenient, allowUnverified: true })
  const given: Buffer[] = []
  stream.on('data', (piece: Buffer) => void given.push(piece))
  try {
    await through(stream, pieces)
    return { rule: REFUSED, plaintext: Buffer.concat(given) }
  } catch (error) {
    return { rule: error instanceof EnvelopeError ? error.rule : `not an EnvelopeError: ${String(error)}`, plaintext: Buffer.concat(given) }
  }
}

/** Frames may come out before the one that fails, never the last one. */
function isTrueBeginning(plaintext: Buffer): boolean {
  return plaintext.length <= 3 * FRAME_LENGTH && plaintext.equals(PLAINTEXT.subarray(0, plaintext.length))
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}

/** With another number, and the IV that belongs to it. */
function numbered(frame: Buffer, sequence: number): Buffer {
  return changed(changed(frame, 3, sequence), 15, sequence)
}

function finalNumbered(frame: Buffer, sequence: number): Buffer {
  return changed(changed(frame, 7, sequence), 19, sequence)
}
