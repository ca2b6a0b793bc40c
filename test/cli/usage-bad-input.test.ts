import { describe, expect, it } from 'vitest'
import {
  type BadFile,
  readBadFiles,
  jsonLines,
  kmsRecord,
  logFile,
  type RecordJson,
  recordsBy,
  temporaryFolder,
  unreadLines,
  usage,
} from '../support/cli.ts'

const MIB = 1 << 20
/** Full of what recovery might take for the end of a record. */
const LARGE = kmsRecord('large', { requestParameters: { text: '"}],[{\\'.repeat(MIB / 4) } })

const CUT = /^the file ends in the middle of a JSON document$/
const LIST_CUT = /^the file ends before its list of records does: it is cut off behind record \d$/
const LARGER = /^a record larger than 1048576 bytes$/
const NOT_JSON = /^not valid JSON \(byte \d+ of the record\)$/
const NO_RECORD = /^no CloudTrail record: /
const NO_ARRAY = /^no CloudTrail log file: Records is no array$/
const TOO_DEEP = /^nested too deep$/
const NO_UTF8 = /^invalid UTF-8$/

/** Spoils the second of three records. */
const BREAK = [/(?<=Decrypt.*"eventName": ?)"Decrypt"/s, 'nothing'] as const

const CUT_OFF: Readonly<Record<string, BadFile>> = {
  'empty.json': { content: () => '', kept: 0, places: [[0, /^the file is empty$/]] },
  'one byte.json': { content: () => '{', kept: 0, places: [[1, CUT]] },
  'in a text.json': { content: (three) => cutBehind(logFile(three), '"IAMUs', 3), kept: 2, places: [[3, CUT]] },
  'in a word.json': { content: (three) => cutBehind(logFile(three), '"responseElements":nu', 3), kept: 2, places: [[3, CUT]] },
  'behind a text.json': { content: (three) => cutBehind(logFile(three), '"IAMUser"', 3), kept: 2, places: [[3, CUT]] },
  'before a line end.json': { content: (three) => `${cutBehind(logFile(three), '"IAMUser"', 3)}\n`, kept: 2, places: [[3, CUT]] },
  'behind a comma.json': { content: ([first]) => `${logFile([first]).slice(0, -2)},`, kept: 1, places: [[2, LIST_CUT]] },
  'behind a record.json': { content: (three) => logFile(three).slice(0, -2), kept: 3, places: [[4, LIST_CUT]] },
  'behind a list.json': { content: (three) => logFile(three).slice(0, -1), kept: 3, places: [[4, LIST_CUT]] },
  'line.jsonl': { content: (three) => cutBehind(jsonLines(three), '"IAMUs', 3), kept: 2, places: [[3, CUT]] },
  'lines.jsonl': {
    content: ([first, second, third]) => jsonLines([first, cutBehind(JSON.stringify(second), '"IAMUs', 1), '{"even', third]),
    kept: 2,
    places: [2, 3].map((position) => [position, NOT_JSON]),
  },
  'before another log file.json': {
    content: ([first, second, third]) => `${cutBehind(logFile([first, second]), '"IAMUser"', 2)}\n${logFile([third])}`,
    kept: 2,
    places: [[2, NOT_JSON]],
  },
}

const NO_RECORDS: Readonly<Record<string, BadFile>> = {
  'broken.json': { content: (three) => logFile(three).replace(...BREAK), kept: 2, places: [[2, NOT_JSON]] },
  'broken.jsonl': { content: (three) => jsonLines(three).replace(...BREAK), kept: 2, places: [[2, NOT_JSON]] },
  'broken, many lines.json': {
    content: (three) => JSON.stringify({ Records: three }, null, 2).replace(...BREAK),
    kept: 2,
    places: [[2, NOT_JSON]],
  },
  'none.json': {
    content: ([first, second, third]) => JSON.stringify({ Records: [first, null, 5, 'text', [second], {}, third] }),
    kept: 2,
    places: [2, 3, 4, 5, 6].map((position) => [position, NO_RECORD]),
  },
  'Records is an object.json': { content: () => '{"Records":{"eventName":"Decrypt"}}', kept: 0, places: [[1, NO_ARRAY]] },
  'Records is null.json': { content: () => '{"Records":null}', kept: 0, places: [[1, NO_ARRAY]] },
  'Records is text.jsonl': {
    content: ([first, second]) => jsonLines([first, { Records: 'text' }, second]),
    kept: 2,
    places: [[2, NO_ARRAY]],
  },
  'CloudTrailEvent is none.json': {
    content: ([first, second]) =>
      JSON.stringify({ Events: [JSON.stringify(first), '{"cut', second].map((event) => ({ CloudTrailEvent: event })) }),
    kept: 1,
    places: [
      [2, /^an event of LookupEvents: CloudTrailEvent is not JSON$/],
      [3, /^an event of LookupEvents: CloudTrailEvent is no text$/],
    ],
  },
  // Everybody may put events on a bus, but not in the name of AWS.
  'events of a stranger.jsonl': {
    content: ([first, second, third]) =>
      jsonLines([
        { source: 'aws.kms', 'detail-type': 'AWS API Call via CloudTrail', detail: first },
        { source: 'my.kms', 'detail-type': 'AWS API Call via CloudTrail', detail: second },
        { source: 'aws.kms', 'detail-type': 'KMS CMK Rotation', detail: third },
      ]),
    kept: 1,
    places: [
      [2, /^an EventBridge event whose source is not AWS$/],
      [3, /^an EventBridge event that came by no CloudTrail$/],
    ],
  },
}

const TOO_MUCH: Readonly<Record<string, BadFile>> = {
  'large first.json': { content: ([first, second]) => logFile([LARGE, first, second]), kept: 2, places: [[1, LARGER]] },
  'large in the middle.json': { content: ([first, second]) => logFile([first, LARGE, second]), kept: 2, places: [[2, LARGER]] },
  'large last.json': { content: ([first, second]) => logFile([first, second, LARGE]), kept: 2, places: [[3, LARGER]] },
  'large first.jsonl': { content: ([first, second]) => jsonLines([LARGE, first, second]), kept: 2, places: [[1, LARGER]] },
  'large in the middle.jsonl': { content: ([first, second]) => jsonLines([first, LARGE, second]), kept: 2, places: [[2, LARGER]] },
  'large last.jsonl': { content: ([first, second]) => jsonLines([first, second, LARGE]), kept: 2, places: [[3, LARGER]] },
  'large by one byte.jsonl': {
    content: ([first, second, third]) => jsonLines([ofBytes(first, MIB), ofBytes(second, MIB + 1), third]),
    kept: 2,
    places: [[2, LARGER]],
  },
  'a disk full of NUL.json': { content: () => Buffer.alloc(3 * MIB), kept: 0, places: [[1, LARGER]] },
  'deep.json': {
    content: ([first, second, third]) => logFile([first, 'deep', third]).replace('"deep"', ofLevels(second, 1001)),
    kept: 2,
    places: [[2, TOO_DEEP]],
  },
  'deep.jsonl': {
    content: ([first, second, third]) => jsonLines([ofLevels(first, 999), ofLevels(second, 1001), ofLevels(second, 100_000), third]),
    kept: 2,
    places: [2, 3].map((position) => [position, TOO_DEEP]),
  },
}

const NO_TEXT: Readonly<Record<string, BadFile>> = {
  'invalid UTF-8.json': {
    content: ([first, second, third]) => withByte(logFile([first, { ...second, x: 'byte ~ here' }, { ...third, x: 'ümläut 😀' }])),
    kept: 2,
    places: [[2, NO_UTF8]],
  },
  'invalid UTF-8.jsonl': {
    content: ([first, second, third]) => withByte(jsonLines([{ ...first, x: 'byte ~ here' }, { ...second, x: 'ü' }, third])),
    kept: 2,
    places: [[1, NO_UTF8]],
  },
  'NUL bytes.jsonl': {
    content: ([first, second, third]) => jsonLines([first, '\0\0', JSON.stringify(second).replace('IAM', 'I\0M'), '\0', third]),
    kept: 2,
    places: [2, 3, 4].map((position) => [position, NOT_JSON]),
  },
  'prose.json': { content: () => 'Dear reader,\n  no trail.\n', kept: 0, places: [1, 2].map((position) => [position, NOT_JSON]) },
  'page of an error.json': { content: () => '<html><body>403 Forbidden</body></html>', kept: 0, places: [[1, NOT_JSON]] },
  'picture.json': { content: () => Buffer.from('89504e470d0d1a0d0000000d49484452', 'hex'), kept: 0, places: [[1, NOT_JSON]] },
  'zip.json.gz': { content: () => Buffer.from('504b0304140000000800', 'hex'), kept: 0, places: [[1, NOT_JSON]] },
  'UTF-16.json': { content: (three) => Buffer.from(`\u{feff}${logFile(three)}`, 'utf16le'), kept: 0, places: [[1, NOT_JSON]] },
}

describe.concurrent('a file is reported with its place, and nothing else is lost,', () => {
  it('if it is cut off', async () => {
    const { told, wanted } = await readBadFiles(CUT_OFF)
    expect(told).toEqual(wanted)
  })

  it('if something in it is no record', async () => {
    const { told, wanted } = await readBadFiles(NO_RECORDS)
    expect(told).toEqual(wanted)
  })

  it('if something in it is too much', async () => {
    const { told, wanted } = await readBadFiles(TOO_MUCH)
    expect(told).toEqual(wanted)
  })

  it('if something in it is no text', async () => {
    const { told, wanted } = await readBadFiles(NO_TEXT)
    expect(told).toEqual(wanted)
  })

  it('if it comes on standard input', async () => {
    using folder = temporaryFolder()
    const inputs = [
      { input: '', stderr: 'keytrail: could not read -: the file is empty\n', records: 0 },
      {
        input: jsonLines([kmsRecord('a'), 'oops', kmsRecord('b')]),
        stderr: 'keytrail: could not read -, record 2: not valid JSON (byte 0 of the record)\n',
        records: 2,
      },
    ]
    for (const { input, stderr, records } of inputs) {
      const run = await usage(folder, ['-'], { input })
      expect({ code: run.code, stderr: run.stderr, records: run.report.records }).toEqual({ code: 3, stderr, records })
    }
  })

  it('if another thread reads it', async () => {
    using folder = temporaryFolder()
    const padding = 'x'.repeat(1000)
    for (const name of ['a', 'b']) {
      folder.write(
        `${name}.json`,
        logFile(Array.from({ length: 4000 }, (_, index) => kmsRecord(`${name}${index}`, { requestID: padding }))),
      )
    }
    folder.write('cut.json', logFile(recordsBy('x', 3)).slice(0, -1))
    folder.write('prose.json', 'no trail')
    const { code, stderr, report } = await usage(folder, ['.', 'gone.json'])
    expect(report.malformed.map(({ file, position }) => `${file} ${position}`)).toEqual(['cut.json 4', 'gone.json 0', 'prose.json 1'])
    expect({ code, stderr, records: report.records }).toEqual({ code: 3, stderr: unreadLines(report), records: 8003 })
  })
})

describe.concurrent('very many bad lines', () => {
  it('are listed up to a limit, and their number is told', async () => {
    using folder = temporaryFolder()
    const count = 10_000
    folder.write('bad.jsonl', jsonLines([kmsRecord('a'), ...Array.from({ length: count }, () => 'oops'), kmsRecord('b')]))
    folder.write('good.json', logFile(recordsBy('good', 1)))
    const { code, stderr, report } = await usage(folder, ['.'])
    expect({ code, records: report.records }).toEqual({ code: 3, records: 3 })
    expect(report.malformed.length).toBeLessThan(count / 2)
    const last = report.malformed.at(-1)
    expect(last).toMatchObject({ file: 'bad.jsonl', position: count + 1 })
    expect(last?.reason).toMatch(new RegExp(`^the last of ${count - report.malformed.length + 1} more `))

    const lines = stderr.trimEnd().split('\n')
    expect(lines.length).toBeLessThan(50)
    expect(lines.at(-1)?.replaceAll(',', '')).toMatch(new RegExp(`^keytrail: and ${count - lines.length + 1} more`))
  })
})

/** The text up to and with the nth time that these characters stand in it. */
function cutBehind(text: string, characters: string, nth: number): string {
  return text.split(characters).slice(0, nth).join(characters) + characters
}

/** A record that is this many bytes long as JSON. */
function ofBytes(record: RecordJson, bytes: number): string {
  const padded = (text: string): string => JSON.stringify({ ...record, text })
  return padded('x'.repeat(bytes - padded('').length))
}

/** A record in which brackets are open this many times at once. */
function ofLevels(record: RecordJson, levels: number): string {
  const inner = '['.repeat(levels - 1) + ']'.repeat(levels - 1)
  return JSON.stringify({ ...record, requestParameters: 'deep' }).replace('"deep"', inner)
}

/** In place of `~` a byte that never stands in UTF-8. */
function withByte(text: string): Buffer {
  const bytes = Buffer.from(text)
  bytes[bytes.indexOf('~')] = 0xff
  return bytes
}
