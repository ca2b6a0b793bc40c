/** The roll-up of an hour of a million calls. */
import { randomUUID } from 'node:crypto'
import { createClients } from '../local/clients.ts'
import { createTable } from '../shared/aws/table.ts'
import { createUsageTable } from '../shared/aws/usage-table.ts'
import { type EpochS, HOUR_S } from '../shared/time.ts'
import { countMessages } from '../shared/usage/count-messages.ts'
import { readUsage } from '../shared/usage/read-usage.ts'
import { environmentOf, REGION, startChild, TABLE } from './live-child.ts'
import { happenings } from './live-delivery.ts'
import { usageReader } from './live-events.ts'
import type { RollUpFigures } from './live-roll-up-child.ts'
import { say, type Verdict, within } from './live-say.ts'

const START = (Date.UTC(2026, 9, 1, 8) / 1000) as EpochS
const CALLS = 1_000_000
const LOAD = { title: 'an hour', keys: 1000, contextsPerKey: 50, sessionsPerRole: 20 }
const MS_MAX = 10_000
const RESIDENT_MB_MAX = 1000

export async function benchRollUp(): Promise<readonly Verdict[]> {
  say(`roll-up of an hour of ${CALLS} calls: ${LOAD.keys} keys, ${LOAD.keys * LOAD.contextsPerKey} encryption contexts; one core,`)
  say('dynalite in another process; writing the segments (minutes) is not measured …')
  const table = await startChild('live-table.ts', { core: 1 })
  try {
    const url = String(table.said)
    const env = environmentOf(url)
    const clients = createClients({ url, region: REGION })
    const store = createUsageTable(createTable(clients.dynamodb, TABLE))
    let segments = 0
    for (const happening of happenings({ load: LOAD, start: START, calls: CALLS, minutes: 60 })) {
      if (happening.kind === 'rollUp') continue
      const ports = { reader: usageReader(happening.now), store, remainingMs: () => 600_000, newToken: randomUUID }
      const result = await countMessages(happening.messages, ports)
      if (result.failed.length > 0) throw new Error('not all events were counted', { cause: result.storeFailures[0] })
      segments += result.segments
    }
    const read = (await startChild('live-roll-up-child.ts', { core: 0, args: ['read'], env })).said as RollUpFigures
    const rollUp = (await startChild('live-roll-up-child.ts', { core: 0, args: ['roll-up'], env })).said as RollUpFigures
    const hours = { since: (START - HOUR_S) as EpochS, until: (START + 2 * HOUR_S) as EpochS }
    const tallies = await readUsage(store, hours)
    const counted = tallies.reduce((total, { count }) => total + count, 0)
    clients.destroy()
    if (counted !== CALLS || rollUp.segmentBytes !== read.segmentBytes) throw new Error(`a count is wrong: ${counted} calls`)
    say()
    say(
      `${segments} segments of ${(read.segmentBytes / segments / 1000).toFixed(0)} KB, ${tallies.length} rows, ${rollUp.hours} hours (edges)`,
    )
    say(`roll-up                        ${inWords(rollUp)}`)
    say(`peer, reading the same items   ${inWords(read)}`)
    return [
      within('roll-up of a million calls, ms', rollUp.ms, { most: MS_MAX }),
      within('roll-up of a million calls, MB resident', rollUp.residentBytesMax / 1e6, { most: RESIDENT_MB_MAX }),
    ]
  } finally {
    table.process.kill()
  }
}

function inWords({ ms, idleMs, residentBytesMax }: RollUpFigures): string {
  const waiting = `${((100 * idleMs) / ms).toFixed(0)} % of it waiting for the table`
  return `${ms.toFixed(0).padStart(6)} ms, ${waiting}, ${(residentBytesMax / 1e6).toFixed(0)} MB resident`
}
