/** What counting costs: write units of DynamoDB per million events, as the table itself tells them. */
import { randomUUID } from 'node:crypto'
import { createClients } from '../local/clients.ts'
import { createTable } from '../shared/aws/table.ts'
import { createUsageTable } from '../shared/aws/usage-table.ts'
import { type EpochS, HOUR_S } from '../shared/time.ts'
import { countMessages } from '../shared/usage/count-messages.ts'
import { readUsage } from '../shared/usage/read-usage.ts'
import { rollUpHours } from '../shared/usage/roll-up-hours.ts'
import { REGION, TABLE } from './live-child.ts'
import { happenings } from './live-delivery.ts'
import { type Load, usageReader } from './live-events.ts'
import { say, type Verdict, within } from './live-say.ts'
import { meterOf, openTable } from './live-table.ts'

const START = (Date.UTC(2026, 9, 1, 8) / 1000) as EpochS
const MINUTES = 180
const CALLS = 1000 * MINUTES

const LOADS: readonly (Load & { readonly unitsMax: number | null })[] = [
  { title: 'one key at 1,000 calls a minute', keys: 1, contextsPerKey: 1, sessionsPerRole: 20, unitsMax: 40_000 },
  { title: '1,000 keys at one call a minute each', keys: 1000, contextsPerKey: 1, sessionsPerRole: 20, unitsMax: 100_000 },
  { title: 'the same, every call its own encryption context', keys: 1000, contextsPerKey: null, sessionsPerRole: 20, unitsMax: null },
]

type Cost = { readonly units: ReadonlyMap<string, number>; readonly batches: number; readonly rollUps: number; readonly events: number }

export async function benchUnits(): Promise<readonly Verdict[]> {
  say(`write units per million calls, measured over ${CALLS}: lag 2 min (p50) to 10 min (p99), 5 % repeats,`)
  say('5 pollers with windows of 60 s, roll-ups every 15 min; dynalite tells the units')
  const verdicts: Verdict[] = []
  for (const load of LOADS) {
    const { units, batches, rollUps, events } = await costOf(load)
    const perMillion = (from: ReadonlyMap<string, number>): number => (sum([...from.values()]) * 1e6) / CALLS
    const counting = new Map([...units].filter(([kind]) => COUNTING.includes(kind)))
    const total = perMillion(units)
    say()
    say(`${load.title}: ${thousands(total)} units   (${events} events in ${batches} batches, ${rollUps} roll-ups of an hour)`)
    say(`  counting ${thousands(perMillion(counting))}, roll-ups ${thousands(total - perMillion(counting))}: ${inDetail(units)}`)
    // The plain way: one item a call, which an event that comes again meets.
    say(
      `  peer, one conditional write an event: ${thousands((events * 1e6) / CALLS)} units; ${((events * 1e6) / CALLS / total).toFixed(1)} × as much`,
    )
    if (load.unitsMax !== null) verdicts.push(within(`write units, ${load.title}`, total, { most: load.unitsMax }))
  }
  return verdicts
}

const COUNTING = ['segment', 'mark', 'parked']

async function costOf(load: Load): Promise<Cost> {
  await using stack = new AsyncDisposableStack()
  const table = await openTable()
  stack.defer(() => table.close())
  const clients = createClients({ url: table.url, region: REGION })
  stack.defer(() => clients.destroy())
  const meter = meterOf(clients.dynamodb)
  const store = createUsageTable(createTable(clients.dynamodb, TABLE))
  const done = { batches: 0, rollUps: 0, events: 0 }
  for (const happening of happenings({ load, start: START, calls: CALLS, minutes: MINUTES })) {
    if (happening.kind === 'rollUp') {
      const { rolledUp, failed } = await rollUpHours(store, { now: happening.now, remainingMs: () => 600_000 })
      if (failed.length > 0) throw new Error('a roll-up failed', { cause: failed[0]?.error })
      done.rollUps += rolledUp.length
      continue
    }
    const ports = { reader: usageReader(happening.now), store, remainingMs: () => 600_000, newToken: randomUUID }
    const { counts, failed } = await countMessages(happening.messages, ports)
    if (failed.length > 0 || counts.uses !== happening.messages.length) throw new Error('not all events were counted')
    done.batches++
    done.events += counts.uses
  }
  if ((await store.markedHours(1)).length > 0) throw new Error('an hour was left without its roll-up')
  const hours = { since: (START - HOUR_S) as EpochS, until: (START + MINUTES * 60 + HOUR_S) as EpochS }
  const counted = sum((await readUsage(store, hours)).map(({ count }) => count))
  if (counted !== CALLS) throw new Error(`a count is wrong: ${counted} calls instead of ${CALLS}`)
  return { ...done, units: new Map([...meter.writes].map(([kind, { units }]) => [kind, units])) }
}

function inDetail(units: ReadonlyMap<string, number>): string {
  return [...units].map(([kind, count]) => `${kind} ${thousands((count * 1e6) / CALLS)}`).join(', ')
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
