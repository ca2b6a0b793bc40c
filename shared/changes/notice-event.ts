import { eventResources, type FindingEvent, iso } from '../findings/finding-event.ts'
import { plainJson, plainText } from '../findings/plain-text.ts'
import { isJsonObject, type JsonObject, memberOf } from '../json.ts'
import type { EpochS } from '../time.ts'
import type { Notice } from './notice.ts'

const TEXT_BYTES_MAX = 8192
/** An event has 256 KB at most; ten of these make a call of 256,000 bytes or two. */
const DETAIL_BYTES_MAX = 65_536

/** A notice for the default bus. Whoever hears it twice knows it by `id`. */
export function noticeEvent({ id, at, title, resourceArn, accountId, region, detail }: Notice, now: EpochS): FindingEvent {
  const described = {
    id: shown(id),
    at: iso(at),
    title: shown(title),
    resource: { arn: shown(resourceArn), accountId: shown(accountId), region: shown(region) },
  }
  const whole = plainJson({ ...plainMembers(detail), ...described })
  const isLong = Buffer.byteLength(whole) > DETAIL_BYTES_MAX
  return {
    source: 'keytrail',
    detailType: 'Keytrail Change',
    time: now,
    resources: eventResources(resourceArn),
    detail: isLong ? plainJson({ format: memberOf(detail, 'format'), ...described, cut: true }) : whole,
  }
}

/** The same with every text in it as one that does nothing. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return shown(value)
  if (Array.isArray(value)) return value.map(plain)
  return isJsonObject(value) ? plainMembers(value) : value
}

function plainMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, inner]) => [shown(name), plain(inner)]))
}

function shown(text: string): string {
  return plainText(text, TEXT_BYTES_MAX)
}
