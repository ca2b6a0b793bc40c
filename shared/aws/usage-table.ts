import { createHash } from 'node:crypto'
import { DAY_S, type EpochS, hourText, parseEventTime } from '../time.ts'
import { EVENT_AGE_S_MAX } from '../usage/usage-message.ts'
import type { MarkedHour, StoredRollUp, UsageStore } from '../usage/usage-store.ts'
import { parkMessage } from './parked-messages.ts'
import { bytesOf, type Item, numberAttribute, numberOf, type Table, textAttribute, textOf } from './table.ts'

/** A day longer than events are added to an hour: whatever is added meets all that was there. */
const SEGMENT_S = EVENT_AGE_S_MAX + DAY_S
const ROLL_UP_S = 400 * DAY_S
/** A roll-up in pieces is read again if it was replaced while it was read. */
const READINGS_MAX = 5
const MARK = 'mark'
const ROLLED_UP = 'rolled-up'
const HEAD = 'head'

/**
 * The table of usage. Partition and sort keys by kind of item:
 * `segment#<hour>` `<shard>#<id>` · `mark` `<hour>` · `rolled-up` `<hour>` · `roll-up#<hour>` `head` and `<version>#<part>` ·
 * `parked#<day>` `<message ID>`
 */
export function createUsageTable(table: Table): UsageStore {
  return {
    async putSegment({ hour, shard, id, count, bytes }) {
      await table.put({
        pk: textAttribute(segmentKey(hour)),
        sk: textAttribute(`${shard}#${id}`),
        bytes: { B: bytes },
        uses: numberAttribute(count),
        expiresAt: numberAttribute(hour + SEGMENT_S),
      })
    },
    async markHour({ hour, token }) {
      await table.put({
        pk: textAttribute(MARK),
        sk: textAttribute(hourText(hour)),
        token: textAttribute(token),
        expiresAt: numberAttribute(hour + SEGMENT_S),
      })
    },
    park: (message) => parkMessage(table, message),
    async *segments(hour, shard) {
      // Those of the shard or of parts of it, then those of shards that it is a part of.
      for await (const item of table.query(segmentKey(hour), shard)) yield bytesOf(item, 'bytes')
      for (let bits = 0; bits < shard.length; bits++) {
        for await (const item of table.query(segmentKey(hour), `${shard.slice(0, bits)}#`)) yield bytesOf(item, 'bytes')
      }
    },
    async markedHours(limit) {
      const marked: MarkedHour[] = []
      for await (const item of table.query(MARK)) {
        if (marked.length === limit) break
        marked.push({ hour: parseHour(textOf(item, 'sk')), token: textOf(item, 'token') })
      }
      return marked
    },
    async unmarkHour({ hour, token }) {
      await table.remove(MARK, hourText(hour), {
        // If a segment came meanwhile, the mark stays.
        ConditionExpression: 'attribute_not_exists(pk) OR #token = :token',
        ExpressionAttributeNames: { '#token': 'token' },
        ExpressionAttributeValues: { ':token': textAttribute(token) },
      })
    },
    async rollUp(hour) {
      for (let reading = 0; reading < READINGS_MAX; reading++) {
        const found = await readRollUp(table, hour)
        if (found !== 'replaced') return found
      }
      throw new Error(`table ${table.name}: the roll-up of ${hourText(hour)} lacks a part`)
    },
    async rolledUpHours(since, until) {
      const hours = new Set<EpochS>()
      for await (const item of table.last(ROLLED_UP, hourText(since))) {
        const hour = parseHour(textOf(item, 'sk'))
        if (hour < until) hours.add(hour)
      }
      return hours
    },
    putRollUp: (hour, rollUp) => putRollUp(table, hour, rollUp),
  }
}

async function readRollUp(table: Table, hour: EpochS): Promise<StoredRollUp | 'replaced' | null> {
  let head: Item | null = null
  const parts = new Map<string, Uint8Array>()
  for await (const item of table.query(rollUpKey(hour))) {
    if (textOf(item, 'sk') === HEAD) head = item
    else parts.set(textOf(item, 'sk'), bytesOf(item, 'bytes'))
  }
  if (head === null) return null
  const wanted = partNames(head).map((name) => parts.get(name))
  if (wanted.includes(undefined)) return 'replaced'
  return { segmentCount: numberOf(head, 'segmentCount'), parts: wanted.filter((part) => part !== undefined) }
}

/** The hour's entry; parts, under names of their own; then the head that names them. */
async function putRollUp(table: Table, hour: EpochS, { segmentCount, parts }: StoredRollUp): Promise<'written' | 'superseded'> {
  const pk = textAttribute(rollUpKey(hour))
  const expiresAt = numberAttribute(hour + ROLL_UP_S)
  // First: no roll-up stands that nobody looks for.
  await table.put({ pk: textAttribute(ROLLED_UP), sk: textAttribute(hourText(hour)), expiresAt })
  const head = {
    pk,
    sk: textAttribute(HEAD),
    version: textAttribute(versionOf(segmentCount, parts)),
    parts: numberAttribute(parts.length),
    segmentCount: numberAttribute(segmentCount),
    expiresAt,
  }
  const names = partNames(head)
  for (const [index, part] of parts.entries()) await table.put({ pk, sk: textAttribute(names[index] ?? ''), bytes: { B: part }, expiresAt })
  const replaced = await table.put(head, {
    ConditionExpression: 'attribute_not_exists(pk) OR segmentCount <= :segmentCount',
    ExpressionAttributeValues: { ':segmentCount': head.segmentCount },
  })
  const unneeded = replaced === 'refused' ? names : replaced === null ? [] : partNames(replaced).filter((name) => !names.includes(name))
  for (const name of unneeded) await table.remove(rollUpKey(hour), name)
  return replaced === 'refused' ? 'superseded' : 'written'
}

/** The number of segments is part of it: what is superseded shares no part with what superseded it. */
function versionOf(segmentCount: number, parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(`${segmentCount}`)
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 16)
}

function partNames(head: Item): readonly string[] {
  const version = textOf(head, 'version')
  return Array.from({ length: numberOf(head, 'parts') }, (_, index) => `${version}#${String(index).padStart(4, '0')}`)
}

function segmentKey(hour: EpochS): string {
  return `segment#${hourText(hour)}`
}

function rollUpKey(hour: EpochS): string {
  return `roll-up#${hourText(hour)}`
}

function parseHour(text: string): EpochS {
  const hour = parseEventTime(text.replace('Z', ':00Z'))
  if (hour === null) throw new Error('the table has an entry without an hour')
  return hour
}
