import { CreateKeyCommand, DisableKeyRotationCommand, EnableKeyRotationCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutBucketEncryptionCommand, type ServerSideEncryptionRule } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import { createTable } from '../../shared/aws/table.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'

const BUCKET = 'northwind-orders'
const BUCKET_ARN = `arn:aws:s3:::${BUCKET}`
const SECONDS_MS = 30_000
/** A digest goes ten minutes after the last one at the earliest, and the schedule comes by every five. */
const DIGEST_MS = 16 * 60_000

let cloud: WatchedCloud

beforeAll(async () => {
  cloud = await startCloud({ idle: [], parameters: { FindingsEmail: 'security@example.com' } })
})
afterAll(() => cloud.close())

async function findings(status: Finding['status']): Promise<readonly (readonly [ruleId: string, arn: string])[]> {
  const store = createFindingsTable(createTable(cloud.clients.dynamodb, refOf(cloud, 'FindingsTable')), () => 'none')
  const found: (readonly [string, string])[] = []
  for await (const { finding } of store.withStatus(status)) found.push([finding.ruleId, finding.resource.arn])
  return found
}

async function encrypt(rule: ServerSideEncryptionRule): Promise<void> {
  await cloud.clients.s3.send(new PutBucketEncryptionCommand({ Bucket: BUCKET, ServerSideEncryptionConfiguration: { Rules: [rule] } }))
}

async function pass(ms: number): Promise<void> {
  await cloud.clock.advance(ms)
  await cloud.settle()
}

describe('encryption that weakens in the local cloud, with the unmodified SDK', () => {
  it('is reported within seconds, told by the next digest, and told to be in order again', async () => {
    const { kms, s3 } = cloud.clients
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
    const keyArn = KeyMetadata?.Arn ?? ''
    const strong = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn },
      BucketKeyEnabled: true,
    } as const
    await kms.send(new EnableKeyRotationCommand({ KeyId: keyArn }))
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    await encrypt(strong)
    await pass(SECONDS_MS)
    const wanted = [
      ['s3-bucket-encryption-not-weakened', BUCKET_ARN],
      ['kms-key-rotation-enabled', keyArn],
    ]
    for (const finding of wanted) expect(await findings('failing')).not.toContainEqual(finding)

    await encrypt({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } })
    await kms.send(new DisableKeyRotationCommand({ KeyId: keyArn }))
    await pass(SECONDS_MS)
    for (const finding of wanted) expect(await findings('failing')).toContainEqual(finding)
    await pass(DIGEST_MS)
    const told = cloud.mail()
    expect(told.map(({ to }) => to)).toContain('security@example.com')
    const text = told.map(({ body }) => body).join('\n')
    expect(text).toContain('the default encryption is AES256, on 2026-10-20 it was aws:kms')
    expect(text).toContain('automatic rotation is off')

    await encrypt(strong)
    await kms.send(new EnableKeyRotationCommand({ KeyId: keyArn }))
    await pass(SECONDS_MS)
    for (const finding of wanted) expect(await findings('passing')).toContainEqual(finding)
    await pass(DIGEST_MS)
    expect(cloud.mail()[0]?.body).toContain('IN ORDER AGAIN (2)')
    expect(cloud.faults).toEqual([])
    expect(cloud.lines.filter((line) => line.includes('"level":"ERROR"'))).toEqual([])
  })
})
