import { expect, it } from 'vitest'
import { ATTEMPTS_MAX } from '../../shared/audit/again-message.ts'
import { auditOne, type Outcome } from '../../shared/audit/audit-one.ts'
import { observed, type Observed, unread } from '../../shared/observed.ts'
import { parsePolicy } from '../../shared/rules/policy/document.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { s3BucketTlsOnly } from '../../shared/rules/s3/bucket-tls-only.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { ACCOUNT, auditPorts } from './audit-ground.ts'

const BUCKET: Resource = { kind: 's3_bucket', arn: 'arn:aws:s3:::orders', accountId: ACCOUNT, region: 'us-east-1' }
const FAILED = unread('s3:GetBucketPolicy', 'failed', 'SlowDown')
const PLAIN = { Bool: { 'aws:SecureTransport': 'false' } }

function denying(conditions: object): Observed<unknown> {
  const resources = [BUCKET.arn, `${BUCKET.arn}/*`]
  return observed(
    parsePolicy(
      JSON.stringify({ Statement: { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: resources, Condition: conditions } }),
    ),
  )
}

/** A bucket whose finding passes: it had no policy, and got one. */
async function passingBucket() {
  const store = createMemoryFindingStore()
  let policy: Observed<unknown> = observed(null)
  const reader = () => async () => ({ policy })
  const ports = auditPorts(store, reader, { rules: [s3BucketTlsOnly] })
  const auditAt = (now: Observed<unknown>, attempt: number): Promise<Outcome> => {
    policy = now
    return auditOne({ resource: BUCKET, eventId: null, madeAt: null, attempt }, ports)
  }
  const status = async () => (await store.ofResource(BUCKET)).map(({ finding }) => finding.status)
  await auditAt(observed(null), 0)
  await auditAt(denying(PLAIN), 0)
  expect(await status()).toEqual(['passing'])
  return { auditAt, status }
}

it('says at once that what passed is not understood any more, and does not ask again', async () => {
  const { auditAt, status } = await passingBucket()
  const weakened = denying({ ...PLAIN, DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } })
  expect(await auditAt(weakened, 0)).toMatchObject({ kind: 'done', changes: 1 })
  expect(await status()).toEqual(['unknown'])
})

it('says after the last attempt, and not before, that what passed cannot be read any more', async () => {
  const { auditAt, status } = await passingBucket()
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++)
    expect(await auditAt(FAILED, attempt)).toMatchObject({ kind: 'again', changes: 0 })
  expect(await status()).toEqual(['passing'])
  expect(await auditAt(FAILED, ATTEMPTS_MAX)).toMatchObject({ kind: 'done', changes: 1 })
  expect(await status()).toEqual(['unknown'])
})
