import type { UsageReport } from '../../shared/usage/usage-report.ts'
import { shown } from './shown.ts'

const LISTED_MAX = 20

/** The places that could not be read, for a person: the first of them, and how many more there are. */
export function unreadText(malformed: UsageReport['malformed']): string {
  if (malformed.length === 0) return ''
  const lines = malformed.slice(0, LISTED_MAX).map(({ file, position, reason }) => {
    const place = position === 0 ? shown(file) : `${shown(file)}, record ${position}`
    return `keytrail: could not read ${place}: ${shown(reason)}\n`
  })
  const more = malformed.length - lines.length
  if (more > 0) lines.push(`keytrail: and ${more} more; --format json lists all.\n`)
  return lines.join('')
}
