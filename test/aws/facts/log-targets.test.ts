import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, DeleteBucketCommand, PutBucketEncryptionCommand, PutBucketLoggingCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FactParts } from '../../../shared/aws/facts/fact-parts.ts'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import { createRelatedPorts, noteLogging } from '../../../shared/aws/facts/related.ts'
import { unread } from '../../../shared/observed.ts'
import { auditResource } from '../../../shared/rules/audit.ts'
import { DEFAULT_EXPECTATIONS } from '../../../shared/rules/expectations.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { S3_RULES } from '../../../shared/rules/s3-rules.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX } from './fact-ground.ts'

const accountId = '000000000000'
const COUNT = 12
const AS_EXPECTED = 's3-bucket-encrypted-as-expected'
const DENIED: Fault = { status: 403, code: 'AccessDenied' }
const BUSY: Fault = { status: 503, code: 'SlowDown' }

let ground: FactGround
beforeAll(async () => {
  ground = await openFactGround()
  const { s3, kms } = ground.cloud.clients
  const key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
  for (let index = 0; index < COUNT; index++) await s3.send(new CreateBucketCommand({ Bucket: `bucket-${index}` }))
  const byDefault = { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: key }
  const Rules = [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true }]
  await s3.send(new PutBucketEncryptionCommand({ Bucket: 'bucket-4', ServerSideEncryptionConfiguration: { Rules } }))
}, START_MS_MAX)
afterAll(() => ground.close())
beforeEach(() => {
  ground.faultOf = () => null
  ground.calls()
})

const bucket = (name: string): Resource<'s3_bucket'> => ({
  kind: 's3_bucket',
  arn: `arn:aws:s3:::${name}`,
  accountId,
  region: ground.cloud.region,
})
const scope = (): { readonly accountId: string; readonly region: string } => ({ accountId, region: ground.cloud.region })
const askedFor = (name: string): boolean => ground.calls().includes(`/${name}/ logging`)

/** Where buckets send their logs, as the sweep does it. */
async function noteAll(): Promise<void> {
  const { clients, seen } = ground.parts()
  for (let index = 0; index < COUNT; index++) await noteLogging({ clients, seen }, bucket(`bucket-${index}`))
  await seen.noteLoggingWhole(scope())
}

async function send(source: string, target: string | null): Promise<void> {
  const BucketLoggingStatus = target === null ? {} : { LoggingEnabled: { TargetBucket: target, TargetPrefix: '' } }
  await ground.cloud.clients.s3.send(new PutBucketLoggingCommand({ Bucket: source, BucketLoggingStatus }))
}

async function isTarget(name: string, changes: Partial<FactParts> = {}): Promise<unknown> {
  const facts = await ground.read(bucket(name), ['isLogTarget'], changes)
  const fact = typeof facts === 'string' ? undefined : facts['isLogTarget']
  return fact?.known === true ? fact.value : fact
}

function failing(name: string, fault: Fault): void {
  ground.faultOf = (operation) => (operation === `/${name}/ logging` ? fault : null)
}

describe('who sends logs to a bucket, before all buckets were asked once', () => {
  it('is asked of all where they are few, and is unknown where they are many', async () => {
    await send('bucket-1', 'bucket-2')
    expect([await isTarget('bucket-2'), await isTarget('bucket-3')]).toEqual([true, false])
    const { clients } = ground.parts()
    const many = { ...ground.parts().seen, logging: async () => ({ isWhole: false, unread: [] }) }
    const listed = Array.from({ length: 101 }, (_, index) => `many-${index}`)
    for (const Bucket of listed) await clients.s3(ground.cloud.region).send(new CreateBucketCommand({ Bucket }))
    ground.calls()
    expect(await isTarget('bucket-3', { seen: many })).toEqual({
      ...unread('s3:GetBucketLogging', 'failed', 'NotAllBucketsAsked'),
      among: [false, true],
    })
    expect(ground.calls().filter((call) => call.endsWith(' logging'))).toEqual([])
    for (const Bucket of listed) await clients.s3(ground.cloud.region).send(new DeleteBucketCommand({ Bucket }))
  })
})

describe('who sends logs to a bucket, as it was noted', () => {
  it('takes one call for a bucket that receives logs, and none for others', async () => {
    await send('bucket-1', 'bucket-2')
    await noteAll()
    ground.calls()
    expect(await isTarget('bucket-2')).toBe(true)
    expect(ground.calls().filter((call) => call.startsWith('/'))).toEqual(['/bucket-1/ logging'])
    expect(await isTarget('bucket-3')).toBe(false)
    expect(ground.calls().filter((call) => call.startsWith('/'))).toEqual([])
  })

  it('is a place to look at: what is there decides, and the note goes', async () => {
    await send('bucket-1', 'bucket-2')
    await noteAll()
    await send('bucket-1', null)
    expect([await isTarget('bucket-2'), askedFor('bucket-1')]).toEqual([false, true])
    expect([await isTarget('bucket-2'), askedFor('bucket-1')]).toEqual([false, false])
    // An event tells of it before the next sweep does; here of what is true, there of what is not any more.
    const { noteLogSource } = createRelatedPorts(ground.parts())
    await send('bucket-1', 'bucket-3')
    expect(await isTarget('bucket-3')).toBe(false)
    for (const target of ['bucket-2', 'bucket-3']) await noteLogSource(bucket('bucket-1'), target)
    expect([await isTarget('bucket-2'), await isTarget('bucket-3')]).toEqual([false, true])
    await send('bucket-1', null)
  })

  it.each([DENIED, BUSY])('of a bucket that cannot be asked hides no verdict but one that it would change: %j', async (fault) => {
    failing('bucket-7', fault)
    await noteAll()
    const verdicts = async (name: string): Promise<Record<string, string>> => {
      const surroundings = { resource: bucket(name), expectations: DEFAULT_EXPECTATIONS, now: ground.now() }
      const audit = await auditResource(S3_RULES, createFactReader(ground.parts()), surroundings)
      if (audit.kind !== 'judged') throw new Error(`the bucket is ${audit.kind}`)
      return Object.fromEntries(audit.judgements.map(({ rule, verdict }) => [rule.id, verdict.kind]))
    }
    expect(Object.values(await verdicts('bucket-3'))).not.toContain('unknown')
    // Under SSE-KMS it would fail if bucket-7 sent logs there.
    const ofKms = await verdicts('bucket-4')
    expect(Object.entries(ofKms).filter(([, kind]) => kind === 'unknown')).toEqual([[AS_EXPECTED, 'unknown']])
    // It is asked again by whoever wants to know, before the next sweep.
    ground.faultOf = () => null
    expect((await verdicts('bucket-4'))[AS_EXPECTED]).toBe('pass')
    await send('bucket-7', 'bucket-4')
    expect((await verdicts('bucket-4'))[AS_EXPECTED]).toBe('fail')
    await send('bucket-7', null)
    await noteAll()
  })

  it('of a source that is noted and cannot be asked leaves the target open', async () => {
    await send('bucket-1', 'bucket-2')
    await noteAll()
    failing('bucket-1', BUSY)
    expect(await isTarget('bucket-2')).toEqual({ ...unread('s3:GetBucketLogging', 'failed', 'SlowDown'), among: [false, true] })
    expect(await isTarget('bucket-3')).toBe(false)
    ground.faultOf = () => null
    await send('bucket-1', null)
  })
})

describe('who keeps no notes', () => {
  it('asks each bucket once for all resources, and those again that could not be asked for a moment', async () => {
    await send('bucket-1', 'bucket-2')
    failing('bucket-7', BUSY)
    const reader = createFactReader(ground.parts({ extent: 'sweep', readsAllLogging: true }))
    const read = (name: string): ReturnType<ReturnType<typeof reader>> => reader(bucket(name))(['isLogTarget'])
    expect(await read('bucket-2')).toEqual({ isLogTarget: { known: true, value: true } })
    expect(await read('bucket-3')).toMatchObject({ isLogTarget: { known: false, code: 'SlowDown', among: [false, true] } })
    ground.faultOf = () => null
    ground.calls()
    expect(await read('bucket-4')).toEqual({ isLogTarget: { known: true, value: false } })
    expect(ground.calls().filter((call) => call.endsWith(' logging'))).toEqual(['/bucket-7/ logging'])
    await send('bucket-1', null)
  })
})

describe('a bucket’s notes', () => {
  it('lead from the key behind its default to it, as long as it is there', async () => {
    const { seen } = ground.parts()
    const { kms, s3 } = ground.cloud.clients
    const [first = '', second = ''] = [
      (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn,
      (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn,
    ]
    const noted = bucket('noted')
    await s3.send(new CreateBucketCommand({ Bucket: 'noted' }))
    for (const KMSMasterKeyID of [first, second]) {
      const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID } }]
      await s3.send(new PutBucketEncryptionCommand({ Bucket: 'noted', ServerSideEncryptionConfiguration: { Rules } }))
      await ground.read(noted, ['defaultKey', 'strongestSeen'])
      expect(await seen.bucketsUnder(KMSMasterKeyID, 10)).toEqual([noted])
    }
    expect(await seen.bucketsUnder(first, 10)).toEqual([])
    await s3.send(new DeleteBucketCommand({ Bucket: 'noted' }))
    expect(await ground.read(noted, ['encryption'])).toBe('gone')
    expect([await seen.bucketsUnder(second, 10), await seen.bucket(noted.arn)]).toEqual([[], { strongest: null, keyArn: null }])
  })

  it('name it where it is, whatever Region an event comes from', async () => {
    const { s3 } = ground.cloud.clients
    await s3.send(new CreateBucketCommand({ Bucket: 'away', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }))
    const { located } = createRelatedPorts(ground.parts())
    expect(await located(bucket('away'))).toEqual({ ...bucket('away'), region: 'eu-west-1' })
    expect(await located(bucket('nowhere-at-all'))).toEqual(bucket('nowhere-at-all'))
    ground.faultOf = (operation) => (operation === '/away/ location' ? DENIED : null)
    expect(await located(bucket('away'))).toEqual(bucket('away'))
    ground.faultOf = (operation) => (operation === '/away/ location' ? BUSY : null)
    await expect(located(bucket('away'))).rejects.toThrow('SlowDown')
  })
})
