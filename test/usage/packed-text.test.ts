import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createTextUnpacker, packTexts, unpackTexts } from '../../shared/usage/packed-text.ts'

function uuidOf(seed: string): string {
  return createHash('md5')
    .update(seed)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

describe('packed texts', () => {
  it.each([0, 7, 8, 9, 15, 16, 31, 32, 33, 47, 48, 255, 256, 257, 264, 271, 272, 288, 600])(
    'keep runs of %i hexadecimal digits',
    (length) => {
      const run = '0123456789abcdef'.repeat(40).slice(0, length)
      const texts = [run, `${run}${uuidOf('a')}`, `${uuidOf('a')}${run}`, `${run}-${run}`, run.toUpperCase(), `é${run}\u2028`]
      const all = texts.map((text) => JSON.stringify(text))
      expect(unpackTexts(packTexts(all))).toEqual(all)
    },
  )

  it('are the same when one unpacker unpacks more than it remembers', () => {
    const unpack = createTextUnpacker()
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7, 0, 7]) {
      const texts = Array.from({ length: 12_000 }, (_, m) => `line ${m % 300} ${uuidOf(`${n} ${m % 10_000}`)} "0${m % 7}"`)
      expect(unpack(packTexts(texts))).toEqual(texts)
      expect(unpack(packTexts(texts))).toEqual(texts)
    }
    expect(unpack(packTexts([]))).toEqual([])
    expect(unpack(packTexts(['']))).toEqual([''])
  })

  it('stand for chance in half of its digits', () => {
    const ids = Array.from({ length: 1000 }, (_, n) => JSON.stringify(uuidOf(`${n}`)))
    expect(packTexts(ids).length).toBeLessThan(17 * ids.length)
  })
})
