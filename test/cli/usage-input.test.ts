import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  jsonLines,
  kmsRecord,
  logFile,
  type RecordJson,
  recordsBy,
  runProgram,
  succeededBy,
  temporaryFolder,
  totals,
  usage,
  KEYTRAIL,
} from '../support/cli.ts'

const BYTE_ORDER_MARK = '\u{feff}'

/** How three records can be written down. */
const FORMS: Readonly<Record<string, (records: readonly RecordJson[]) => string | Uint8Array>> = {
  'log file': logFile,
  'log file over many lines': (records) => JSON.stringify({ Records: records }, null, 2),
  'log file with other members': (records) =>
    `{"version":1,"nested":{"Records":[1]},"Records":${JSON.stringify(records)},"more":[{"Records":"text"}]}`,
  'log file with a byte order mark': (records) => BYTE_ORDER_MARK + logFile(records),
  'log file with CRLF': (records) => JSON.stringify({ Records: records }, null, 2).replaceAll('\n', '\r\n'),
  'log files behind each other': (records) => records.map((record) => logFile([record])).join(''),
  'empty log file before': (records) => logFile([]) + logFile(records),
  'answer of LookupEvents': (records) => JSON.stringify({ Events: records.map(lookupEvent), NextToken: 'more' }, null, 4),
  'events of LookupEvents by themselves': (records) => jsonLines(records.map(lookupEvent)),
  'list of records': (records) => JSON.stringify(records),
  'list over many lines': (records) => JSON.stringify(records, null, 2),
  'list of EventBridge events': (records) => JSON.stringify(records.map(bridgeEvent)),
  'list of everything': ([first, second, third]) => JSON.stringify([bridgeEvent(first ?? {}), lookupEvent(second ?? {}), third]),
  'JSON lines': jsonLines,
  'JSON lines without a last line end': (records) => jsonLines(records).trimEnd(),
  'JSON lines with CRLF': (records) => jsonLines(records).replaceAll('\n', '\r\n'),
  'JSON lines with empty lines': (records) => `\n\n${records.map((record) => JSON.stringify(record)).join('\n\r\n \t\n')}\n\n`,
  'JSON lines with a byte order mark': (records) => BYTE_ORDER_MARK + jsonLines(records),
  'EventBridge events by themselves': (records) => jsonLines(records.map(bridgeEvent)),
  'records over many lines': (records) => records.map((record) => JSON.stringify(record, null, 2)).join('\n'),
  'concatenated records': (records) => records.map((record) => JSON.stringify(record)).join(''),
  'concatenated forms': ([first, second, third]) => logFile([first]) + JSON.stringify([second]) + JSON.stringify(third),
  gzip: (records) => gzipSync(logFile(records)),
  'gzip of JSON lines with a byte order mark': (records) => gzipSync(BYTE_ORDER_MARK + jsonLines(records)),
  'gzip of several members': (records) => Buffer.concat(records.map((record) => gzipSync(jsonLines([record])))),
  'gzip of members that cut a record': (records) => {
    const text = Buffer.from(logFile(records))
    return Buffer.concat([gzipSync(text.subarray(0, 500)), gzipSync(''), gzipSync(text.subarray(500))])
  },
  'gzip with zeros behind': (records) => Buffer.concat([gzipSync(logFile(records)), Buffer.alloc(512)]),
}
const COUNT = 3

describe.concurrent('what is read', () => {
  it('is every form', async () => {
    using folder = temporaryFolder()
    const names = Object.keys(FORMS)
    for (const [index, [name, form]] of Object.entries(FORMS).entries()) folder.write(`${index}.json`, form(recordsBy(name, COUNT)))
    const { code, stderr, report } = await usage(folder, ['.', '--by', 'caller'])
    expect(succeededBy(report.calls, 'caller')).toEqual(Object.fromEntries(names.map((name) => [name, COUNT])))
    expect(report).toMatchObject({ records: names.length * COUNT, duplicates: 0, malformed: [] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('has an ending of CloudTrail files, if it lies in a folder; whether it is packed is told by its bytes', async () => {
    using folder = temporaryFolder()
    const wanted = [
      ['a.json', 'b.jsonl', 'c.ndjson', 'D.JSON', 'e.f.json', 'with space.json', 'ümläut.json', '.hidden.json', '.hidden/deep.json'],
      ['deep/g.json', 'deep/er/and/deeper/h.ndjson', 'folder.json/i.json', 'deep.json.gz/j.jsonl'],
    ].flat()
    const packed = ['k.json.gz', 'l.jsonl.gz', 'm.ndjson.gz', 'N.JSON.GZ', 'packed, though it is not called so.json']
    const unpacked = ['plain, though it is called packed.json.gz']
    const ignored = ['README.md', 'o.txt', 'p.json.bak', 'q.gz', 'r.json.zip', 'json', 'deep/s.csv', 'deep/.DS_Store']
    for (const name of [...wanted, ...unpacked]) folder.write(name, logFile(recordsBy(name, 1)))
    for (const name of packed) folder.write(name, gzipSync(logFile(recordsBy(name, 1))))
    for (const name of ignored) folder.write(name, logFile(recordsBy(name, 1)))

    const { code, report } = await usage(folder, ['.', '--by', 'caller'])
    expect(Object.keys(succeededBy(report.calls, 'caller')).toSorted()).toEqual([...wanted, ...packed, ...unpacked].toSorted())
    expect({ code, malformed: report.malformed, skipped: report.skipped }).toEqual({ code: 0, malformed: [], skipped: [] })
  })

  it('is a file that is named, whatever its ending, and each path once more if it is named again', async () => {
    using folder = temporaryFolder()
    const names = ['trail.txt', 'trail', 'trail.gz', 'deep/trail.bak']
    for (const name of names) folder.write(name, name.endsWith('.gz') ? gzipSync(logFile(recordsBy(name, 1))) : logFile(recordsBy(name, 1)))
    const again = [path.join(folder.path, 'trail.txt'), './trail.txt']
    const { code, report } = await usage(folder, [...names, ...again, '--by', 'caller'])
    expect(succeededBy(report.calls, 'caller')).toEqual(Object.fromEntries(names.map((name) => [name, 1])))
    expect({ code, records: report.records, duplicates: report.duplicates }).toEqual({ code: 0, records: 6, duplicates: 2 })
  })

  it('is standard input, plain or packed, by itself or beside files', async () => {
    using folder = temporaryFolder()
    folder.write('beside.json', logFile(recordsBy('file', 1)))
    const records = recordsBy('standard input', 5)
    const inputs = [
      logFile(records),
      jsonLines(records),
      gzipSync(logFile(records)),
      Buffer.concat([gzipSync(jsonLines(records.slice(0, 2))), gzipSync(jsonLines(records.slice(2)))]),
    ]
    for (const input of inputs) {
      const { code, report } = await usage(folder, ['-', '--by', 'caller'], { input })
      expect({ code, calls: succeededBy(report.calls, 'caller') }).toEqual({ code: 0, calls: { 'standard input': 5 } })
    }
    const { code, report } = await usage(folder, ['beside.json', '-', '--by', 'caller'], { input: logFile(records) })
    expect({ code, calls: succeededBy(report.calls, 'caller') }).toEqual({ code: 0, calls: { 'standard input': 5, file: 1 } })
  })

  it('comes byte by byte too, in a pipe of the shell', async () => {
    using folder = temporaryFolder()
    folder.write('trail.json.gz', gzipSync(logFile(recordsBy('pipe', 3))))
    const command = `"$0" "$1" usage <(head -c 1 trail.json.gz; sleep 0.1; tail -c +2 trail.json.gz) --by caller --format csv`
    const { code, stdout, stderr } = await runProgram('bash', ['-c', command, process.execPath, KEYTRAIL], { cwd: folder.path })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'caller,attributed,succeeded,failed\r\npipe,yes,3,0\r\n', stderr: '' })
  })

  it('is the same, whether several threads read it or one', async () => {
    using folder = temporaryFolder()
    // Threads start from 8 MiB in two files on. The first of these calls stand in each file.
    const padding = 'x'.repeat(1000)
    const parts = ['a', 'b', 'c'].map((part) =>
      Array.from({ length: 3000 }, (_, index) => kmsRecord(index < 500 ? `${index}` : `${part}${index}`, { requestID: padding })),
    )
    for (const [index, part] of parts.entries()) folder.write(`${index}.json`, logFile(part))
    folder.write('bad.json', 'no trail')
    const input = `${parts.map(logFile).join('\n')}\nno trail`
    const threads = await usage(folder, ['.'])
    const one = await usage(folder, ['-'], { input })
    expect(threads.report).toMatchObject({ records: 9000, duplicates: 1000, malformed: [{ file: 'bad.json', position: 1 }] })
    expect(totals(threads.report)).toEqual({ succeeded: 8000, failed: 0 })
    expect({ ...one.report, malformed: [] }).toEqual({ ...threads.report, malformed: [] })
    expect([threads.code, one.code]).toEqual([3, 3])
  })
})

describe.concurrent('files without records', () => {
  const DIGEST = '111122223333_CloudTrail-Digest_eu-central-1_trail_eu-central-1_20261001T121500Z.json.gz'
  const INSIGHT = '111122223333_CloudTrail-Insight_eu-central-1_20261001T1215Z_AbCdEfGhIjKlMnOp.json.gz'

  it('are skipped and listed, told by their folder or by their name', async () => {
    using folder = temporaryFolder()
    const digest = gzipSync(JSON.stringify({ awsAccountId: '111122223333', digestS3Bucket: 'trail', logFiles: [] }))
    const insight = gzipSync(logFile([{ eventSource: 'kms.amazonaws.com', eventName: 'Decrypt', eventID: 'x', eventCategory: 'Insight' }]))
    folder.write('AWSLogs/111122223333/CloudTrail/eu-central-1/2026/10/01/trail.json.gz', gzipSync(logFile(recordsBy('trail', 2))))
    folder.write(`AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/10/01/${DIGEST}`, digest)
    folder.write('AWSLogs/111122223333/CloudTrail-Digest/renamed.json', '{}')
    folder.write('AWSLogs/111122223333/CloudTrail-Insight/eu-central-1/renamed.json.gz', insight)
    folder.write(`loose/${DIGEST}`, digest)
    folder.write(`loose/${INSIGHT}`, insight)

    const { code, stderr, report } = await usage(folder, ['.', '--by', 'caller'])
    expect({ code, stderr, records: report.records }).toEqual({ code: 0, stderr: '', records: 2 })
    expect(report.skipped).toEqual([
      { file: `AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/10/01/${DIGEST}`, reason: 'digest file' },
      { file: 'AWSLogs/111122223333/CloudTrail-Digest/renamed.json', reason: 'digest file' },
      { file: 'AWSLogs/111122223333/CloudTrail-Insight/eu-central-1/renamed.json.gz', reason: 'insight file' },
      { file: `loose/${DIGEST}`, reason: 'digest file' },
      { file: `loose/${INSIGHT}`, reason: 'insight file' },
    ])
    // A folder in which there is nothing but such files has been read.
    const digests = await usage(folder, ['AWSLogs/111122223333/CloudTrail-Digest'])
    expect(digests.code).toBe(0)
    expect(digests.report.skipped).toHaveLength(2)
  })
})

describe.concurrent('links', () => {
  it('lead to files and folders, and to each folder once', async () => {
    using folder = temporaryFolder()
    mkdirSync(folder.beside('elsewhere/deep'), { recursive: true })
    folder.write('../elsewhere/deep/a.json', logFile(recordsBy('a', 1)))
    folder.write('../elsewhere/deep/b.json', logFile(recordsBy('b', 1)))
    folder.write('trail/c.json', logFile(recordsBy('c', 1)))
    symlinkSync('../../elsewhere', path.join(folder.path, 'trail/first'))
    symlinkSync(folder.beside('elsewhere/deep'), path.join(folder.path, 'trail/second'))
    symlinkSync('c.json', path.join(folder.path, 'trail/d.json'))
    // Links in a circle: to the folder itself, to the one above, and between two folders.
    symlinkSync('.', path.join(folder.path, 'trail/self'))
    symlinkSync('..', path.join(folder.path, 'trail/above'))
    symlinkSync('../../files/trail', folder.beside('elsewhere/deep/back'))

    const { code, report } = await usage(folder, ['trail', '--by', 'caller'])
    expect(succeededBy(report.calls, 'caller')).toEqual({ a: 1, b: 1, c: 1 })
    // d.json is a link to c.json, and read as a file of its own.
    expect({ code, malformed: report.malformed, duplicates: report.duplicates }).toEqual({ code: 0, malformed: [], duplicates: 1 })
  })

  it('that lead nowhere are reported, and the rest is read', async () => {
    using folder = temporaryFolder()
    folder.write('trail/a.json', logFile(recordsBy('a', 1)))
    symlinkSync('gone.json', path.join(folder.path, 'trail/dangling.json'))
    symlinkSync('loop-2.json', path.join(folder.path, 'trail/loop-1.json'))
    symlinkSync('loop-1.json', path.join(folder.path, 'trail/loop-2.json'))
    const { code, stderr, report } = await usage(folder, ['trail', '--by', 'caller'])
    expect({ code, calls: succeededBy(report.calls, 'caller') }).toEqual({ code: 3, calls: { a: 1 } })
    expect(report.malformed).toEqual([
      { file: 'trail/dangling.json', position: 0, reason: 'no such file or folder' },
      { file: 'trail/loop-1.json', position: 0, reason: 'a link that leads to itself' },
      { file: 'trail/loop-2.json', position: 0, reason: 'a link that leads to itself' },
    ])
    expect(stderr.split('\n')).toHaveLength(4)
  })
})

function lookupEvent(record: RecordJson): RecordJson {
  const { eventID, eventName, eventSource } = record
  return { EventId: eventID, EventName: eventName, EventSource: eventSource, Resources: [], CloudTrailEvent: JSON.stringify(record) }
}

function bridgeEvent(record: RecordJson): RecordJson {
  return {
    version: '0',
    id: 'e7ce5ef5-6f07-4a5c-b2b5-4c3a0f6a9e31',
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.kms',
    account: '111122223333',
    time: '2026-10-01T12:00:00Z',
    region: 'eu-central-1',
    resources: [],
    detail: record,
  }
}
