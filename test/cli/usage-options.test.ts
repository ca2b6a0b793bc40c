import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Folder, keytrail, kmsRecord, logFile, recordsBy, type Report, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

const NOON = '2026-10-01T12:00:00Z'

function writeCalls(folder: Folder, times: Readonly<Record<string, string>>): void {
  const records = Object.entries(times).map(([caller, eventTime]) =>
    kmsRecord(caller, { eventTime, userIdentity: { type: 'x', arn: caller } }),
  )
  folder.write('log.json', logFile(records))
}

/** The callers that are counted with these options, by the options. */
async function callersWith(folder: Folder, options: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const runs = options.map(async (option) => {
    const args = ['usage', 'log.json', '--format', 'json', '--by', 'caller', ...option.split(/ (?=--)/)]
    // Times without a zone are UTC, wherever that is.
    const { stdout, stderr } = await keytrail(args, { cwd: folder.path, env: { TZ: 'America/New_York' } })
    if (stdout === '') return [option, stderr] as const
    return [option, (JSON.parse(stdout) as Report).calls.map(({ caller }) => caller).join(' ')] as const
  })
  return Object.fromEntries(await Promise.all(runs))
}

describe.concurrent('--since and --until', () => {
  it('take calls from the one on and before the other, to the second', async () => {
    using folder = temporaryFolder()
    writeCalls(folder, { '1-before': '2026-10-01T11:59:59Z', '2-at': NOON, '3-behind': '2026-10-01T12:00:01Z' })
    const wanted = {
      [`--since=${NOON}`]: '2-at 3-behind',
      [`--until=${NOON}`]: '1-before',
      [`--since=${NOON} --until=2026-10-01T12:00:01Z`]: '2-at',
      '--since=2026-10-01T14:00:00+02:00': '2-at 3-behind',
      '--since=2026-10-01T12:00': '2-at 3-behind',
      '--until=2026-10-01 12:00:01': '1-before 2-at',
      '--since=2026-10-01': '1-before 2-at 3-behind',
      '--until=2026-10-02 --since=2026-10-01': '1-before 2-at 3-behind',
    }
    expect(await callersWith(folder, Object.keys(wanted))).toEqual(wanted)
  })

  it('take fractions of a second for what they are', async () => {
    using folder = temporaryFolder()
    writeCalls(folder, { '1-before': '2026-10-01T11:59:59Z', '2-at': NOON, '3-behind': '2026-10-01T12:00:01Z' })
    const wanted = {
      '--since=2026-10-01T12:00:00.500Z': '3-behind',
      '--until=2026-10-01T12:00:00.500Z': '1-before 2-at',
    }
    expect(await callersWith(folder, Object.keys(wanted))).toEqual(wanted)
  })

  it('take ages', async () => {
    using folder = temporaryFolder()
    writeCalls(folder, { '1-week': ago(8 * 1440), '2-day': ago(25 * 60), '3-hours': ago(23 * 60), '4-minutes': ago(5) })
    const wanted = {
      '--since=24h': '3-hours 4-minutes',
      '--since=1d': '3-hours 4-minutes',
      '--since=1w': '2-day 3-hours 4-minutes',
      '--until=24h': '1-week 2-day',
      '--since=1w --until=10m': '2-day 3-hours',
    }
    expect(await callersWith(folder, Object.keys(wanted))).toEqual(wanted)
  })

  it('refuse what is no time, and say what to write', async () => {
    using folder = temporaryFolder()
    const texts = ['yesterday', '24', '', '2026-10-01T25:00:00Z', '2026-02-30', '2026-02-30T00:00:00Z']
    const runs = await Promise.all(texts.map((text) => keytrailHere(['usage', '.', '--since', text], { cwd: folder.path })))
    const wanted = texts.map((text) => {
      const stderr = `keytrail: option '--since <time>' argument '${text}' is invalid. Write an age (90m, 24h, 7d, 2w) or a time in ISO 8601`
      return { code: 2, stdout: '', stderr }
    })
    expect(
      runs.map(({ code, stdout, stderr }, index) => ({ code, stdout, stderr: stderr.slice(0, wanted[index]?.stderr.length) })),
    ).toEqual(wanted)
  })

  it('refuse to be the wrong way round', async () => {
    using folder = temporaryFolder()
    for (const [since, until] of [
      ['1h', '24h'],
      [NOON, NOON],
    ] as const) {
      const { code, stdout, stderr } = await keytrailHere(['usage', '.', '--since', since, '--until', until], { cwd: folder.path })
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: 'keytrail: --since must be before --until\n' })
    }
  })
})

describe.concurrent('--out', () => {
  it('writes what standard output would get, and replaces a file only with --force', async () => {
    using folder = temporaryFolder()
    folder.write('log.json', logFile(recordsBy('a', 2)))
    const out = path.join(folder.path, 'report.csv')
    const run = (...more: readonly string[]): ReturnType<typeof keytrail> =>
      keytrailHere(['usage', 'log.json', '--format', 'csv', ...more], { cwd: folder.path })
    const shown = await run()
    expect(await run('--out', 'report.csv')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(out, 'utf8')).toBe(shown.stdout)

    folder.write('report.csv', 'precious')
    expect(await run('--out', 'report.csv')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'keytrail: report.csv exists: --force replaces it\n',
    })
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(await run('--out', 'report.csv', '--force')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(out, 'utf8')).toBe(shown.stdout)
  })

  it('that cannot be written is wrong usage, which comes before what could not be read', async () => {
    using folder = temporaryFolder()
    folder.write('bad.json', 'oops')
    mkdirSync(path.join(folder.path, 'folder'))
    for (const out of ['gone/report.csv', 'folder', 'bad.json']) {
      const { code, stdout, stderr } = await keytrailHere(['usage', 'bad.json', '--out', out], { cwd: folder.path })
      expect(stderr.startsWith(`keytrail: ${out} `), stderr).toBe(true)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
    const forced = await keytrailHere(['usage', 'bad.json', '--out', 'folder', '--force'], { cwd: folder.path })
    expect({ code: forced.code, stderr: forced.stderr }).toEqual({ code: 2, stderr: 'keytrail: folder is a folder: --out takes a file\n' })
  })

  it('never suggests --force for what --force cannot replace', async () => {
    using folder = temporaryFolder()
    folder.write('log.json', logFile([]))
    const { stderr } = await keytrailHere(['usage', 'log.json', '--out', '.'], { cwd: folder.path })
    expect(stderr).not.toContain('--force')
  })
})

describe.concurrent('wrong usage', () => {
  it.each([
    { args: ['usge'], line: /^keytrail: unknown command 'usge'$/m, hint: /^\(Did you mean usage\?\)$/m },
    { args: ['usage', '.', '--formt', 'csv'], line: /^keytrail: unknown option '--formt'$/m, hint: /^\(Did you mean --format\?\)$/m },
    { args: ['usage', '.', '--bye', 'key'], line: /^keytrail: unknown option '--bye'$/m, hint: /^\(Did you mean --by\?\)$/m },
  ])('$args gets a suggestion', async ({ args, line, hint }) => {
    using folder = temporaryFolder()
    const { code, stdout, stderr } = await keytrailHere(args, { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
    expect(stderr).toMatch(hint)
    expect(stderr).toContain('(--help shows the options)')
  })

  it.each([
    { args: ['usage'], message: "missing required argument 'path'" },
    { args: ['usage', '.', '--format', 'xml'], message: 'Allowed choices are table, csv, json.' },
    { args: ['usage', '.', '--by', 'key,colour'], message: 'There is no "colour". Choose from key, operation, caller, service, scope' },
    { args: ['usage', '.', '--by'], message: "option '--by <dimensions>' argument missing" },
    { args: ['usage', '.', '--expanded-mib', '0'], message: 'Write a whole number of MiB from 1 to 1048576.' },
    { args: [], message: 'Usage: keytrail [options] [command]' },
  ])('$args says what is wrong', async ({ args, message }) => {
    using folder = temporaryFolder()
    folder.write('log.json', logFile([]))
    const { code, stdout, stderr } = await keytrailHere(args, { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('is not to ask for help or the version', async () => {
    using folder = temporaryFolder()
    const helps = [
      ['--help'],
      ['usage', '--help'],
      ['help', 'usage'],
      ['start', '--help'],
      ['local', '--help'],
      ['encrypt', '--help'],
      ['decrypt', '--help'],
    ]
    const runs = await Promise.all([...helps, ['--version']].map((args) => keytrailHere(args, { cwd: folder.path })))
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: '' })))
    for (const { stdout } of runs.slice(0, helps.length)) expect(stdout).toMatch(/^Usage: keytrail /)
    // Every command shows how it is called.
    for (const { stdout } of runs.slice(1, helps.length)) expect(stdout).toMatch(/^Examples:\n {2}(aws|keytrail|npm) /m)
    for (const { stdout } of runs.slice(helps.length)) expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

function ago(minutes: number): string {
  return `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)}Z`
}
