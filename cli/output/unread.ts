import type { UsageReport } from '../../shared/usage/usage-report.ts'
import { shown } from './shown.ts'

const LISTED_MAX = 20

/** The places that could not be read, for a person: the first of them, and how many of `count` there are more. */
export function unreadText(malformed: UsageReport['malformed'], count: number): string {
  const lines = malformed.slice(0, LISTED_MAX).map(({ file, position, reason }) => {
    const place = position === 0 ? shown(file) : `${shown(file)}, record ${position}`
    return `keytrail: could not read ${place}: ${shown(reason)}\n`
  })
  const more = count - lines.length
  if (more > 0) lines.push(`keytrail: and ${more} more; --format json lists 1000 of each file.\n`)
  return lines.join('')
}
