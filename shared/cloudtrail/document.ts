import { isJsonObject, type JsonObject, memberOf } from '../json.ts'
import { type Parsed, parsed, refused } from '../parsed.ts'
import { type CloudTrailRecord, parseRecord } from './record.ts'

/** The two members that hold many records: of a log file, and of what LookupEvents answers. */
export const RECORD_LISTS = ['Records', 'Events'] as const

/** One item of a list, or one line: an EventBridge event, an event of LookupEvents, or a record. */
export function recordOfItem(item: unknown): Parsed<CloudTrailRecord> {
  const unwrapped = unwrapItem(item)
  if (!unwrapped.ok) return unwrapped
  const record = parseRecord(unwrapped.value.record)
  return record.ok ? record : refused(`${unwrapped.value.place}${record.reason}`)
}

/** What stands where an item's record should stand, and how to call that place where it is none. */
export function unwrapItem(item: unknown): Parsed<{ readonly record: unknown; readonly place: string }> {
  if (isJsonObject(item)) {
    if (Object.hasOwn(item, 'detail-type')) return unwrapEnvelope(item)
    if (Object.hasOwn(item, 'CloudTrailEvent')) return unwrapLookup(item)
    if (Object.hasOwn(item, 'Records') && !Object.hasOwn(item, 'eventSource')) {
      return refused(Array.isArray(item['Records']) ? 'a log file within a list' : 'no CloudTrail log file: Records is no array')
    }
  }
  return parsed({ record: item, place: '' })
}

/**
 * `AWS API Call via CloudTrail`, `AWS Service Event via CloudTrail` and the like; `KMS CMK Rotation` and the like hold no record.
 * Anybody who may call PutEvents can write a detail-type and a detail, but no `source` that begins with `aws.`.
 */
function unwrapEnvelope(envelope: JsonObject): ReturnType<typeof unwrapItem> {
  const detailType = memberOf(envelope, 'detail-type')
  if (typeof detailType !== 'string' || !detailType.endsWith(' via CloudTrail'))
    return refused('an EventBridge event that came by no CloudTrail')
  const source = memberOf(envelope, 'source')
  if (typeof source !== 'string' || !source.startsWith('aws.')) return refused('an EventBridge event whose source is not AWS')
  return parsed({ record: memberOf(envelope, 'detail'), place: 'in the detail of an EventBridge event: ' })
}

/** LookupEvents gives the record as text. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html */
function unwrapLookup(event: JsonObject): ReturnType<typeof unwrapItem> {
  const text = memberOf(event, 'CloudTrailEvent')
  if (typeof text !== 'string') return refused('an event of LookupEvents: CloudTrailEvent is no text')
  try {
    return parsed({ record: JSON.parse(text) as unknown, place: 'in an event of LookupEvents: ' })
  } catch {
    return refused('an event of LookupEvents: CloudTrailEvent is not JSON')
  }
}
