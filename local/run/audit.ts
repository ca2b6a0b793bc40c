import { CreateKeyCommand, DisableKeyRotationCommand, EnableKeyRotationCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutBucketEncryptionCommand, type ServerSideEncryptionRule } from '@aws-sdk/client-s3'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import { createTable } from '../../shared/aws/table.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import type { LocalCloud } from '../cloud.ts'

/** A bucket under SSE-KMS and a key that rotates: what is going to be weakened. */
export type Audited = { readonly bucket: string; readonly keyArn: string }

/** Who hears of findings in a run. */
export const FINDINGS_EMAIL = 'security@example.com'
const BUCKET = 'keytrail-run-orders'
const WEAKENED = ['s3-bucket-encryption-not-weakened', 'kms-key-rotation-enabled']

export async function makeAudited({ clients: { kms, s3 } }: LocalCloud): Promise<Audited> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'of a bucket that Keytrail audits' }))
  const keyArn = KeyMetadata?.Arn ?? ''
  await kms.send(new EnableKeyRotationCommand({ KeyId: keyArn }))
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn }, BucketKeyEnabled: true } as const
  await s3.send(new PutBucketEncryptionCommand(encryptionOf(rule)))
  return { bucket: BUCKET, keyArn }
}

export async function weaken({ clients: { kms, s3 } }: LocalCloud, { keyArn }: Audited): Promise<void> {
  await s3.send(new PutBucketEncryptionCommand(encryptionOf({ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } })))
  await kms.send(new DisableKeyRotationCommand({ KeyId: keyArn }))
}

/** What Keytrail found of it, and the mail that told. */
export async function readAudit(cloud: LocalCloud, { bucket, keyArn }: Audited): Promise<RunReport['audit']> {
  const store = createFindingsTable(createTable(cloud.clients.dynamodb, cloud.made.get('FindingsTable')?.ref ?? ''), () => '')
  const place = { accountId: cloud.accountId, region: cloud.region }
  const found: Finding[] = []
  for (const arn of [`arn:aws:s3:::${bucket}`, keyArn])
    found.push(
      ...(await store.ofResource({ ...place, arn })).map(({ finding }) => finding).filter(({ ruleId }) => WEAKENED.includes(ruleId)),
    )
  const mails = cloud.mail().filter(({ body }) => found.some(({ id }) => body.includes(id)))
  return {
    bucket,
    keyArn,
    findings: found.map(({ ruleId, severity, status, reason, resource }) => ({ ruleId, severity, status, reason, arn: resource.arn })),
    mails: mails.map(({ to, subject, body }) => ({ to, subject, body })),
  }
}

function encryptionOf(rule: ServerSideEncryptionRule) {
  return { Bucket: BUCKET, ServerSideEncryptionConfiguration: { Rules: [rule] } }
}
