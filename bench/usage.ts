/** `npm run bench`: how fast and in how much memory calls are counted, beside the limit and the peer of the same run. */
import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { pinnedTrail, type Trail } from './trail.ts'
import { duckdbQuery, type Measurement } from './usage-child.ts'
import { useBytes } from './use-bytes.ts'
import type { UsageReport } from '../shared/usage/usage-report.ts'

const FOLDER = path.resolve(import.meta.dirname, '../.bench')
const TURNS = 3
const MEMORY_RECORDS = 3_000_000

function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Runs a measurement in a process of its own on the given cores. */
function measure(what: string, files: readonly string[], options: { readonly cores: string; readonly rounds: number }): Measurement {
  const child = path.join(import.meta.dirname, 'usage-child.ts')
  return JSON.parse(run(options.cores, [child, what, String(options.rounds), ...files]).stdout) as Measurement
}

const TELL_MEMORY = 'data:text/javascript,process.on("exit",()=>process.stderr.write("\\nresident "+process.resourceUsage().maxRSS+"\\n"))'

/** Runs `keytrail usage` as a user does, from start to end, on the given cores; checks what it counted. */
function measureUsage(trail: Trail, cores: string): { readonly ms: number; readonly residentBytesMax: number } {
  const keytrail = path.resolve(import.meta.dirname, '../cli/keytrail.mjs')
  const begun = performance.now()
  const { stdout, stderr } = run(cores, [
    '--import',
    TELL_MEMORY,
    keytrail,
    'usage',
    path.dirname(trail.files[0] ?? ''),
    '--quiet',
    '--format',
    'json',
  ])
  const ms = performance.now() - begun
  const report = JSON.parse(stdout) as UsageReport
  const counted = report.calls.reduce((total, { succeeded, failed }) => total + succeeded + failed, 0)
  if (counted !== trail.kms || report.records !== trail.records) throw new Error('a count is wrong')
  const resident = [...stderr.matchAll(/resident (\d+)/g)].map((match) => Number(match[1]) * 1024)
  return { ms, residentBytesMax: Math.max(...resident) }
}

function run(cores: string, args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync('taskset', ['-c', cores, process.execPath, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`failed on cores ${cores} (taskset is needed: Linux)\n${stderr}`)
  return { stdout, stderr }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The last round: those before it warm up. */
function warmMs(measurement: Measurement): number {
  return measurement.roundsMs.at(-1) ?? Number.NaN
}

function rate(trail: Trail, ms: number): string {
  return `${(trail.rawBytes / 1000 / ms).toFixed(0)} MB/s, ${(trail.records / ms).toFixed(0)} thousand records/s`
}

function reportSpeed(): void {
  const trail = pinnedTrail(path.join(FOLDER, 'speed'))
  say(`trail: ${trail.records} records in ${trail.files.length} files, ${(trail.rawBytes / trail.records).toFixed(0)} bytes a record,`)
  say(
    `       ${((100 * trail.kms) / trail.records).toFixed(1)} % KMS, gzip ratio ${(trail.rawBytes / trail.gzipBytes).toFixed(1)}; median of ${TURNS} warm rounds, in turns`,
  )
  // In turns: what else the machine does meets all of them alike. Keytrail with its start-up, the others without.
  measureUsage(trail, '0,1')
  const measured = { limit: [] as number[], one: [] as number[], two: [] as number[], peer: [] as number[] }
  for (let turn = 0; turn < TURNS; turn++) {
    measured.limit.push(warmMs(measure('gunzip', trail.files, { cores: '0', rounds: 2 })))
    measured.one.push(measureUsage(trail, '0').ms)
    measured.two.push(measureUsage(trail, '0,1').ms)
    const peer = measure('duckdb', trail.files, { cores: '0,1', rounds: 2 })
    if (peer.counted !== trail.kms) throw new Error('a count is wrong')
    measured.peer.push(warmMs(peer))
  }
  const limitMs = median(measured.limit)
  const oneMs = median(measured.one)
  const twoMs = median(measured.two)
  const peerMs = median(measured.peer)
  say()
  say(`limit, zlib gunzip alone (chunk 1 MiB), one core   ${limitMs.toFixed(0).padStart(6)} ms   ${rate(trail, limitMs)}`)
  say(`keytrail usage, one core                           ${oneMs.toFixed(0).padStart(6)} ms   ${rate(trail, oneMs)}`)
  say(`keytrail usage, two cores                          ${twoMs.toFixed(0).padStart(6)} ms   ${rate(trail, twoMs)}`)
  say(`DuckDB read_json, two threads                      ${peerMs.toFixed(0).padStart(6)} ms   ${rate(trail, peerMs)}`)
  say()
  say(`one core against the limit   ${((100 * limitMs) / oneMs).toFixed(0)} %   (at least 30 %, aim 50 %)`)
  say(`two cores against one        ${(oneMs / twoMs).toFixed(2)} ×  (at least 1.5 ×)`)
  say(`two cores against DuckDB     ${(peerMs / twoMs).toFixed(2)} ×  (at least 1 ×, aim 4 ×)`)
  say()
  say(`DuckDB is asked: ${duckdbQuery(['…'], 2).join('; ')}`)
}

function reportMemory(): void {
  say(`writing ${MEMORY_RECORDS} records (minutes, the first time) …`)
  const trail = pinnedTrail(path.join(FOLDER, 'memory'), MEMORY_RECORDS)
  const { residentBytesMax } = measureUsage(trail, '0,1')
  say(`largest resident memory over ${trail.records} records, two threads: ${(residentBytesMax / 1e6).toFixed(0)} MB   (at most 400 MB)`)
  say(`bytes of a distinct identity in the ledger: ${useBytes(4_000_000).toFixed(1)}   (at most 48)`)
}

say(
  `machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node.js ${process.versions.node}`,
)
if (!process.argv.includes('--memory')) reportSpeed()
if (!process.argv.includes('--speed')) reportMemory()
