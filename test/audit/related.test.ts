import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { envelopeOfRecord } from '../../local/events/envelope.ts'
import { parseAccountId } from '../../shared/arn.ts'
import { againBody } from '../../shared/audit/again-message.ts'
import { type ChangeMessage, readChangeMessage } from '../../shared/audit/change-message.ts'
import { type PointedAt, pointedAt, type RelatedPorts } from '../../shared/audit/related.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { Resource } from '../../shared/rules/rule.ts'

const EVENTS = path.resolve(import.meta.dirname, '../../events')

function recordOf(source: string, name: string): JsonObject {
  const record: unknown = JSON.parse(readFileSync(path.join(EVENTS, source, `${name}.json`), 'utf8'))
  if (!isJsonObject(record)) throw new Error(`${name} is no record`)
  return record
}

/** In the account that the event is of, where each key stands behind so many buckets. */
async function pointedAtBy(
  record: JsonObject,
  { buckets = 1, ports = {} }: { readonly buckets?: number; readonly ports?: Partial<RelatedPorts> } = {},
): Promise<PointedAt> {
  const account = parseAccountId(record['recipientAccountId'])
  if (account === null) throw new Error('the record is of no account')
  const ownStack: Resource = { kind: 'keytrail_stack', arn: 'stack', accountId: account, region: 'eu-central-1' }
  const change = readChangeMessage(JSON.stringify(envelopeOfRecord(record)), {
    accounts: new Set([account]),
    ownAccount: account,
    ownStack,
  })
  return await pointedAt(changeIn(change), ALL_RULES, { ...portsOf(buckets), ...ports })
}

function changeIn(message: ChangeMessage): ChangeMessage & { readonly kind: 'change' } {
  if (message.kind !== 'change') throw new Error(`the message is ${message.kind}`)
  return message
}

function portsOf(buckets: number): RelatedPorts {
  return {
    keysOf: async () => [],
    bucketsUnder: async (keyArn, bucketsMax) =>
      Array.from({ length: Math.min(buckets, bucketsMax) }, (_, index) => bucketOf(`under-${keyArn.slice(-4)}-${index}`)),
    located: async (bucket) => bucket,
    noteLogSource: async () => undefined,
  }
}

function bucketOf(name: string): Resource {
  return { kind: 's3_bucket', arn: `arn:aws:s3:::${name}`, accountId: '111122223333', region: 'eu-central-1' }
}

async function inIreland(bucket: Resource): Promise<Resource> {
  return { ...bucket, region: 'eu-west-1' }
}

const PAIRS = ALL_RULES.flatMap(({ id, kind, watches }) =>
  watches.flatMap(({ source, names }) => names.map((name) => [id, source, name, kind] as const)),
)

describe('an event that a rule watches', () => {
  it.each(PAIRS)('%s: %s %s', async (_id, source, name, kind) => {
    const { resources } = await pointedAtBy(recordOf(source, name))
    expect(resources.map((resource) => resource.kind)).toContain(kind)
  })

  it('is there for more than a hundred pairs', () => {
    expect(PAIRS.length).toBeGreaterThan(100)
  })
})

describe('the buckets under a key', () => {
  const disabled = recordOf('kms.amazonaws.com', 'DisableKey')

  it('are judged with it where a rule for buckets watches the event, and not otherwise', async () => {
    expect((await pointedAtBy(disabled)).resources.map(({ kind }) => kind)).toEqual(['kms_key', 's3_bucket'])
    expect((await pointedAtBy(recordOf('kms.amazonaws.com', 'TagResource'))).resources.map(({ kind }) => kind)).toEqual(['kms_key'])
  })

  it('are a few with the message, and the others each with one of its own', async () => {
    const { resources, more } = await pointedAtBy(disabled, { buckets: 150 })
    expect([resources.length, more.length]).toEqual([21, 130])
    expect(new Set([...resources, ...more].map(({ arn }) => arn)).size).toBe(151)
  })
})

describe('a bucket', () => {
  const encryption = recordOf('s3.amazonaws.com', 'PutBucketEncryption')

  it('is judged where it is, whatever Region the event comes from', async () => {
    const [home, away] = [encryption, { ...encryption, awsRegion: 'us-east-1' }].map((record) =>
      pointedAtBy(record, { ports: { located: inIreland } }),
    )
    expect(await away).toEqual(await home)
    expect((await home)?.resources.map(({ region }) => region)).toEqual(['eu-west-1'])
  })

  it('of a message that Keytrail sent itself is taken at its word', async () => {
    const bucket = bucketOf('a-bucket')
    const account = parseAccountId(bucket.accountId)
    if (account === null) throw new Error('no account')
    const body = againBody({ resource: bucket, eventId: null, madeAt: null, attempt: 1 })
    const reader = { accounts: new Set([account]), ownAccount: account, ownStack: bucket }
    const found = await pointedAt(changeIn(readChangeMessage(body, reader)), ALL_RULES, { ...portsOf(1), located: inIreland })
    expect(found).toEqual({ resources: [bucket], more: [] })
  })

  it('that sends its logs elsewhere from now on is noted before the other one is judged', async () => {
    const noted: (readonly [string, string])[] = []
    const noteLogSource: RelatedPorts['noteLogSource'] = async ({ arn }, target) => void noted.push([arn, target])
    const { resources } = await pointedAtBy(recordOf('s3.amazonaws.com', 'PutBucketLogging'), { ports: { noteLogSource } })
    expect(noted).toEqual([['arn:aws:s3:::northwind-orders', 'northwind-access-logs']])
    expect(resources.map(({ arn }) => arn)).toEqual(['arn:aws:s3:::northwind-orders', 'arn:aws:s3:::northwind-access-logs'])
    await pointedAtBy(encryption, { ports: { noteLogSource } })
    expect(noted).toHaveLength(1)
  })
})
