import { InvalidArgumentError } from 'commander'
import { type EpochS, epochS } from '../../shared/time.ts'

const AGO = /^(\d{1,6})\s*(m|h|d|w)$/
const DAY = /^\d{4}-\d\d-\d\d$/
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/
const UNIT_S = { m: 60, h: 3600, d: 86_400, w: 604_800 } as const

/**
 * `24h` ago (m, h, d, w), a day (`2026-10-01`, from midnight), or an instant in ISO 8601; without a zone it is UTC. Events have whole
 * seconds: a fraction is rounded up, so that no event before it counts as after it.
 */
export function parseTimeOption(text: string, now: EpochS): EpochS {
  const ago = AGO.exec(text)
  const instant =
    ago === null
      ? epochS(Math.ceil(instantMs(text) / 1000) * 1000)
      : epochS((now - Number(ago[1]) * UNIT_S[ago[2] as keyof typeof UNIT_S]) * 1000)
  if (instant === null)
    throw new InvalidArgumentError('Write an age (90m, 24h, 7d, 2w) or a time in ISO 8601 (2026-10-01, 2026-10-01T12:00:00Z).')
  return instant
}

function instantMs(text: string): number {
  const day = text.slice(0, 10)
  // Date.parse takes 30 February for 2 March.
  const midnightMs = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnightMs) || !new Date(midnightMs).toISOString().startsWith(day)) return Number.NaN
  if (DAY.test(text)) return midnightMs
  const match = INSTANT.exec(text)
  return match === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}${match[3] === undefined ? 'Z' : ''}`)
}
