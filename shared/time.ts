import type { Brand } from './brand.ts'

/** Whole seconds since 1970 (UTC): `eventTime` tells no finer time. */
export type EpochS = Brand<number, 'EpochS'>

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
export const HOUR_S = 3600
export const DAY_S = 24 * HOUR_S
const ZERO = 0x30
const COLON = 0x3a
const ZULU = 0x5a
/** Seconds are stored in 32 bits; the largest value stands for an unread time. */
const EPOCH_S_MAX = 0xffff_fffe

/** ISO 8601 with a zone, as CloudTrail writes it (`2026-10-01T12:00:00Z`); null for anything else and before 1970. */
export function parseEventTime(value: unknown): EpochS | null {
  if (typeof value !== 'string') return null
  return secondOfKnownHour(value) ?? parseInstant(value)
}

/** The hour of the last time parsed as CloudTrail writes it: records of one hour stand together, and parsing a date is dear. */
let knownHour = { text: '', epochS: 0 }

function secondOfKnownHour(text: string): EpochS | null {
  if (text.length !== 20 || text.charCodeAt(16) !== COLON || text.charCodeAt(19) !== ZULU || !text.startsWith(knownHour.text)) return null
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (knownHour.text === '' || minute > 59 || second > 59) return null
  return (knownHour.epochS + 60 * minute + second) as EpochS
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO
  const ones = text.charCodeAt(at + 1) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.POSITIVE_INFINITY
}

function parseInstant(text: string): EpochS | null {
  if (!INSTANT.test(text)) return null
  const epochMs = Date.parse(text)
  if (Number.isNaN(epochMs)) return null
  const instant = epochS(epochMs)
  if (!text.endsWith('Z')) return instant
  // Date.parse turns 30 February into 2 March; CloudTrail never wrote such a day.
  if (new Date(epochMs).toISOString().slice(0, 19) !== text.slice(0, 19)) return null
  if (instant !== null) knownHour = { text: text.slice(0, 14), epochS: instant - (instant % HOUR_S) }
  return instant
}

export function epochS(epochMs: number): EpochS | null {
  const seconds = Math.floor(epochMs / 1000)
  return seconds >= 0 && seconds <= EPOCH_S_MAX ? (seconds as EpochS) : null
}

/** The hour of an instant as `2026-10-01T12:00Z`. */
export function hourText(instant: EpochS): string {
  return `${new Date(instant * 1000).toISOString().slice(0, 13)}:00Z`
}
