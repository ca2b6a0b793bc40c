import { type AccountId, partitionOf } from '../arn.ts'
import { cataloguedEvent, type ResourcePlace } from '../cloudtrail/catalogue.ts'
import { recordOfItem } from '../cloudtrail/document.ts'
import type { CloudTrailRecord } from '../cloudtrail/record.ts'
import { isJsonObject, memberOf, parsedJson, textOf } from '../json.ts'
import type { Resource } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import { parseAgain } from './again-message.ts'

/** Which events are taken for what they say. */
export type ChangeReader = {
  /** Accounts whose events may come. */
  readonly accounts: ReadonlySet<AccountId>
  /** The account whose resources can be read. */
  readonly ownAccount: AccountId
  readonly ownStack: Resource
}

/** An alias as an event names it: which key it stands for, or stood for, the event may not say. */
export type NamedAlias = { readonly alias: string; readonly accountId: string; readonly region: string }

/** As CloudTrail names it. */
export type ChangeEvent = { readonly source: string; readonly name: string }

/** What one message of the queue of changes turned out to be. */
export type ChangeMessage =
  | {
      readonly kind: 'change'
      readonly eventId: string | null
      readonly event: ChangeEvent | null
      /** Buckets are in the Region of the event, which may be another than theirs. */
      readonly resources: readonly Resource[]
      readonly aliases: readonly NamedAlias[]
      /** The bucket whose access logs go elsewhere from now on, and the name of the one that takes them. */
      readonly logging: { readonly source: Resource; readonly target: string } | null
      /** When the resource was made, if the event tells of that. */
      readonly madeAt: EpochS | null
      /** How often the resource was judged for this event, and could not be. */
      readonly attempt: number
    }
  /** No change of anything that is audited: a call that failed, or one about somebody else's resource. */
  | { readonly kind: 'other' }
  /** Not what CloudTrail writes. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Not from where it says it comes, or not of an account that is audited. */
  | { readonly kind: 'spoofed'; readonly reason: string }

const CREATIONS = ['CreateKey', 'CreateBucket', 'CreateTrail']
/** serverless.yml: names of the stack's parts begin with the stack's. */
const OWN_PREFIX = 'keytrail-'
/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html */
const TRAIL_NAME = /^[\w.-]{3,128}$/
const TRAIL_ARN = /^arn:[\w-]+:cloudtrail:([\w-]+):(\d{12}):trail\/[\w.-]{3,128}$/
/** Buckets from before 2018 in us-east-1 had such names too. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^[\w.-]{3,255}$/
const ALIAS_NAME = /^alias\/[\w/-]{1,250}$/

/** Reads a message: an EventBridge event that CloudTrail made of a call, or what Keytrail itself sent to come back to. Never throws. */
export function readChangeMessage(body: string, reader: ChangeReader): ChangeMessage {
  const message = parsedJson(body)
  if (!isJsonObject(message)) return { kind: 'malformed', reason: 'no EventBridge event: not a JSON object' }
  const again = parseAgain(message)
  if (again !== null) {
    if (!again.ok) return { kind: 'malformed', reason: again.reason }
    const { resource, eventId, madeAt, attempt } = again.value
    const rest = { event: null, aliases: [], logging: null, eventId, madeAt, attempt }
    return isOwn(resource, reader) ? { kind: 'change', resources: [resource], ...rest } : { kind: 'other' }
  }
  const source = memberOf(message, 'source')
  if (typeof source !== 'string' || !source.startsWith('aws.')) return { kind: 'spoofed', reason: "the event's source is not AWS" }
  if (!reader.accounts.has(memberOf(message, 'account') as AccountId))
    return { kind: 'spoofed', reason: "the event's account is not audited" }
  const record = recordOfItem(message)
  if (!record.ok) return { kind: 'malformed', reason: record.reason }
  // The source of EventBridge is AWS's word; what stands in the record is the record's.
  if (record.value.eventSource !== `${source.slice('aws.'.length)}.amazonaws.com`)
    return { kind: 'spoofed', reason: "the record's eventSource is not the event's source" }
  const detail = memberOf(message, 'detail')
  return readRecord(record.value, isJsonObject(detail) ? textOf(detail, 'eventID') : null, reader)
}

function readRecord(record: CloudTrailRecord, eventId: string | null, reader: ChangeReader): ChangeMessage {
  const { recipientAccountId, eventSource, eventName, errorCode, eventTime } = record
  if (recipientAccountId !== null && !reader.accounts.has(recipientAccountId))
    return { kind: 'spoofed', reason: "the record's recipientAccountId is not audited" }
  const event = cataloguedEvent(eventSource, eventName)
  if (event === undefined || event.readOnly || errorCode !== null) return { kind: 'other' }
  const resources = resourcesOf(record, event.resource, reader).filter((resource) => isOwn(resource, reader))
  const aliases = aliasesOf(record).filter(({ accountId }) => accountId === reader.ownAccount)
  if (resources.length === 0 && aliases.length === 0) return { kind: 'other' }
  const madeAt = CREATIONS.includes(eventName) ? eventTime : null
  const [source] = resources
  const target = logTargetIn(record)
  const logging = source === undefined || target === null || !BUCKET_NAME.test(target) ? null : { source, target }
  return { kind: 'change', event: { source: eventSource, name: eventName }, resources, aliases, logging, eventId, madeAt, attempt: 0 }
}

function isOwn({ accountId }: Resource, { ownAccount }: ChangeReader): boolean {
  return accountId === ownAccount
}

/** What the record says was changed, where the catalogue says that it stands. Nothing if it stands there in no form that is known. */
function resourcesOf(record: CloudTrailRecord, place: ResourcePlace, { ownStack }: ChangeReader): readonly Resource[] {
  const { eventSource, keyArns, region, recipientAccountId: accountId } = record
  if (place === 'resources') return keyArns.map((arn) => kmsKey(arn))
  const name = memberAt(record, place)
  switch (eventSource) {
    case 's3.amazonaws.com':
      if (region === null || accountId === null) return []
      return [...new Set([name, logTargetIn(record)])]
        .filter((bucket) => bucket !== null)
        .filter((bucket) => BUCKET_NAME.test(bucket))
        .map((bucket) => ({ kind: 's3_bucket', arn: `arn:${partitionOf(region)}:s3:::${bucket}`, accountId, region }))
    case 'cloudtrail.amazonaws.com':
      return name === null || region === null || accountId === null ? [] : trailAndAccount(name, { region, accountId })
    case 'kms.amazonaws.com':
      return []
    default:
      // Rules, queues and functions matter as parts of Keytrail's own stack; a call that names none may be about one.
      return name === null || ownName(name).startsWith(OWN_PREFIX) ? [ownStack] : []
  }
}

/**
 * The bucket that takes logs from now on: other expectations hold for it. It is of the same account and Region as the one that sends them.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */
function logTargetIn({ eventName, requestParameters }: CloudTrailRecord): string | null {
  if (eventName !== 'PutBucketLogging' || requestParameters === null) return null
  const status = memberOf(requestParameters, 'BucketLoggingStatus')
  const enabled = isJsonObject(status) ? memberOf(status, 'LoggingEnabled') : undefined
  return isJsonObject(enabled) ? textOf(enabled, 'TargetBucket') : null
}

/**
 * Of an ARN or a URL the last part is the name; of a function's, a version or an alias may stand behind it.
 * https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
 */
function ownName(name: string): string {
  const [, ofFunction = name.split('/').at(-1) ?? ''] = /(?:^|:)function:([^:]*)/.exec(name) ?? []
  return ofFunction.startsWith('arn:') ? (ofFunction.split(':').at(-1) ?? '') : (ofFunction.split(':', 1)[0] ?? '')
}

export function kmsKey(arn: string): Resource {
  const [, , , region = '', accountId = ''] = arn.split(':')
  return { kind: 'kms_key', arn, accountId, region }
}

/**
 * What one trail logs is a matter of the account too, which may have another that does. The trail of an organization is that of its management
 * account, and covers the member accounts.
 */
function trailAndAccount(name: string, place: { readonly region: string; readonly accountId: string }): readonly Resource[] {
  const trails = trailNamed(name, place)
  const account: Resource = { kind: 'aws_account', arn: `arn:${partitionOf(place.region)}:iam::${place.accountId}:root`, ...place }
  return trails.length === 0 ? [] : [...trails, account]
}

function trailNamed(name: string, place: { readonly region: string; readonly accountId: string }): readonly Resource[] {
  const [, region, accountId] = TRAIL_ARN.exec(name) ?? []
  if (region !== undefined && accountId !== undefined) return [{ kind: 'cloudtrail_trail', arn: name, accountId, region }]
  if (!TRAIL_NAME.test(name)) return []
  const arn = `arn:${partitionOf(place.region)}:cloudtrail:${place.region}:${place.accountId}:trail/${name}`
  return [{ kind: 'cloudtrail_trail', arn, ...place }]
}

function memberAt({ requestParameters }: CloudTrailRecord, place: ResourcePlace): string | null {
  const [holder = '', name = ''] = place.split('.')
  return holder === 'requestParameters' && requestParameters !== null ? textOf(requestParameters, name) : null
}

/** The key that an alias stood for until now is not among the resources of UpdateAlias. */
function aliasesOf({ eventSource, requestParameters, region, recipientAccountId: accountId }: CloudTrailRecord): readonly NamedAlias[] {
  if (eventSource !== 'kms.amazonaws.com' || requestParameters === null || region === null || accountId === null) return []
  const alias = textOf(requestParameters, 'aliasName')
  return alias !== null && ALIAS_NAME.test(alias) ? [{ alias, accountId, region }] : []
}
