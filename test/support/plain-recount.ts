/**
 * The rules of docs/counting.md, counted once more in the plainest way over parsed JSON, for tests to compare with.
 * Written from that page alone and without anything of the product, so that a misreading on one side shows.
 */

type Members = Readonly<Record<string, unknown>>
/** What the copies of a use may tell differently. */
type Attributes = {
  readonly caller: string | null
  readonly service: string | null
  readonly scope: string
  readonly outcome: 'succeeded' | 'failed' | 'dry run'
  readonly errorCode: string | null
}
/** What one record tells of one use. */
type Copy = {
  readonly identity: string
  readonly eventName: string
  readonly operation: string
  readonly keyArn: string | null
  readonly sent: string | null
  readonly isCallersOwn: boolean
  readonly attributes: Attributes
  readonly epochMs: number | null
}
type Use = Attributes & {
  readonly keyArn: string | null
  readonly sent: string | null
  readonly operation: string
  readonly hour: string | null
}

/** A row with all dimensions, as `keytrail usage --format json` promises it. */
export type PlainRow = Readonly<Record<string, string | number | null>>
export type PlainRecount = {
  readonly records: number
  readonly malformed: number
  readonly duplicates: number
  readonly dryRuns: number
  readonly calls: readonly PlainRow[]
  readonly unattributed: readonly PlainRow[]
  /** Uses whose copies tell different stories, and the caller's own copy decided. */
  readonly settledByCaller: number
  /** Uses of a key that took in a copy which names none. */
  readonly keylessTakenIn: number
  /** Uses whose copies tell different stories that these rules rank by their bytes only: the plain recount takes any. */
  readonly left: number
}

const OPERATIONS = (
  'Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext ' +
  'ReEncrypt Sign Verify GenerateMac VerifyMac DeriveSharedSecret Encapsulate Decapsulate'
).split(' ')
const SENT_BYTES_MAX = 256

/** The items of one JSON document, unwrapped: records, and whatever else stands where records should. */
export function itemsOf(document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document.map(unwrapped)
  const [records, events] = [at(document, 'Records'), at(document, 'Events')]
  if (Array.isArray(records)) return records
  if (Array.isArray(events)) return events.map((event) => JSON.parse(textAt(event, 'CloudTrailEvent') ?? 'null') as unknown)
  return [unwrapped(document)]
}

function unwrapped(item: unknown): unknown {
  const isEnvelope = textAt(item, 'detail-type')?.endsWith('via CloudTrail') === true && textAt(item, 'source')?.startsWith('aws.') === true
  return isEnvelope ? at(item, 'detail') : item
}

export function plainRecount(items: readonly unknown[]): PlainRecount {
  const records = items.filter(isRecord)
  const copies = records.flatMap(copiesOf)
  const groups = grouped(copies, ({ identity, operation }) => JSON.stringify([identity, operation]))
  const settled = groups.flatMap(settle)
  const uses = settled.map(({ use }) => use)
  const counted = uses.filter(({ outcome }) => outcome !== 'dry run')
  return {
    records: records.length,
    malformed: items.length - records.length,
    duplicates: duplicatesOf(copies),
    // A dry run of ReEncrypt is one call that was tried, not two.
    dryRuns: uses.filter(({ outcome, operation }) => outcome === 'dry run' && operation !== 'ReEncryptTo').length,
    calls: rowsOf(counted.filter(({ keyArn }) => keyArn !== null)),
    unattributed: rowsOf(counted.filter(({ keyArn }) => keyArn === null)),
    settledByCaller: settled.filter(({ how }) => how === 'by caller').length,
    keylessTakenIn: settled.filter(({ keylessTakenIn }) => keylessTakenIn).length,
    left: settled.filter(({ how }) => how === 'left').length,
  }
}

function isRecord(item: unknown): item is Members {
  return textAt(item, 'eventSource') !== null && textAt(item, 'eventName') !== null && identityOf(item) !== null
}

/** `sharedEventID ?? addendum.originalEventID ?? eventID`; an empty text counts as absent. */
function identityOf(record: unknown): string | null {
  const told = [at(record, 'sharedEventID'), at(record, 'addendum', 'originalEventID'), at(record, 'eventID')]
  const identity = told.find((id) => id !== undefined && id !== null && id !== '')
  return typeof identity === 'string' ? identity : null
}

function copiesOf(record: Members): readonly Copy[] {
  const eventName = textAt(record, 'eventName') ?? ''
  if (textAt(record, 'eventSource') !== 'kms.amazonaws.com' || !OPERATIONS.includes(eventName)) return []
  if (textAt(record, 'eventCategory') === 'NetworkActivity') return []
  if (eventName !== 'ReEncrypt') return [copyOf(record, eventName, 0, 'keyId', 'encryptionContext')]
  return [
    copyOf(record, 'ReEncryptFrom', 0, 'sourceKeyId', 'sourceEncryptionContext'),
    copyOf(record, 'ReEncryptTo', 1, 'destinationKeyId', 'destinationEncryptionContext'),
  ]
}

function copyOf(record: Members, operation: string, keyNumber: number, keyName: string, contextName: string): Copy {
  const account = textAt(record, 'userIdentity', 'accountId')
  const outcome = outcomeOf(record)
  const resources = at(record, 'resources')
  const keyArns = (Array.isArray(resources) ? resources : []).map((resource) => textAt(resource, 'ARN') ?? '').filter(isKeyArn)
  const sent = textAt(record, 'requestParameters', keyName)
  const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.exec(textAt(record, 'eventTime') ?? '')
  return {
    identity: identityOf(record) ?? '',
    eventName: textAt(record, 'eventName') ?? '',
    operation,
    keyArn: keyArns[keyNumber] ?? (outcome.outcome === 'succeeded' ? sentKeyArn(record, sent) : null),
    sent: sent === null ? null : beginning(sent),
    isCallersOwn: account !== null && account === textAt(record, 'recipientAccountId'),
    attributes: {
      caller: callerOf(record),
      service: textAt(record, 'userIdentity', 'invokedBy'),
      scope: scopeOf(at(record, 'requestParameters', contextName)),
      ...outcome,
    },
    epochMs: seconds === null ? null : Date.parse(seconds[0]),
  }
}

function isKeyArn(arn: string): boolean {
  return /^arn:[^:]+:kms:[^:]*:[^:]*:key\/./.test(arn)
}

/** The key that the caller of a successful call asked for: an ARN as it is, a bare ID in the event's Region and recipient account. */
function sentKeyArn(record: Members, sent: string | null): string | null {
  if (sent === null || isKeyArn(sent)) return sent
  const region = textAt(record, 'awsRegion')
  const account = textAt(record, 'recipientAccountId')
  const isBareId = /^(?:[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|mrk-[\da-f]{32})$/i.test(sent)
  if (!isBareId || region === null || account === null) return null
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  return `arn:${partition}:kms:${region}:${account}:key/${sent}`
}

function outcomeOf(record: Members): Pick<Attributes, 'outcome' | 'errorCode'> {
  const errorCode = at(record, 'errorCode')
  if (errorCode === undefined || errorCode === null || errorCode === '') return { outcome: 'succeeded', errorCode: null }
  if (errorCode === 'DryRunOperationException') return { outcome: 'dry run', errorCode }
  return { outcome: 'failed', errorCode: typeof errorCode === 'string' ? errorCode : JSON.stringify(errorCode) }
}

function callerOf(record: Members): string | null {
  const arn = textAt(record, 'userIdentity', 'arn')
  const session = /^arn:(?<partition>[^:]+):sts::(?<account>\d+):assumed-role\/(?<role>[^/]+)\//.exec(arn ?? '')?.groups
  const role = session && `arn:${session['partition']}:iam::${session['account']}:role/${session['role']}`
  const issuer = textAt(record, 'userIdentity', 'sessionContext', 'sessionIssuer', 'arn')
  const others = ['accountId', 'invokedBy', 'principalId'].map((name) => textAt(record, 'userIdentity', name))
  return [issuer, role, arn, ...others].find((text) => typeof text === 'string') ?? null
}

function scopeOf(context: unknown): string {
  const names = isObject(context) ? Object.keys(context) : []
  if (names.length === 0) return 'none'
  const s3Arn = textAt(context, 'aws:s3:arn')
  if (s3Arn !== null) return s3Arn.includes('/') ? 's3-object' : 's3-bucket'
  if (names.includes('aws:ebs:id')) return 'ebs-volume'
  if (names.includes('SecretARN')) return 'secrets-manager'
  return names.includes('aws-crypto-public-key') ? 'encryption-sdk' : 'other'
}

/** Copies of one identity and operation: a use for every key they name, and those that name none are copies of each of these. */
function settle(copies: readonly Copy[]) {
  const named = new Set(copies.map(({ keyArn }) => keyArn).filter((keyArn) => keyArn !== null))
  const keys = named.size === 0 ? [null] : [...named]
  return keys.map((keyArn) => {
    const ofKey = copies.filter((copy) => copy.keyArn === keyArn || copy.keyArn === null)
    const own = ofKey.filter(({ isCallersOwn }) => isCallersOwn)
    const isLeft = storyCount(own.length > 0 ? own : ofKey, keyArn) > 1
    const how = isLeft ? 'left' : storyCount(ofKey, keyArn) > 1 ? 'by caller' : 'alike'
    const times = ofKey.map(({ epochMs }) => epochMs).filter((epochMs) => epochMs !== null)
    const hour = times.length === 0 ? null : `${new Date(Math.min(...times)).toISOString().slice(0, 13)}:00Z`
    const first = (own[0] ?? ofKey[0]) as Copy
    const use: Use = { ...first.attributes, keyArn, sent: first.sent, operation: first.operation, hour }
    return { use, how, keylessTakenIn: keyArn !== null && ofKey.some((copy) => copy.keyArn === null) }
  })
}

function storyCount(copies: readonly Copy[], keyArn: string | null): number {
  return new Set(copies.map(({ attributes, sent }) => JSON.stringify(keyArn === null ? { ...attributes, sent } : attributes))).size
}

/** The records of an identity and an operation that were not needed to tell its uses. */
function duplicatesOf(copies: readonly Copy[]): number {
  const calls = grouped(copies, ({ identity, eventName }) => JSON.stringify([identity, eventName]))
  const duplicates = calls.map((ofCall) => {
    // ReEncrypt: the sides of one record are told together.
    const sides = grouped(ofCall, ({ operation }) => operation)
    const needed = sides.map((side) => settle(side).length)
    return Math.max(...sides.map((side) => side.length)) - Math.max(...needed)
  })
  return duplicates.reduce((total, count) => total + count, 0)
}

function rowsOf(uses: readonly Use[]): readonly PlainRow[] {
  const alike = grouped(uses, (use) => JSON.stringify(rowOf(use, 1)))
  return alike.flatMap((group) => group.slice(0, 1).map((use) => rowOf(use, group.length)))
}

function rowOf({ keyArn, sent, operation, caller, service, scope, errorCode, hour, outcome }: Use, count: number): PlainRow {
  const subject = keyArn === null ? { sent } : { keyArn }
  const counts = outcome === 'failed' ? { succeeded: 0, failed: count } : { succeeded: count, failed: 0 }
  return { ...subject, operation, caller, service, scope, errorCode, hour, ...counts }
}

/** 256 bytes of UTF-8 at most, and no half characters. */
function beginning(text: string): string {
  let kept = ''
  for (const character of text.toWellFormed()) {
    if (Buffer.byteLength(kept + character) > SENT_BYTES_MAX) break
    kept += character
  }
  return kept
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly (readonly Item[])[] {
  return [...Map.groupBy(items, keyOf).values()]
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Own members only: nothing is inherited. */
function at(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce((outer, name) => (isObject(outer) && Object.hasOwn(outer, name) ? outer[name] : undefined), value)
}

/** A text of at least one character, or null. */
function textAt(value: unknown, ...names: readonly string[]): string | null {
  const text = at(value, ...names)
  return typeof text === 'string' && text !== '' ? text : null
}
