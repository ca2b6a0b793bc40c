import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  type BadFile,
  readBadFiles,
  jsonLines,
  kmsRecord,
  logFile,
  recordsBy,
  startKeytrail,
  succeededBy,
  temporaryFolder,
  usage,
} from '../support/cli.ts'

const MIB = 1 << 20
const WRONG_HEAD = Buffer.from([0x1f, 0x8b, 0xff, 0xff, 0, 0])
const EMPTY = /^the file is empty$/
const CUT_OFF = /^the gzip data is cut off$/
const CORRUPT = /^the gzip data is corrupt$/
const TOO_MUCH = /^it unpacks to more than 1048576 bytes \(--expanded-mib raises the limit\)$/

const BAD_FILES: Readonly<Record<string, BadFile>> = {
  'nothing in it.json.gz': { content: () => gzipSync(''), kept: 0, places: [[0, EMPTY]] },
  'only its head.json.gz': { content: (three) => gzipSync(logFile(three)).subarray(0, 5), kept: 0, places: [[0, CUT_OFF]] },
  'without its end.json.gz': { content: (three) => gzipSync(logFile(three)).subarray(0, -4), kept: 3, places: [[4, CUT_OFF]] },
  'wrong CRC.json.gz': { content: (three) => withWrongCrc(gzipSync(logFile(three))), kept: 3, places: [[4, CORRUPT]] },
  'wrong head.json.gz': { content: () => WRONG_HEAD, kept: 0, places: [[0, CORRUPT]] },
  'second member wrong.json.gz': {
    content: (three) => Buffer.concat([gzipSync(jsonLines(three)), WRONG_HEAD]),
    kept: 3,
    places: [[4, CORRUPT]],
  },
  'second member cut off.json.gz': {
    content: (three) => Buffer.concat([gzipSync(jsonLines(three)), gzipSync(' '.repeat(1000)).subarray(0, -4)]),
    kept: 3,
    places: [[4, CUT_OFF]],
  },
  'something else behind it.json.gz': {
    content: (three) => Buffer.concat([gzipSync(logFile(three)), Buffer.from('more')]),
    kept: 3,
    places: [[4, CORRUPT]],
  },
  'a little too much.json.gz': { content: (three) => gzipSync(logFile(three) + ' '.repeat(MIB)), kept: 3, places: [[4, TOO_MUCH]] },
  'a lot too much.json.gz': { content: (three) => gzipSync(logFile(three) + ' '.repeat(100 * MIB)), kept: 3, places: [[4, TOO_MUCH]] },
}

describe.concurrent('bad gzip', () => {
  it('is reported with its place, and nothing else is lost', async () => {
    const { told, wanted } = await readBadFiles(BAD_FILES, ['--expanded-mib', '1'])
    expect(told).toEqual(wanted)
  })

  it.each([
    { title: 'a flipped byte in the middle', reason: 'the gzip data is corrupt', spoil: withFlippedByte },
    {
      title: 'its second half missing',
      reason: 'the gzip data is cut off',
      spoil: (packed: Buffer) => packed.subarray(0, packed.length / 2),
    },
  ])('with $title keeps what stands before', async ({ reason, spoil }) => {
    using folder = temporaryFolder()
    const count = 1000
    const packed = gzipSync(logFile(Array.from({ length: count }, (_, index) => kmsRecord(`${index}`))))
    folder.write('bad.json.gz', spoil(packed))
    folder.write('good.json', logFile(recordsBy('good', 1)))
    const { code, stderr, report } = await usage(folder, ['.', '--by', 'caller'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^keytrail: could not read bad\.json\.gz, record \d+: /)
    expect(report.malformed.map((place) => place.reason)).toContain(reason)
    expect(succeededBy(report.calls, 'caller')['good']).toBe(1)
    expect(report.records).toBeGreaterThan(count / 3)
    expect(report.records).toBeLessThan(count)
  })

  it('may unpack to just what is allowed', async () => {
    using folder = temporaryFolder()
    const log = logFile(recordsBy('allowed', 3))
    folder.write('allowed.json.gz', gzipSync(log + ' '.repeat(MIB - log.length)))
    // The limit is for what unpacks: others are as large as they look.
    folder.write('plain.json', logFile(recordsBy('plain', 1)) + ' '.repeat(2 * MIB))
    const { code, report } = await usage(folder, ['.', '--expanded-mib', '1'])
    expect({ code, records: report.records, malformed: report.malformed }).toEqual({ code: 0, records: 4, malformed: [] })
  })

  it.each([
    { title: 'unpacks to too much', input: gzipSync(' '.repeat(4 * MIB)), reason: /: it unpacks to more than 1048576 bytes/ },
    { title: 'is corrupt', input: withFlippedByte(gzipSync(jsonLines(recordsBy('x', 200)))), reason: /: the gzip data is corrupt/ },
  ])('on standard input that $title ends the run, even if whoever writes there does not end', async ({ input, reason }) => {
    using folder = temporaryFolder()
    const { child, ended } = startKeytrail(['usage', '-', '--expanded-mib', '1'], { cwd: folder.path })
    child.stdin?.on('error', () => undefined)
    child.stdin?.write(input)
    // Far more than it takes. The signal only ends a test that has failed.
    const tooLate = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const { code, stderr } = await ended
    clearTimeout(tooLate)
    expect(stderr).toMatch(reason)
    expect(code).toBe(3)
  })
})

function withFlippedByte(packed: Buffer): Buffer {
  const middle = packed.length >> 1
  packed.writeUInt8(packed.readUInt8(middle) ^ 0xff, middle)
  return packed
}

function withWrongCrc(packed: Buffer): Buffer {
  packed.writeUInt32LE((packed.readUInt32LE(packed.length - 8) ^ 1) >>> 0, packed.length - 8)
  return packed
}
