/** `npm run bench`: how fast and in how much memory calls are counted, beside the limit and the peer of the same run. */
import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { pinnedTrail, type Trail } from './trail.ts'
import { duckdbQuery, type Measurement } from './usage-child.ts'
import { useBytes } from './use-bytes.ts'

const FOLDER = path.resolve(import.meta.dirname, '../.bench')
const ROUNDS = 6
const MEMORY_RECORDS = 3_000_000

function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Runs a measurement on the given cores. The first round warms up and is not counted. */
function measure(what: string, files: readonly string[], options: { readonly cores: string; readonly rounds: number }): Measurement {
  const child = path.join(import.meta.dirname, 'usage-child.ts')
  const args = ['-c', options.cores, process.execPath, child, what, String(options.rounds), ...files]
  const { status, stdout, stderr } = spawnSync('taskset', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${what} on cores ${options.cores} failed (taskset is needed: Linux)\n${stderr}`)
  return JSON.parse(stdout) as Measurement
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function warmMs(measurement: Measurement): number {
  return median(measurement.roundsMs.slice(1))
}

function rate(trail: Trail, ms: number): string {
  return `${(trail.rawBytes / 1000 / ms).toFixed(0)} MB/s, ${(trail.records / ms).toFixed(0)} thousand records/s`
}

function reportSpeed(): void {
  const trail = pinnedTrail(path.join(FOLDER, 'speed'))
  say(`trail: ${trail.records} records in ${trail.files.length} files, ${(trail.rawBytes / trail.records).toFixed(0)} bytes a record,`)
  say(
    `       ${((100 * trail.kms) / trail.records).toFixed(1)} % KMS, gzip ratio ${(trail.rawBytes / trail.gzipBytes).toFixed(1)}; median of ${ROUNDS - 1} warm rounds`,
  )
  const one = { cores: '0', rounds: ROUNDS }
  const two = { cores: '0,1', rounds: ROUNDS }
  const limitMs = warmMs(measure('gunzip', trail.files, one))
  const counted = measure('count', trail.files, one)
  const oneMs = warmMs(counted)
  const twoMs = warmMs(measure('count', trail.files, two))
  const peer = measure('duckdb', trail.files, { ...two, rounds: 3 })
  const peerMs = warmMs(peer)
  if (counted.counted !== trail.kms || peer.counted !== trail.kms) throw new Error('a count is wrong')
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
  const { residentBytesMax, counted } = measure('count', trail.files, { cores: '0,1', rounds: 1 })
  if (counted !== trail.kms) throw new Error('a count is wrong')
  say(`largest resident memory over ${trail.records} records, two threads: ${(residentBytesMax / 1e6).toFixed(0)} MB   (at most 400 MB)`)
  say(`bytes of a distinct identity in the ledger: ${useBytes(4_000_000).toFixed(1)}   (at most 48)`)
}

say(
  `machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node.js ${process.versions.node}`,
)
if (!process.argv.includes('--memory')) reportSpeed()
if (!process.argv.includes('--speed')) reportMemory()
