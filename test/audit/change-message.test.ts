import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { envelopeOfRecord } from '../../local/events/envelope.ts'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import { againBody, ATTEMPTS_MAX, delayBefore } from '../../shared/audit/again-message.ts'
import { type ChangeMessage, type ChangeReader, readChangeMessage } from '../../shared/audit/change-message.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import type { Resource } from '../../shared/rules/rule.ts'

const EVENTS = path.resolve(import.meta.dirname, '../../events')
const STACK: Resource = {
  kind: 'keytrail_stack',
  arn: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/keytrail/1',
  accountId: '111122223333',
  region: 'eu-central-1',
}
const READER: ChangeReader = {
  accounts: new Set([account('111122223333'), account('444455556666')]),
  ownAccount: account('111122223333'),
  ownStack: STACK,
}
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/0379314b-eb29-4ff3-b3c0-83d2ecf8f941'

function account(text: string): AccountId {
  const parsed = parseAccountId(text)
  if (parsed === null) throw new Error(`${text} is no account`)
  return parsed
}

function recordAt(name: string): JsonObject {
  const record: unknown = JSON.parse(readFileSync(path.join(EVENTS, name), 'utf8'))
  if (!isJsonObject(record)) throw new Error(`${name} is no record`)
  return record
}

function read(record: JsonObject, changes: JsonObject = {}): ChangeMessage {
  return readChangeMessage(JSON.stringify({ ...envelopeOfRecord(record), ...changes }), READER)
}

function arnsIn(message: ChangeMessage): readonly string[] {
  return message.kind === 'change' ? message.resources.map(({ arn }) => arn) : [message.kind]
}

describe('what a change points at', () => {
  const CASES: readonly (readonly [file: string, arns: readonly string[]])[] = [
    ['s3.amazonaws.com/PutBucketEncryption.weakened.json', ['arn:aws:s3:::northwind-orders']],
    ['s3.amazonaws.com/CreateBucket.json', ['arn:aws:s3:::northwind-orders']],
    ['s3.amazonaws.com/PutBucketLogging.json', ['arn:aws:s3:::northwind-orders', 'arn:aws:s3:::northwind-access-logs']],
    ['s3.amazonaws.com/PutBucketEncryption.failed-access-denied.json', ['other']],
    ['s3.amazonaws.com/GetBucketEncryption.json', ['other']],
    ['kms.amazonaws.com/DeleteAlias.json', [KEY]],
    ['kms.amazonaws.com/CreateKey.failed-access-denied.json', ['other']],
    ['kms.amazonaws.com/CreateCustomKeyStore.json', ['other']],
    ['events.amazonaws.com/PutTargets.json', [STACK.arn]],
  ]
  it.each(CASES)('%s', (file, arns) => {
    expect(arnsIn(read(recordAt(file)))).toEqual(arns)
  })

  it('is named by an alias too, where the event names one', () => {
    expect(read(recordAt('kms.amazonaws.com/UpdateAlias.json'))).toMatchObject({
      kind: 'change',
      aliases: [{ alias: 'alias/orders', accountId: '111122223333', region: 'eu-central-1' }],
      eventId: '4de90ae3-ccd9-4037-bd27-d9c43449217d',
      madeAt: null,
      attempt: 0,
    })
  })

  it('was made just now, if the event says so', () => {
    const created = recordAt('s3.amazonaws.com/CreateBucket.json')
    expect(read(created)).toMatchObject({ madeAt: Date.parse(String(created['eventTime'])) / 1000 })
  })

  it.each<readonly [title: string, status: unknown, arns: readonly string[]]>([
    ['a bucket that logs into itself', { LoggingEnabled: { TargetBucket: 'a-bucket' } }, ['arn:aws:s3:::a-bucket']],
    // What turned logging off does not say where the logs went: https://github.com/panther-labs/panther-analysis has such a record.
    ['a bucket that logs no more', { xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/' }, ['arn:aws:s3:::a-bucket']],
    ['a target that is no name', { LoggingEnabled: { TargetBucket: '../etc' } }, ['arn:aws:s3:::a-bucket']],
    ['a target that is too long', { LoggingEnabled: { TargetBucket: 'b'.repeat(256) } }, ['arn:aws:s3:::a-bucket']],
    ['a target that is no text', { LoggingEnabled: { TargetBucket: ['b-bucket'] } }, ['arn:aws:s3:::a-bucket']],
    ['a list of targets', { LoggingEnabled: [{ TargetBucket: 'b-bucket' }] }, ['arn:aws:s3:::a-bucket']],
    ['no status', 'LoggingEnabled', ['arn:aws:s3:::a-bucket']],
    ['a target that every object has', JSON.parse('{"LoggingEnabled":{"__proto__":{"TargetBucket":"b"}}}'), ['arn:aws:s3:::a-bucket']],
  ])('is, of logging, each bucket once: %s', (_title, BucketLoggingStatus, arns) => {
    const record = recordAt('s3.amazonaws.com/PutBucketLogging.json')
    expect(arnsIn(read({ ...record, requestParameters: { bucketName: 'a-bucket', BucketLoggingStatus } }))).toEqual(arns)
  })

  it('is no log target of another event', () => {
    const record = recordAt('s3.amazonaws.com/PutBucketEncryption.weakened.json')
    const BucketLoggingStatus = { LoggingEnabled: { TargetBucket: 'b-bucket' } }
    expect(arnsIn(read({ ...record, requestParameters: { bucketName: 'a-bucket', BucketLoggingStatus } }))).toEqual([
      'arn:aws:s3:::a-bucket',
    ])
  })

  it('is a trail, by its name or its ARN', () => {
    const record = recordAt('cloudtrail.amazonaws.com/StopLogging.json')
    const arn = 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/all'
    const own = 'arn:aws:iam::111122223333:root'
    expect(arnsIn(read({ ...record, requestParameters: { name: arn } }))).toEqual([arn, own])
    expect(arnsIn(read({ ...record, requestParameters: { name: 'all' } }))).toEqual([
      'arn:aws:cloudtrail:eu-central-1:111122223333:trail/all',
      own,
    ])
    // A trail of the organization is not this account's, and covers it.
    expect(arnsIn(read({ ...record, requestParameters: { name: arn.replace('111122223333', '999988887777') } }))).toEqual([own])
    for (const name of ['a', 'a b', 'arn:aws:cloudtrail:x'])
      expect(arnsIn(read({ ...record, requestParameters: { name } })), name).toEqual(['other'])
  })

  it('is the own stack for its own rules, queues and functions alone', () => {
    const rule = recordAt('events.amazonaws.com/PutRule.json')
    const named = (requestParameters: JsonObject, eventSource: string, eventName: string): readonly string[] =>
      arnsIn(read({ ...rule, requestParameters, eventSource, eventName }))
    expect(named({ name: 'keytrail-key-usage' }, 'events.amazonaws.com', 'DisableRule')).toEqual([STACK.arn])
    expect(named({ name: 'nightly-report' }, 'events.amazonaws.com', 'DisableRule')).toEqual(['other'])
    const queueUrl = 'https://sqs.eu-central-1.amazonaws.com/111122223333/keytrail-AuditQueue-AbC'
    expect(named({ queueUrl }, 'sqs.amazonaws.com', 'SetQueueAttributes')).toEqual([STACK.arn])
    expect(named({ queueUrl: queueUrl.replace('keytrail', 'other') }, 'sqs.amazonaws.com', 'SetQueueAttributes')).toEqual(['other'])
    const arn = 'arn:aws:lambda:eu-central-1:111122223333:function:keytrail-sweep'
    const own = ['keytrail-sweep', 'keytrail-sweep:1', arn, `${arn}:$LATEST`, `${arn}:live`, '111122223333:function:keytrail-sweep']
    const others = ['nightly', 'nightly:keytrail-1', arn.replace('keytrail', 'other'), `${arn.replace('keytrail', 'other')}:keytrail-1`]
    const changed = (functionName: string): readonly string[] =>
      named({ functionName }, 'lambda.amazonaws.com', 'UpdateFunctionConfiguration20150331v2')
    for (const functionName of own) expect(changed(functionName), functionName).toEqual([STACK.arn])
    for (const functionName of others) expect(changed(functionName), functionName).toEqual(['other'])
    expect(named({ uUID: 'x' }, 'lambda.amazonaws.com', 'DeleteEventSourceMapping20150331')).toEqual([STACK.arn])
  })

  it('is nothing of another account, although its events may come', () => {
    const record = { ...recordAt('s3.amazonaws.com/CreateBucket.json'), recipientAccountId: '444455556666' }
    expect(read(record, { account: '444455556666' })).toEqual({ kind: 'other' })
  })

  it('is told, or that there is nothing, for every sample event', () => {
    const files = readdirSync(EVENTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
    const kinds = files.map((file) => read(recordAt(file), { account: '111122223333' }).kind)
    expect(files.length).toBeGreaterThan(100)
    expect(kinds.filter((kind) => kind === 'change').length).toBeGreaterThan(30)
    expect(kinds.filter((kind) => kind === 'malformed')).toEqual([])
  })
})

describe('what does not fit', () => {
  const record = recordAt('s3.amazonaws.com/PutBucketEncryption.weakened.json')
  const CASES: readonly (readonly [title: string, message: ChangeMessage, kind: string])[] = [
    // The envelope's account is right here: the record's own word is checked beside it.
    [
      "a record for somebody else's account",
      read({ ...record, recipientAccountId: '999988887777' }, { account: '111122223333' }),
      'spoofed',
    ],
    ['another source', read(record, { source: 'keytrail.test' }), 'spoofed'],
    ["another service's source", read(record, { source: 'aws.kms' }), 'spoofed'],
    ['another account', read(record, { account: '999988887777' }), 'spoofed'],
    ["a record of another account's", read({ ...record, recipientAccountId: '999988887777' }), 'spoofed'],
    ['no record', read(record, { detail: 'none' }), 'malformed'],
    ['another detail-type', read(record, { 'detail-type': 'Scheduled Event' }), 'malformed'],
    ['no JSON', readChangeMessage('{"detail":{"', READER), 'malformed'],
    ['no event', readChangeMessage('"a text"', READER), 'malformed'],
    ['a name that is none', read({ ...record, requestParameters: { bucketName: '../../etc' } }), 'other'],
    ['a name that is no text', read({ ...record, requestParameters: { bucketName: { a: 1 } } }), 'other'],
  ]
  it.each(CASES)('%s', (_title, message, kind) => {
    expect(message.kind).toBe(kind)
  })
})

describe('a message to come back to', () => {
  const again = { resource: { ...STACK, kind: 'kms_key', arn: KEY } as const, eventId: 'e', madeAt: null, attempt: 3 }

  it('is read as it was written', () => {
    const { resource, ...rest } = again
    expect(readChangeMessage(againBody(again), READER)).toEqual({
      kind: 'change',
      resources: [resource],
      event: null,
      aliases: [],
      logging: null,
      ...rest,
    })
  })

  it.each([
    ['another account', { ...again, resource: { ...again.resource, accountId: '444455556666' } }, 'other'],
    ['no kind that is known', { ...again, resource: { ...again.resource, kind: 'constructor' as 'kms_key' } }, 'malformed'],
    ['too many attempts', { ...again, attempt: ATTEMPTS_MAX + 1 }, 'malformed'],
    ['no number of attempts', { ...again, attempt: 0.5 }, 'malformed'],
  ])('is refused with %s', (_title, wrong, kind) => {
    expect(readChangeMessage(againBody(wrong), READER).kind).toBe(kind)
  })

  it('waits longer each time, never longer than SQS lets it, an hour in all', () => {
    const delays = Array.from({ length: ATTEMPTS_MAX }, (_, index) => delayBefore(index + 1))
    expect(delays).toEqual([15, 30, 60, 120, 240, 480, 900, 900])
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeLessThan(3600)
  })
})
