import { isJsonObject, type JsonObject, memberOf } from '../json.ts'
import { type Parsed, refused } from '../parsed.ts'
import { type CloudTrailRecord, parseRecord } from './record.ts'

/** The two members that hold many records: of a log file, and of what LookupEvents answers. */
export const RECORD_LISTS = ['Records', 'Events'] as const

/** One item of a list, or one line: an EventBridge event, an event of LookupEvents, or a record. */
export function recordOfItem(item: unknown): Parsed<CloudTrailRecord> {
  if (isJsonObject(item)) {
    if (Object.hasOwn(item, 'detail-type')) return recordOfEnvelope(item)
    if (Object.hasOwn(item, 'CloudTrailEvent')) return recordOfLookup(item)
    if (Object.hasOwn(item, 'Records') && !Object.hasOwn(item, 'eventSource')) {
      return refused(Array.isArray(item['Records']) ? 'a log file within a list' : 'no CloudTrail log file: Records is no array')
    }
  }
  return parseRecord(item)
}

/**
 * `AWS API Call via CloudTrail`, `AWS Service Event via CloudTrail` and the like; `KMS CMK Rotation` and the like hold no record.
 * Anybody who may call PutEvents can write a detail-type and a detail, but no `source` that begins with `aws.`.
 */
function recordOfEnvelope(envelope: JsonObject): Parsed<CloudTrailRecord> {
  const detailType = memberOf(envelope, 'detail-type')
  if (typeof detailType !== 'string' || !detailType.endsWith(' via CloudTrail'))
    return refused('an EventBridge event that came by no CloudTrail')
  const source = memberOf(envelope, 'source')
  if (typeof source !== 'string' || !source.startsWith('aws.')) return refused('an EventBridge event whose source is not AWS')
  const record = parseRecord(memberOf(envelope, 'detail'))
  return record.ok ? record : refused(`in the detail of an EventBridge event: ${record.reason}`)
}

/** LookupEvents gives the record as text. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html */
function recordOfLookup(event: JsonObject): Parsed<CloudTrailRecord> {
  const text = memberOf(event, 'CloudTrailEvent')
  if (typeof text !== 'string') return refused('an event of LookupEvents: CloudTrailEvent is no text')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused('an event of LookupEvents: CloudTrailEvent is not JSON')
  }
  const record = parseRecord(value)
  return record.ok ? record : refused(`in an event of LookupEvents: ${record.reason}`)
}
