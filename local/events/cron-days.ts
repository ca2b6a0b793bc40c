import { type Parsed, parsed, refused } from '../../shared/parsed.ts'
import { numberOf, parseNumbers, type Range, WEEKDAYS } from './cron-field.ts'

/** Whether a day (its midnight, UTC) is one of those that the two day fields of a cron expression mean. */
export type CronDays = (day: Date) => boolean

const DAY_OF_MONTH: Range = { from: 1, to: 31 }
const DAY_OF_WEEK: Range = { from: 1, to: 7, names: WEEKDAYS }
const LAST_WEEKDAY = /^(\w+)L$/i
const NTH_WEEKDAY = /^(\w+)#([1-5])$/
const NEAREST_WEEKDAY = /^(\d{1,2})W$/i

/** One of the two fields says which days, the other is `?`. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html */
export function parseCronDays(dayOfMonth: string, dayOfWeek: string): Parsed<CronDays> {
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) return refused('one of day-of-month and day-of-week must be ?, the other not')
  const days = dayOfMonth === '?' ? weekdays(dayOfWeek) : daysOfMonth(dayOfMonth)
  return days === null ? refused('a day field of cron() is out of its range') : parsed(days)
}

function daysOfMonth(text: string): CronDays | null {
  if (text.toUpperCase() === 'L') return (day) => day.getUTCDate() === lastDate(day)
  if (text.toUpperCase() === 'LW') return (day) => day.getUTCDate() === nearestWeekday(day, lastDate(day))
  const nearest = NEAREST_WEEKDAY.exec(text)
  if (nearest !== null) {
    const date = numberOf(nearest[1] ?? '', DAY_OF_MONTH)
    return date === null ? null : (day) => date <= lastDate(day) && day.getUTCDate() === nearestWeekday(day, date)
  }
  const dates = parseNumbers(text, DAY_OF_MONTH)
  return dates === null ? null : (day) => dates.has(day.getUTCDate())
}

function weekdays(text: string): CronDays | null {
  if (text.toUpperCase() === 'L') return (day) => day.getUTCDay() === 6
  const nth = NTH_WEEKDAY.exec(text)
  const last = nth === null ? LAST_WEEKDAY.exec(text) : null
  const named = nth ?? last
  if (named !== null) {
    const weekday = numberOf(named[1] ?? '', DAY_OF_WEEK)
    if (weekday === null) return null
    if (nth === null) return (day) => isWeekday(day, weekday) && day.getUTCDate() > lastDate(day) - 7
    const instance = Number(nth[2])
    return (day) => isWeekday(day, weekday) && Math.ceil(day.getUTCDate() / 7) === instance
  }
  const numbers = parseNumbers(text, DAY_OF_WEEK)
  return numbers === null ? null : (day) => numbers.has(day.getUTCDay() + 1)
}

function isWeekday(day: Date, weekday: number): boolean {
  return day.getUTCDay() + 1 === weekday
}

function lastDate(day: Date): number {
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate()
}

/** The date of the weekday closest to a date, within its month. */
function nearestWeekday(month: Date, date: number): number {
  const weekday = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth(), date)).getUTCDay()
  if (weekday === 6) return date > 1 ? date - 1 : date + 2
  if (weekday === 0) return date < lastDate(month) ? date + 1 : date - 2
  return date
}
