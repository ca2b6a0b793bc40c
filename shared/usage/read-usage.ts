import { type EpochS, HOUR_S } from '../time.ts'
import type { KeyUse } from './key-use.ts'
import { type HourUsage, readHour, unpackRollUp } from './roll-up.ts'
import type { StoredUsage } from './usage-store.ts'
import type { UseTally } from './use-ledger.ts'

/** Which usage to read: hours from `since` (inclusive) until `until` (exclusive), and what its uses must be; left out: anything. */
export type UsageQuery = {
  readonly since: EpochS
  readonly until: EpochS
  readonly where?: { readonly [Name in 'keyArn' | 'operation' | 'caller' | 'service']?: KeyUse[Name] }
}

/** Ten years, one read an hour. */
const HOURS_MAX = 10 * 366 * 24
const HOURS_AT_A_TIME = 16
const MARKED_HOURS_MAX = 1000

/**
 * Usage as far as it was counted by now, by hour, each use once. Hours that have segments which their roll-up lacks are read from their
 * segments. Both ends are whole hours: a roll-up knows nothing finer.
 */
export async function readUsage(reader: StoredUsage, { since, until, where = {} }: UsageQuery): Promise<readonly UseTally[]> {
  if (since % HOUR_S !== 0 || until % HOUR_S !== 0) throw new RangeError('usage is read by whole hours')
  const count = (until - since) / HOUR_S
  if (count < 0 || count > HOURS_MAX) throw new RangeError(`usage is read for 0 to ${HOURS_MAX} hours at a time`)
  // First: an hour that is marked later has its segments, or its new roll-up, when it is read.
  const marked = new Set((await reader.markedHours(MARKED_HOURS_MAX)).map(({ hour }) => hour))
  const rolledUp = await reader.rolledUpHours(since, until)
  const tallies: (readonly UseTally[])[] = Array.from({ length: count }, () => [])
  const wanted = [...tallies.keys()].filter((index) => {
    const hour = (since + index * HOUR_S) as EpochS
    return marked.has(hour) || rolledUp.has(hour)
  })
  const hours = wanted.values()
  await Promise.all(
    Array.from({ length: HOURS_AT_A_TIME }, async () => {
      for (const index of hours) {
        const hour = (since + index * HOUR_S) as EpochS
        tallies[index] = (await readOneHour(reader, hour, marked.has(hour))).tallies.filter(({ use }) => isWanted(use, where))
      }
    }),
  )
  return tallies.flat()
}

async function readOneHour(reader: StoredUsage, hour: EpochS, isMarked: boolean): Promise<HourUsage> {
  if (isMarked) return readHour(reader, hour)
  const rollUp = await reader.rollUp(hour)
  return rollUp === null ? { tallies: [], segmentCount: 0 } : unpackRollUp(hour, rollUp)
}

function isWanted(use: KeyUse, where: NonNullable<UsageQuery['where']>): boolean {
  return (
    (where.keyArn === undefined || use.keyArn === where.keyArn) &&
    (where.operation === undefined || use.operation === where.operation) &&
    (where.caller === undefined || use.caller === where.caller) &&
    (where.service === undefined || use.service === where.service)
  )
}
