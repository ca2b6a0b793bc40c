import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  failedCall,
  type Folder,
  jsonLines,
  KEY_ARN,
  kmsRecord,
  logFile,
  recordsBy,
  type Report,
  ROOT,
  temporaryFolder,
  totals,
  usage,
} from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

const DIMENSIONS = ['key', 'operation', 'caller', 'service', 'scope', 'errorCode', 'hour']

describe.concurrent('the sample events', () => {
  // Written by `npm run -s keytrail -- usage events --format … > test/golden/usage.…`. What they say was counted by other means, too.
  it.each([
    { format: 'json', golden: 'usage.json' },
    { format: 'csv', golden: 'usage.csv' },
    { format: 'table', golden: 'usage.txt' },
  ])('give the same bytes as ever in the format $format', async ({ format, golden }) => {
    const run = await keytrailHere(['usage', 'events', '--format', format], { cwd: ROOT })
    const stdout = readFileSync(path.join(ROOT, 'test/golden', golden), 'utf8')
    expect(run).toEqual({ code: 0, signal: null, stdout, stderr: '' })
  })

  it('have the same totals, whatever they are grouped by', async () => {
    const groupings = [...DIMENSIONS, DIMENSIONS.join()]
    const runs = await Promise.all(groupings.map((by) => keytrailHere(['usage', 'events', '--format', 'json', '--by', by], { cwd: ROOT })))
    for (const [index, { code, stdout }] of runs.entries()) {
      const by = groupings[index]?.split(',') ?? []
      const report = JSON.parse(stdout) as Report
      const { records, duplicates, dryRuns } = report
      expect({ code, records, duplicates, dryRuns, ...totals(report) }, by.join()).toEqual({
        code: 0,
        records: 153,
        duplicates: 2,
        dryRuns: 1,
        succeeded: 51,
        failed: 5,
      })
      const members = (key: string): readonly string[] => [...by.map((name) => (name === 'key' ? key : name)), 'succeeded', 'failed']
      for (const row of report.calls) expect(Object.keys(row)).toEqual(members('keyArn'))
      for (const row of report.unattributed) expect(Object.keys(row)).toEqual(members('sent'))
    }
  })
})

describe.concurrent('JSON', () => {
  it('has these members in this order, and nothing else', async () => {
    using folder = temporaryFolder()
    writeMixedTrail(folder)
    const { code, stdout, stderr } = await keytrailHere(['usage', '.', '--format', 'json'], { cwd: folder.path })
    const wanted = {
      format: 'keytrail.usage/1',
      records: 9,
      duplicates: 1,
      dryRuns: 1,
      calls: [
        { keyArn: KEY_ARN, operation: 'Decrypt', succeeded: 2, failed: 1 },
        { keyArn: KEY_ARN, operation: 'ReEncryptFrom', succeeded: 1, failed: 0 },
        { keyArn: `${KEY_ARN}2`, operation: 'ReEncryptTo', succeeded: 1, failed: 0 },
      ],
      unattributed: [
        { sent: null, operation: 'Decrypt', succeeded: 0, failed: 1 },
        { sent: 'alias/app', operation: 'Decrypt', succeeded: 0, failed: 1 },
      ],
      malformed: [{ file: 'bad.json', position: 1, reason: 'not valid JSON (byte 0 of the record)' }],
      skipped: [{ file: 'CloudTrail-Digest/digest.json', reason: 'digest file' }],
    }
    // Compared as text: order and white space are part of the promise.
    expect(stdout).toBe(`${JSON.stringify(wanted, null, 2)}\n`)
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'keytrail: could not read bad.json, record 1: not valid JSON (byte 0 of the record)\n',
    })
  })

  it('has no rows but all members where nothing was found', async () => {
    using folder = temporaryFolder()
    folder.write('empty.json', '{"Records":[]}')
    const { code, stdout } = await keytrailHere(['usage', 'empty.json', '--format', 'json'], { cwd: folder.path })
    const nothing = { records: 0, duplicates: 0, dryRuns: 0, calls: [], unattributed: [], malformed: [], skipped: [] }
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${JSON.stringify({ format: 'keytrail.usage/1', ...nothing }, null, 2)}\n` })
  })

  it('has its rows in the order of code units, null first', async () => {
    using folder = temporaryFolder()
    // By bytes of UTF-8 the last two would change places, in most languages many of the others.
    const sorted = ['', '-', '10', '9', 'A', 'Z', '_', 'a', 'ab', 'z', 'ä', '😀', '\u{ff5e}']
    folder.write('a.json', logFile(sorted.toReversed().map((text) => failedCall(text, text))))
    for (const [index, text] of sorted.slice(1).entries()) folder.write(`bad/${text}.json`, index % 2 === 0 ? 'oops' : '5')
    const { report } = await usage(folder, ['.', '--by', 'key'])
    expect(report.unattributed.map(({ sent }) => sent)).toEqual([null, ...sorted.slice(1)])
    expect(report.malformed.map(({ file }) => file)).toEqual(sorted.slice(1).map((text) => `bad/${text}.json`))
  })
})

describe.concurrent('the order', () => {
  it('of paths does not matter: the bytes are the same', async () => {
    using folder = temporaryFolder()
    writeMixedTrail(folder)
    // Two records of one call that tell different stories, in two files.
    for (const name of ['x', 'y']) folder.write(`story ${name}.jsonl`, jsonLines([kmsRecord('', { sharedEventID: 's', awsRegion: name })]))
    folder.write('story z.jsonl', jsonLines([kmsRecord('', { sharedEventID: 's', userIdentity: { type: 'AWSAccount', accountId: '1' } })]))
    const paths = ['story x.jsonl', 'story y.jsonl', 'story z.jsonl', 'log.json', 'lines.jsonl', 'bad.json', 'CloudTrail-Digest']
    const orders = [paths, paths.toReversed(), [...paths.slice(3), ...paths.slice(0, 3)], ['.']]
    const options = ['--format', 'json', '--by', DIMENSIONS.join()]
    const runs = await Promise.all(orders.map((order) => keytrailHere(['usage', ...order, ...options], { cwd: folder.path })))
    expect(runs).toEqual(orders.map(() => runs[0]))
    expect(runs[0]?.stdout).toContain('"duplicates": 3')
  })

  it('of dimensions does not matter, nor does it matter if one is named twice', async () => {
    using folder = temporaryFolder()
    writeMixedTrail(folder)
    const spellings = ['key,operation,caller', 'caller,operation,key', ' caller, key ,operation ,key']
    const runs = await Promise.all(
      spellings.map((by) => keytrailHere(['usage', 'log.json', '--format', 'csv', '--by', by], { cwd: folder.path })),
    )
    expect(runs).toEqual(spellings.map(() => runs[0]))
    expect(runs[0]?.stdout).toMatch(/^keyArn,sent,operation,caller,attributed,succeeded,failed\r\n/)
  })
})

describe.concurrent('a table', () => {
  it('says what was left out of the count and why, and has no colours where no terminal is', async () => {
    using folder = temporaryFolder()
    writeMixedTrail(folder)
    const { stdout } = await keytrailHere(['usage', '.'], { cwd: folder.path })
    expect(stdout).not.toContain('\u{1b}')
    for (const words of ['9 CloudTrail records', '4 uses', '3 failed', '1 repeat of calls', '1 dry run,', '1 × digest file', '1 place,']) {
      expect(stdout).toContain(words)
    }
  })
})

describe.concurrent('CSV', () => {
  it('has a line for every row, with key and what was sent in columns of their own', async () => {
    using folder = temporaryFolder()
    folder.write('log.json', logFile([...recordsBy('a "b", c', 2), failedCall('x', 'alias/app', { errorCode: 'Denied, "so"' })]))
    const { code, stdout } = await keytrailHere(['usage', 'log.json', '--format', 'csv', '--by', 'key,caller,errorCode'], {
      cwd: folder.path,
    })
    const lines = [
      'keyArn,sent,caller,errorCode,attributed,succeeded,failed',
      `${KEY_ARN},,"a ""b"", c",,yes,2,0`,
      ',alias/app,arn:aws:iam::111122223333:user/somebody,"Denied, ""so""",no,0,1',
    ]
    expect({ code, stdout }).toEqual({ code: 0, stdout: lines.map((line) => `${line}\r\n`).join('') })
  })
})

/** Something of everything: 9 records, of which one is a repeat, one a dry run, one no call of KMS; a bad file and a digest. */
function writeMixedTrail(folder: Folder): void {
  const keys = [{ ARN: KEY_ARN }, { ARN: `${KEY_ARN}2` }]
  folder.write(
    'log.json',
    logFile([
      kmsRecord('a'),
      kmsRecord('b', { errorCode: 'DisabledException' }),
      kmsRecord('c', { eventName: 'ReEncrypt', resources: keys }),
      kmsRecord('d', { errorCode: 'DryRunOperationException' }),
      kmsRecord('e', { eventSource: 's3.amazonaws.com', eventName: 'GetObject' }),
    ]),
  )
  folder.write('lines.jsonl', jsonLines([kmsRecord('a'), kmsRecord('f'), failedCall('g', 'alias/app'), failedCall('h', '')]))
  folder.write('bad.json', 'oops')
  folder.write('CloudTrail-Digest/digest.json', '{}')
}
