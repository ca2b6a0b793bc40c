/** `live-roll-up-child.ts roll-up|read`: rolls up what is marked in the table, or reads the same items; says what it took. */
import { createDynamoDBClient, createTable } from '../shared/aws/table.ts'
import { createUsageTable } from '../shared/aws/usage-table.ts'
import type { EpochS } from '../shared/time.ts'
import { rollUpHours } from '../shared/usage/roll-up-hours.ts'
import { TABLE } from './live-child.ts'

export type RollUpFigures = {
  readonly ms: number
  /** Of them, spent waiting for the store. */
  readonly idleMs: number
  readonly residentBytesMax: number
  readonly hours: number
  readonly segmentBytes: number
}

/** When every hour of the bench is over. */
const AFTERWARDS = (Date.UTC(2026, 9, 2) / 1000) as EpochS

async function measure(what: string): Promise<RollUpFigures> {
  const store = createUsageTable(createTable(createDynamoDBClient(), TABLE))
  let segmentBytes = 0
  const segments = async function* (hour: EpochS, shard: string): AsyncGenerator<Uint8Array> {
    for await (const bytes of store.segments(hour, shard)) {
      segmentBytes += bytes.length
      yield bytes
    }
  }
  const begun = performance.now()
  const loop = performance.eventLoopUtilization()
  let hours = 0
  if (what === 'roll-up') {
    const { rolledUp, failed } = await rollUpHours({ ...store, segments }, { now: AFTERWARDS, remainingMs: () => 600_000 })
    if (failed.length > 0) throw new Error('a roll-up failed', { cause: failed[0]?.error })
    hours = rolledUp.length
  } else {
    for (const { hour } of await store.markedHours(1000)) {
      hours++
      for (const items = segments(hour, ''); ;) if ((await items.next()).done === true) break
    }
  }
  const ms = performance.now() - begun
  const { idle } = performance.eventLoopUtilization(loop)
  return { ms, idleMs: idle, residentBytesMax: process.resourceUsage().maxRSS * 1024, hours, segmentBytes }
}

process.send?.(await measure(process.argv[2] ?? ''))
process.disconnect()
