import { describe, expect, it } from 'vitest'
import type { AspectState } from '../../shared/changes/aspect.ts'
import type { Guarded } from '../../shared/changes/planner.ts'
import { PLANNERS } from '../../shared/changes/planners.ts'
import type { GuardPort } from '../../shared/changes/ports.ts'
import { observed, unread } from '../../shared/observed.ts'
import type { S3BucketFacts } from '../../shared/rules/facts.ts'
import { withUnread } from '../rules/rule-cases.ts'
import { ACCOUNT, BUCKET, bucketPolicy, FOREIGN_KEY_ARN, KEY_ARN, OTHER_ACCOUNT, STANDING } from '../rules/s3/ordinary-bucket.ts'
import { bucketGround, CLEAR, encryptionState } from './plans-ground.ts'

const KMS = encryptionState({})
const POLICY: AspectState = { aspect: 'bucket-policy', value: '{}' }
const ROLE = `arn:aws:iam::${ACCOUNT}:role/App`
const DENIED = unread('kms:DescribeKey', 'denied', 'AccessDeniedException')
const SSE_C_CONDITION = { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'true' } }
const OBJECT_CONDITION = { StringLike: { 'kms:EncryptionContext:aws:s3:arn': `${BUCKET}/a/*` } }

function guarded(
  id: string,
  after: AspectState,
  facts: Partial<S3BucketFacts> = {},
  ports: Partial<GuardPort> = {},
  unreadFacts: readonly string[] = [],
): Promise<Guarded> {
  const planner = PLANNERS.get(id)
  if (planner === undefined) throw new Error(`there is no planner for ${id}`)
  const ground = bucketGround({ state: after, facts })
  return planner.guard(after, { ...ground, facts: withUnread(ground.facts, unreadFacts) }, { ...CLEAR, ...ports })
}

function standing(differing: Partial<typeof STANDING>): Partial<GuardPort> {
  return { keyStanding: () => Promise.resolve(observed({ ...STANDING, ...differing })) }
}

function allows(principal: unknown): S3BucketFacts['policy'] {
  return bucketPolicy({ Effect: 'Allow', Principal: principal, Action: 's3:PutObject' })
}

const withPolicy = (policy: unknown): Partial<GuardPort> => ({ keyPolicy: () => Promise.resolve(observed(JSON.stringify(policy))) })
const held = (says: string) => ({ kind: 'held', reasons: [expect.stringContaining(says) as unknown] })

describe.each(['s3-bucket-encrypted-as-expected', 's3-bucket-encryption-not-weakened'])('%s, under a KMS key', (id) => {
  it.each<[string, Partial<S3BucketFacts>, Partial<GuardPort>, string]>([
    ['the key is not there', {}, { keyStanding: () => Promise.resolve(observed(null)) }, `KMS knows no key ${KEY_ARN}`],
    ['the key is disabled', {}, standing({ state: 'Disabled' }), 'the state of the key'],
    ['the key waits for its deletion', {}, standing({ state: 'PendingDeletion' }), 'PendingDeletion'],
    ['the key is foreign', {}, standing({ keyArn: FOREIGN_KEY_ARN, accountId: OTHER_ACCOUNT }), `belongs to account ${OTHER_ACCOUNT}`],
    ['the key is elsewhere', {}, standing({ region: 'eu-west-1' }), 'is in eu-west-1, the bucket in eu-central-1'],
    ['the key is asymmetric', {}, standing({ spec: 'RSA_2048' }), 'RSA_2048'],
    ['a service writes there', { policy: allows({ Service: 'delivery.logs.amazonaws.com' }) }, {}, 'lets in delivery.logs.amazonaws.com'],
    ['another account is let in', { policy: allows({ AWS: OTHER_ACCOUNT }) }, {}, `lets in account ${OTHER_ACCOUNT}`],
    ['everybody is let in', { policy: allows('*') }, {}, 'lets in everybody'],
    ['somebody unknown is let in', { policy: allows({ CanonicalUser: 'a'.repeat(64) }) }, {}, 'a principal of unknown form'],
    ['the policy is not understood', { policy: 'unreadable' }, {}, 'the bucket policy is not understood'],
  ])('is held where %s', async (_, facts, ports, says) => {
    expect(await guarded(id, KMS, facts, ports)).toEqual(held(says))
  })

  it('is held where no key is named: whose policy would nobody set', async () => {
    expect(await guarded(id, encryptionState({ key: null }))).toEqual(held('no key is named'))
  })

  it('is held with every reason at once', async () => {
    const answer = await guarded(id, KMS, { policy: allows('*') }, standing({ state: 'Disabled', region: 'eu-west-1' }))
    expect(answer).toMatchObject({ kind: 'held', reasons: { length: 3 } })
  })

  it.each<[string, Partial<GuardPort>, readonly string[]]>([
    ['the key', { keyStanding: () => Promise.resolve(DENIED) }, []],
    ['the bucket policy', {}, ['policy']],
  ])('is unread where %s is', async (_, ports, facts) => {
    expect((await guarded(id, KMS, {}, ports, facts)).kind).toBe('unread')
  })

  it('is held where a Bucket Key comes with it, and the key policy names objects in the encryption context', async () => {
    const policy = withPolicy({
      Statement: [{ Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'kms:*', Resource: '*', Condition: OBJECT_CONDITION }],
    })
    const withBucketKey = encryptionState({ isBucketKeyEnabled: true })
    expect(await guarded(id, withBucketKey, {}, policy)).toEqual(held('kms:EncryptionContext:aws:s3:arn'))
    expect(await guarded(id, withBucketKey)).toEqual({ kind: 'clear' })
    expect(await guarded(id, KMS, {}, policy)).toEqual({ kind: 'clear' })
  })

  it.each<[string, AspectState, Partial<S3BucketFacts>]>([
    ['the account alone is let in', KMS, { policy: allows({ AWS: [ACCOUNT, ROLE] }) }],
    ['others are only denied', KMS, { policy: bucketPolicy({ Principal: '*' }) }],
    ['it is SSE-S3, which takes no key', encryptionState({ algorithm: 'AES256', key: null }), { policy: allows('*') }],
  ])('is clear where %s', async (_, after, facts) => {
    expect(await guarded(id, after, facts)).toEqual({ kind: 'clear' })
  })
})

describe('the Bucket Key', () => {
  const id = 's3-bucket-key-enabled'
  const after = encryptionState({ isBucketKeyEnabled: true })
  const ALLOW = { Effect: 'Allow', Principal: { AWS: ROLE }, Action: 'kms:Decrypt', Resource: '*' }

  it('is held where the key policy names objects in the encryption context', async () => {
    expect(await guarded(id, after, {}, withPolicy({ Statement: [{ ...ALLOW, Condition: OBJECT_CONDITION }] }))).toEqual(
      held('kms:EncryptionContext:aws:s3:arn'),
    )
  })

  it.each<[string, Partial<GuardPort>, string]>([
    ['the key policy is not understood', { keyPolicy: () => Promise.resolve(observed('{')) }, 'is not understood'],
    ['the key is not there', { keyStanding: () => Promise.resolve(observed(null)) }, 'KMS knows no key'],
  ])('is held where %s', async (_, ports, says) => {
    expect(await guarded(id, after, {}, ports)).toEqual(held(says))
  })

  it.each<[string, Partial<GuardPort>]>([
    ['the key', { keyStanding: () => Promise.resolve(DENIED) }],
    ['its policy', { keyPolicy: () => Promise.resolve(DENIED) }],
  ])('is unread where %s is', async (_, ports) => {
    expect((await guarded(id, after, {}, ports)).kind).toBe('unread')
  })

  it('is clear with a policy on other things, and under the AWS managed key', async () => {
    expect(await guarded(id, after, {}, withPolicy({ Statement: [ALLOW] }))).toEqual({ kind: 'clear' })
    expect(await guarded(id, encryptionState({ key: null, isBucketKeyEnabled: true }), {}, withPolicy('none'))).toEqual({ kind: 'clear' })
  })
})

describe('the block of SSE-C', () => {
  const id = 's3-bucket-sse-c-blocked'

  it('is held where the policy speaks of SSE-C, or is not understood', async () => {
    expect(await guarded(id, KMS, { policy: bucketPolicy({ Action: 's3:PutObject', Condition: SSE_C_CONDITION }) })).toEqual(held('SSE-C'))
    expect(await guarded(id, KMS, { policy: 'unreadable' })).toEqual(held('not understood'))
  })

  it('is unread where the policy is, and clear otherwise', async () => {
    expect((await guarded(id, KMS, {}, {}, ['policy'])).kind).toBe('unread')
    expect(await guarded(id, KMS, { policy: allows('*') })).toEqual({ kind: 'clear' })
    expect(await guarded(id, KMS)).toEqual({ kind: 'clear' })
  })
})

describe('the denial of plain HTTP', () => {
  const id = 's3-bucket-tls-only'

  it('is held where the bucket is a website, and unread where that is', async () => {
    expect(await guarded(id, POLICY, {}, { isWebsite: () => Promise.resolve(observed(true)) })).toEqual(held('website'))
    expect((await guarded(id, POLICY, {}, { isWebsite: () => Promise.resolve(DENIED) })).kind).toBe('unread')
    expect(await guarded(id, POLICY)).toEqual({ kind: 'clear' })
  })
})

describe('rotation', () => {
  it('breaks nobody', async () => {
    const on: AspectState = { aspect: 'key-rotation', value: { isEnabled: true, periodDays: 365 } }
    expect(await guarded('kms-key-rotation-enabled', on)).toEqual({ kind: 'clear' })
  })
})
