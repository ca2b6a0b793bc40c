import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { keytrailHere } from './here.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const KEYTRAIL = path.join(ROOT, 'cli/keytrail.mjs')

/** How a run ended, and what it wrote. */
export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type RunOptions = {
  /** Where the user stands. */
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** The Node.js that runs it; the one that runs the tests unless told. */
  readonly node?: string
  readonly uid?: number | undefined
  /** What comes on standard input, which then ends. */
  readonly input?: string | Uint8Array
  readonly stdio?: StdioOptions
  /** In a process group of its own, which a signal can be sent to. */
  readonly detached?: boolean
}

/**
 * What a run finds in its environment: not what `npm test` and vitest put into theirs, which would tell it where the user stands and
 * whether to show colours.
 */
function runEnvironment(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), TERM: 'xterm-256color', ...more }
}

/** Starts `keytrail` with these arguments, for tests that need the process while it runs. */
export function startKeytrail(
  args: readonly string[],
  options: RunOptions,
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  return startProgram(options.node ?? process.execPath, [KEYTRAIL, ...args], options)
}

/** Runs `keytrail` with these arguments to its end. */
export function keytrail(args: readonly string[], options: RunOptions): Promise<Ended> {
  return runProgram(options.node ?? process.execPath, [KEYTRAIL, ...args], options)
}

export function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { child, ended } = startProgram(command, args, options)
  // A run that ends before it has read its input is judged by how it ended.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(options.input)
  return ended
}

function startProgram(command: string, args: readonly string[], options: RunOptions): ReturnType<typeof startKeytrail> {
  const { cwd, uid, detached = false, stdio = 'pipe' } = options
  const child = spawn(command, args, {
    cwd,
    detached,
    stdio,
    env: runEnvironment(options.env),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr?.on('data', (piece: Buffer) => stderr.push(piece))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() })
    })
  })
  return { child, ended }
}

/** A fresh folder for the files of one test, gone at the end of its block (`using`). */
export type Folder = Disposable & {
  readonly path: string
  /** A place beside the folder: what is written there is not among the files. */
  readonly beside: (name: string) => string
  /** Writes a file, and the folders it stands in. Returns its name. */
  write(name: string, content: string | Uint8Array): string
}

export function temporaryFolder(): Folder {
  const base = mkdtempSync(path.join(tmpdir(), 'keytrail-test-'))
  // So that a run under another user ID can come here.
  chmodSync(base, 0o755)
  const files = path.join(base, 'files')
  mkdirSync(files)
  return {
    path: files,
    beside: (name) => path.join(base, name),
    write(name, content) {
      const place = path.join(files, name)
      mkdirSync(path.dirname(place), { recursive: true })
      writeFileSync(place, content)
      return name
    },
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  }
}

export type Row = { readonly [name: string]: unknown; readonly succeeded: number; readonly failed: number }
/** What `--format json` promises, written down here a second time on purpose. */
export type Report = {
  readonly format: string
  readonly records: number
  readonly duplicates: number
  readonly dryRuns: number
  readonly calls: readonly Row[]
  readonly unattributed: readonly Row[]
  readonly malformed: readonly { readonly file: string; readonly position: number; readonly reason: string }[]
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

export type UsageRun = { readonly code: number | null; readonly stderr: string; readonly report: Report }

/**
 * Runs `keytrail usage` in a folder and reads its report. With `--out`, because what a person is told of unread places then comes on
 * standard error too.
 */
export async function usage(folder: Folder, args: readonly string[], options: Partial<RunOptions> = {}): Promise<UsageRun> {
  const out = folder.beside('report.json')
  rmSync(out, { force: true })
  const words = ['usage', '--format', 'json', '--out', out, ...args]
  const isPlain = Object.keys(options).length === 0
  const run = isPlain ? keytrailHere(words, { cwd: folder.path }) : keytrail(words, { cwd: folder.path, ...options })
  const { code, stdout, stderr } = await run
  if (!existsSync(out)) throw new Error(`no report, exit code ${code}\n${stdout}\n${stderr}`)
  return { code, stderr, report: JSON.parse(readFileSync(out, 'utf8')) as Report }
}

/** Calls that succeeded, by the value of a member of the rows. */
export function succeededBy(rows: readonly Row[], member: string): Readonly<Record<string, number>> {
  return Object.fromEntries(rows.map((row) => [String(row[member]), row.succeeded]))
}

export function totals({ calls, unattributed }: Report): { readonly succeeded: number; readonly failed: number } {
  const rows = [...calls, ...unattributed]
  return {
    succeeded: rows.reduce((total, { succeeded }) => total + succeeded, 0),
    failed: rows.reduce((total, { failed }) => total + failed, 0),
  }
}

export const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/c0083aa4-172b-4057-adf6-de64be04111c'

export type RecordJson = Readonly<Record<string, unknown>>

/** A UUID of its own for every name. */
export function eventId(name: string): string {
  const digits = createHash('sha256').update(name).digest('hex')
  return digits.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** A record of a successful Decrypt, as CloudTrail writes it. The same name gives the same call. */
export function kmsRecord(name: string, members: RecordJson = {}): RecordJson {
  return {
    eventVersion: '1.11',
    userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/somebody', accountId: '111122223333' },
    eventTime: '2026-10-01T12:00:00Z',
    eventSource: 'kms.amazonaws.com',
    eventName: 'Decrypt',
    awsRegion: 'eu-central-1',
    requestParameters: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
    responseElements: null,
    eventID: eventId(name),
    resources: [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY_ARN }],
    eventType: 'AwsApiCall',
    recipientAccountId: '111122223333',
    eventCategory: 'Management',
    ...members,
  }
}

/** `count` records of calls by a caller of this name. */
export function recordsBy(caller: string, count: number): readonly RecordJson[] {
  return Array.from({ length: count }, (_, index) => kmsRecord(`${caller} ${index}`, { userIdentity: { type: 'IAMUser', arn: caller } }))
}

/** A call that failed and named this text in place of a key. */
export function failedCall(name: string, sent: string, members: RecordJson = {}): RecordJson {
  return kmsRecord(name, { resources: [], requestParameters: { keyId: sent }, errorCode: 'AccessDenied', ...members })
}

export function logFile(records: readonly unknown[]): string {
  return JSON.stringify({ Records: records })
}

/** One value a line; text stands as it is. */
export function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('')
}

export type Three = readonly [first: RecordJson, second: RecordJson, third: RecordJson]

/** A file that cannot be read in whole, how many records of it can, and what is said of the rest: pairs of position and reason. */
export type BadFile = {
  readonly content: (records: Three) => string | Uint8Array
  readonly kept: number
  readonly places: readonly (readonly [position: number, reason: RegExp])[]
}

type Told = {
  readonly code: number | null
  readonly stderr: string
  readonly malformed: readonly string[]
  readonly calls: Readonly<Record<string, number>>
  readonly duplicates: number
}

/**
 * Reads bad files one after the other, between two good ones. Gives what was told of them, and what is wanted: that each is reported,
 * place by place, and nothing else lost. A reason as wanted stands in place of the one it fits.
 */
export async function readBadFiles(
  files: Readonly<Record<string, BadFile>>,
  args: readonly string[] = [],
): Promise<{ readonly told: Told; readonly wanted: Told }> {
  using folder = temporaryFolder()
  const names = Object.keys(files).toSorted()
  for (const [name, { content }] of Object.entries(files)) {
    const [first = {}, second = {}, third = {}] = recordsBy(name, 3)
    folder.write(name, content([first, second, third]))
  }
  for (const name of ['+ before.json', '~ behind.json']) folder.write(name, logFile(recordsBy(name, 1)))
  const { code, stderr, report } = await usage(folder, ['.', '--by', 'caller', ...args])

  const places = names.flatMap((file) => files[file]?.places.map(([position, reason]) => ({ file, position, reason })) ?? [])
  const malformed = report.malformed.map(({ file, position, reason }) => {
    const fitting = places.find((place) => place.file === file && place.position === position && place.reason.test(reason))
    return `${file}, ${position}: ${fitting === undefined ? reason : String(fitting.reason)}`
  })
  const kept = names.map((name) => [name, files[name]?.kept ?? 0] as const).filter(([, count]) => count > 0)
  return {
    told: { code, stderr, malformed, calls: succeededBy(report.calls, 'caller'), duplicates: report.duplicates },
    wanted: {
      code: 3,
      stderr: unreadLines(report),
      malformed: places.map(({ file, position, reason }) => `${file}, ${position}: ${String(reason)}`),
      calls: { '+ before.json': 1, '~ behind.json': 1, ...Object.fromEntries(kept) },
      duplicates: 0,
    },
  }
}

/** What a person is told of the places that could not be read. */
export function unreadLines({ malformed }: Report): string {
  const lines = malformed.map(({ file, position, reason }) => {
    return `keytrail: could not read ${file}${position === 0 ? '' : `, record ${position}`}: ${reason}\n`
  })
  return lines.join('')
}
