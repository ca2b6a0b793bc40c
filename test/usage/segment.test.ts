import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseKmsKeyArn } from '../../shared/arn.ts'
import type { EpochS } from '../../shared/time.ts'
import type { ContextDigest, KeyUse } from '../../shared/usage/key-use.ts'
import { packTexts, unpackTexts } from '../../shared/usage/packed-text.ts'
import { EDGE_S, hoursOf, isInShard, type Segment, SEGMENT_BYTES_MAX, segmentsOf } from '../../shared/usage/segment.ts'
import { decodeUses } from '../../shared/usage/segment-bytes.ts'
import { createUseBatchBuilder, DIGEST_WORD, ENTRY_WORDS, ROW_WORD, SECOND_WORD, type UseBatch } from '../../shared/usage/use-batch.ts'
import { createDice } from '../support/arbitrary-trail.ts'

const HOUR = 1_790_002_800 as EpochS
const NO_USES = /^(?:no uses of keys of a version that is known here|damaged uses of keys)$/

type Use = { readonly identity: string; readonly second: number; readonly use: KeyUse; readonly digest: ContextDigest | null }

function digestOf(seed: string): ContextDigest {
  return uuidOf(seed).replaceAll('-', '').slice(0, 24) as ContextDigest
}

function uuidOf(seed: string): string {
  return createHash('md5')
    .update(seed)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Few of each, so that repeats, and uses that differ in one thing only, come about. */
const oneOf = <Item>(...items: readonly Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
const hexText = (length: number): fc.Arbitrary<string> =>
  fc.nat().map((seed) => uuidOf(`${seed}`).replaceAll('-', '').repeat(9).slice(0, length))
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.nat({ max: 290 }).chain(hexText),
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.tuple(hexText(3), fc.uuid(), hexText(40)).map((parts) => parts.join('')),
)
const anyUse = fc.record<KeyUse>({
  operation: oneOf('Decrypt', 'ReEncryptFrom', 'ReEncryptTo'),
  keyArn: oneOf('a', uuidOf('key')).map((id) => parseKmsKeyArn(`arn:aws:kms:eu-central-1:111122223333:key/${id}`)),
  sent: fc.option(anyText),
  isCallersCopy: fc.boolean(),
  caller: fc.option(anyText),
  service: oneOf(null, 's3.amazonaws.com', 'a","b],['),
  scope: oneOf('none', 's3-object', 'other'),
  keyMaterialId: oneOf(null, '0a'.repeat(32)),
  outcome: oneOf('succeeded', 'failed', 'dryRun'),
  errorCode: oneOf(null, 'AccessDenied', 'null]]'),
})
const anyDigest = fc.option(
  fc.nat({ max: 5 }).map((seed) => digestOf(`${seed}`)),
  { freq: 2 },
)
/** Those of one beginning differ in one of their four words. */
const SIMILAR = [
  '-0000-4000-8000-000000000000',
  '-0001-4000-8000-000000000000',
  '-0000-4000-8001-000000000000',
  '-0000-4000-8000-000000000001',
]
const anyIdentity = fc.oneof(
  oneOf(...SIMILAR.map((end) => `00000000${end}`)),
  oneOf(uuidOf('a'), uuidOf('a').toUpperCase(), 'a', 'é'),
  fc.uuid(),
)
const anySecond = oneOf(-EDGE_S, -1, 0, 1, 1800, 1800, 3599, 3600 + EDGE_S - 1)
const anyUses = fc
  .tuple(
    fc.array(anyUse, { minLength: 1, maxLength: 6 }),
    fc.array(fc.tuple(anyIdentity, anySecond, fc.nat(), anyDigest), { maxLength: 40 }),
  )
  .map(([rows, uses]) =>
    uses.flatMap(([identity, second, row, digest]): readonly Use[] => {
      const use = rows[(row >> 4) % rows.length]
      if (use === undefined) return []
      const one = { identity, second: HOUR + second, use, digest }
      const twin = { ...one, digest: digestOf('twin') }
      return [[one], [one, one], [one, twin]][row % 3] ?? []
    }),
  )

function batchOf(uses: readonly Use[]): UseBatch {
  const builder = createUseBatchBuilder()
  for (const { identity, second, use, digest } of uses) {
    const bytes = Buffer.from(identity)
    builder.add(bytes, 0, bytes.length, second as EpochS, [use], [digest])
  }
  return builder.take()
}

/** Each use as text, in an order of their own. */
function textsOf({ rows, digests, entries }: UseBatch): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
    const digest = entries[at + DIGEST_WORD] === 0 ? 'none' : (digests[(entries[at + DIGEST_WORD] ?? 0) - 1] ?? 'untold')
    texts.push(`${entries.subarray(at, at + SECOND_WORD + 1).join(' ')} ${rows[entries[at + ROW_WORD] ?? -1] ?? 'no row'} ${digest}`)
  }
  return texts.toSorted()
}

function zeroDigest(word: number, index: number): number {
  return index % ENTRY_WORDS === DIGEST_WORD ? 0 : word
}

function withoutRepeats(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}

function decoded(segments: readonly Segment[], digests: boolean): readonly string[] {
  return segments.flatMap(({ bytes }) => textsOf(decodeUses(bytes, { digests }))).toSorted()
}

describe('a segment', () => {
  it('holds the uses it was made of, each once', () => {
    let repeats = 0
    fc.assert(
      fc.property(anyUses, (uses) => {
        const batch = batchOf(uses)
        const segments = segmentsOf(HOUR, batch)
        expect(segments).toHaveLength(uses.length === 0 ? 0 : 1)
        const expected = withoutRepeats(textsOf(batch))
        expect(decoded(segments, true)).toEqual(expected)
        expect(segments.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length)
        repeats += uses.length - expected.length
      }),
    )
    expect(repeats).toBeGreaterThan(100)
  })

  it('holds them without their digests, too: one for each that was there', () => {
    let merged = 0
    fc.assert(
      fc.property(anyUses, (uses) => {
        const [segment] = segmentsOf(HOUR, batchOf(uses))
        const found = segment === undefined ? null : decodeUses(segment.bytes, { digests: false })
        const plain = found === null ? [] : textsOf({ ...found, entries: found.entries.map(zeroDigest) })
        expect(withoutRepeats(plain)).toEqual(withoutRepeats(textsOf(batchOf(uses.map((one) => ({ ...one, digest: null }))))))
        expect(plain).toHaveLength(segment?.count ?? 0)
        expect(found?.digests ?? []).toEqual([])
        merged += plain.length - withoutRepeats(plain).length
      }),
    )
    expect(merged, 'uses that differ in their digests only').toBeGreaterThan(0)
  })

  it('has the same bytes and id in whatever order, and however often, the uses came', () => {
    fc.assert(
      fc.property(anyUses, fc.nat(), (uses, seed) => {
        const dice = createDice(seed + 1)
        const again = dice.shuffled([...uses, ...uses.filter(() => dice.oneIn(2))])
        // The same use in two objects is the same use.
        const copied = again.map((one) => (dice.oneIn(2) ? { ...one, use: { ...one.use } } : one))
        expect(segmentsOf(HOUR, batchOf(copied))).toEqual(segmentsOf(HOUR, batchOf(uses)))
      }),
    )
  })

  it('has another id if a single use differs', () => {
    fc.assert(
      fc.property(anyUses, anyUses, (one, two) => {
        const same = JSON.stringify(withoutRepeats(textsOf(batchOf(one)))) === JSON.stringify(withoutRepeats(textsOf(batchOf(two))))
        const ids = [one, two].map((uses) => segmentsOf(HOUR, batchOf(uses)).map(({ id }) => id))
        expect(JSON.stringify(ids[0]) === JSON.stringify(ids[1])).toBe(same)
      }),
    )
  })
})

describe('the hours of a second', () => {
  it.each([
    [-61, [-1]],
    [-60, [-1, 0]],
    [-1, [-1, 0]],
    [0, [0, -1]],
    [59, [0, -1]],
    [60, [0]],
    [1800, [0]],
    [3539, [0]],
    [3540, [0, 1]],
    [3599, [0, 1]],
    [3600, [1, 0]],
  ])('%i seconds behind the full hour are %j', (second, hours) => {
    expect(hoursOf((HOUR + second) as EpochS)).toEqual(hours.map((hour) => HOUR + 3600 * hour))
  })

  it('are none before 1970', () => {
    expect(hoursOf(0 as EpochS)).toEqual([0])
    expect(hoursOf(59 as EpochS)).toEqual([0])
  })
})

describe('more uses than a segment holds', () => {
  const uses = Array.from({ length: 20_000 }, (_, n): Use => {
    const keyArn = parseKmsKeyArn(`arn:aws:kms:eu-central-1:111122223333:key/${uuidOf(`key ${n}`)}`)
    const told = {
      isCallersCopy: true,
      caller: `arn:aws:iam::111122223333:role/${uuidOf(`role ${n}`)}`,
      service: null,
      sent: null,
    } as const
    const asked = { operation: 'Decrypt', scope: 'other', outcome: 'succeeded', errorCode: null, keyMaterialId: null } as const
    return { identity: uuidOf(`id ${n}`), second: HOUR + (n % 3600), use: { ...told, ...asked, keyArn }, digest: digestOf(`context ${n}`) }
  })
  const batch = batchOf(uses)
  const segments = segmentsOf(HOUR, batch)

  it('are split by the first bits of identities, each use into one shard', () => {
    expect(segments.length).toBeGreaterThan(2)
    expect(segments.filter(({ bytes }) => bytes.length > SEGMENT_BYTES_MAX)).toEqual([])
    expect(new Set(segments.map(({ id }) => id)).size).toBe(segments.length)
    expect(decoded(segments, true)).toEqual(textsOf(batch))
    for (const { shard, bytes, count } of segments) {
      const { entries } = decodeUses(bytes, { digests: false })
      expect(entries).toHaveLength(ENTRY_WORDS * count)
      for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
        const bits = (entries[at] ?? 0).toString(2).padStart(32, '0')
        expect(segments.filter((other) => bits.startsWith(other.shard)).map((other) => other.shard)).toEqual([shard])
      }
    }
  })

  it('are in the shard that isInShard says', () => {
    for (let at = 0; at < batch.entries.length; at += 50 * ENTRY_WORDS) {
      const bits = (batch.entries[at] ?? 0).toString(2).padStart(32, '0')
      for (const { shard } of segments) expect(isInShard(batch.entries, at, shard)).toBe(bits.startsWith(shard))
      expect(isInShard(batch.entries, at, '')).toBe(true)
      expect(isInShard(batch.entries, at, bits)).toBe(true)
    }
  })

  it('have the same segments in any order', () => {
    const turned = segmentsOf(HOUR, batchOf(uses.toReversed()))
    expect(turned.map(({ shard, id }) => [shard, id])).toEqual(segments.map(({ shard, id }) => [shard, id]))
  })
})

const anyJson = fc.oneof(anyText, fc.array(anyText, { maxLength: 4 }), fc.jsonValue()).map((value) => JSON.stringify(value))

describe('packed texts', () => {
  it('are the same when they are unpacked', () => {
    fc.assert(
      fc.property(fc.array(anyJson, { maxLength: 8 }), (texts) => {
        expect(unpackTexts(packTexts(texts))).toEqual(texts)
      }),
      { numRuns: 600 },
    )
  })
})

function unpackedOrNull(bytes: Uint8Array): readonly string[] | null {
  try {
    return unpackTexts(bytes)
  } catch {
    return null
  }
}

describe('damaged bytes', () => {
  const anyBytes = fc
    .tuple(anyUses, fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([uses, at, change]) => ({ bytes: segmentsOf(HOUR, batchOf(uses))[0]?.bytes ?? new Uint8Array(), at, change }))
    .filter(({ bytes }) => bytes.length > 0)

  it('of a segment are no uses', () => {
    fc.assert(
      fc.property(anyBytes, ({ bytes, at, change }) => {
        const place = at % bytes.length
        const changed = bytes.map((byte, index) => (index === place ? byte ^ change : byte))
        for (const wrong of [changed, bytes.subarray(0, place), Buffer.concat([bytes, bytes.subarray(0, 1 + place)])]) {
          expect(() => decodeUses(wrong, { digests: true })).toThrow(NO_USES)
          expect(() => decodeUses(wrong, { digests: false })).toThrow(NO_USES)
        }
      }),
      { numRuns: 120 },
    )
  })

  it('of packed texts are no texts', () => {
    fc.assert(
      fc.property(fc.array(anyJson, { minLength: 1, maxLength: 5 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, at, change) => {
        const bytes = packTexts(texts)
        const place = at % bytes.length
        const changed = bytes.map((byte, index) => (index === place ? byte ^ change : byte))
        // Some bits of a frame's head mean nothing.
        expect(unpackedOrNull(changed) ?? texts).toEqual(texts)
        expect(unpackedOrNull(bytes.subarray(0, place))).toBeNull()
      }),
      { numRuns: 120 },
    )
  })
})
