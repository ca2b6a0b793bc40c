/** 1 GiB through streams, each in a process of its own, beside a raw stream of node:crypto. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { StreamResult } from './envelope-stream-child.ts'
import { median, say, type Verdict, within } from './live-say.ts'

const FOLDER = path.resolve(import.meta.dirname, '../.bench')
const ROUNDS = 7
const MIB = 2 ** 20
const GIB = 1024 * MIB

const DIRECTIONS = [
  { what: 'encrypt', peer: 'rawEncrypt', title: 'createCipheriv as a stream  ' },
  { what: 'decrypt', peer: 'rawDecrypt', title: 'createDecipheriv as a stream' },
] as const

export function benchStreams(): readonly Verdict[] {
  mkdirSync(FOLDER, { recursive: true })
  const file = path.join(FOLDER, `envelope-${process.pid}.message`)
  try {
    const tag = run('write', file) as string
    return DIRECTIONS.flatMap((direction) => benchDirection(direction, file, tag))
  } finally {
    rmSync(file, { force: true })
  }
}

function benchDirection({ what, peer, title }: (typeof DIRECTIONS)[number], file: string, tag: string): readonly Verdict[] {
  const results = { own: [] as StreamResult[], raw: [] as StreamResult[] }
  for (let round = 0; round < ROUNDS; round++) {
    results.own.push(run(what, file, tag) as StreamResult)
    results.raw.push(run(peer, file, tag) as StreamResult)
  }
  const [own, raw] = [figuresOf(results.own), figuresOf(results.raw)]
  if (own.bytes < GIB || raw.bytes < GIB) throw new Error('a stream lost bytes')
  say(`1 GiB ${what}ed as a stream, suite 0478, frames of 256 KiB, chunks of 64 KiB; ${ROUNDS} processes each: best (median)`)
  say(`  Keytrail                        ${rate(own)}`)
  say(`  ${title}    ${rate(raw)}`)
  return [
    within(`1 GiB ${what} stream, % of a raw one`, (100 * raw.bestMs) / own.bestMs, { least: 75 }),
    within(`1 GiB ${what} stream, peak memory over the raw one's, MiB`, (own.residentMaxBytes - raw.residentMaxBytes) / MIB, { most: 32 }),
  ]
}

type Figures = {
  readonly bestMs: number
  readonly medianMs: number
  readonly bytes: number
  readonly residentBeforeBytes: number
  readonly residentMaxBytes: number
  readonly residentRange: string
}

function figuresOf(results: readonly StreamResult[]): Figures {
  const ms = results.map((result) => result.ms)
  const resident = results.map((result) => result.residentMaxBytes)
  return {
    bestMs: Math.min(...ms),
    medianMs: median(ms),
    bytes: Math.min(...results.map((result) => result.bytes)),
    residentBeforeBytes: median(results.map((result) => result.residentBeforeBytes)),
    residentMaxBytes: median(resident),
    residentRange: `${mib(Math.min(...resident))} to ${mib(Math.max(...resident))}`,
  }
}

function rate({ bestMs, medianMs, residentBeforeBytes, residentMaxBytes, residentRange }: Figures): string {
  const speed = `${perSecond(bestMs)} (${perSecond(medianMs)}) MiB/s`.padEnd(22)
  return `${speed}  peak memory ${mib(residentMaxBytes)} MiB, median of ${residentRange}; ${mib(residentBeforeBytes)} before, with what is fed`
}

function perSecond(ms: number): string {
  return ((1000 * GIB) / MIB / ms).toFixed(0)
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}

function run(...args: readonly string[]): StreamResult | string {
  const child = path.join(import.meta.dirname, 'envelope-stream-child.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', child, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args[0] ?? ''} failed (Linux is needed)\n${stderr}`)
  return JSON.parse(stdout) as StreamResult | string
}
