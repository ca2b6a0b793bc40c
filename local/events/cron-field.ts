/** The numbers that a field of a cron expression admits, in ascending order. */
export type NumberSet = ReadonlySet<number>
export type Range = { readonly from: number; readonly to: number; readonly names?: readonly string[] }

export const MONTHS: readonly string[] = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
/** Sunday is 1. */
export const WEEKDAYS: readonly string[] = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

const PART = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,4}))?$/

/** Reads `*`, `5`, `1-5`, `MON-FRI`, `0/15`, `1-30/10` and lists of these; null if it is none of them or leaves the range. */
export function parseNumbers(text: string, range: Range): NumberSet | null {
  const numbers = text.split(',').map((part) => numbersOfPart(part, range))
  if (numbers.includes(null)) return null
  return new Set(numbers.flatMap((part) => part ?? []).toSorted((a, b) => a - b))
}

function numbersOfPart(part: string, range: Range): readonly number[] | null {
  const match = PART.exec(part)
  if (match === null) return null
  const [, star, fromText, toText, stepText] = match
  const from = star === undefined ? numberOf(fromText ?? '', range) : range.from
  const step = Number(stepText ?? 1)
  if (from === null || step < 1) return null
  const to = toText === undefined ? openEnd(from, range, star !== undefined || stepText !== undefined) : numberOf(toText, range)
  if (to === null || to < from) return null
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
}

/** `5` is one number, `5/10` goes on to the end of the range. */
function openEnd(from: number, range: Range, isOpen: boolean): number {
  return isOpen ? range.to : from
}

export function numberOf(text: string, range: Range): number | null {
  const named = range.names?.indexOf(text.toUpperCase()) ?? -1
  const number = named >= 0 ? range.from + named : Number(/^\d{1,4}$/.test(text) ? text : Number.NaN)
  return number >= range.from && number <= range.to ? number : null
}
