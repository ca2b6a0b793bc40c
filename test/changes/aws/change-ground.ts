import { CreateKeyCommand, type CreateKeyCommandInput } from '@aws-sdk/client-kms'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { randomUUID } from 'node:crypto'
import { type ChangesSettings, createStackChanges, type StackChanges } from '../../../shared/aws/changes/stack-changes.ts'
import { createFactClients, type FactClients } from '../../../shared/aws/facts/clients.ts'
import { type Policy, readPolicy } from '../../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../../shared/rules/all-rules.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { type FactGround, openFactGround } from '../../aws/facts/fact-ground.ts'
import { refOf } from '../../support/local-cloud.ts'

/** Of the local cloud. */
export const REGION = 'eu-central-1'
const ACCOUNT = '000000000000'
/** The quotas are AWS's. */
const QUOTA_SHARE = 1000

/** A local cloud with keys and buckets to change. */
export type ChangeGround = FactGround & {
  readonly clients: FactClients
  readonly s3: S3Client
  newKey(input?: CreateKeyCommandInput): Promise<Resource<'kms_key'>>
  newBucket(region?: string): Promise<Resource<'s3_bucket'>>
  /** Over the tables of the stack, with what `keytrail.yml` says if there is none. */
  stackChanges(settings?: Partial<ChangesSettings>): StackChanges
}

export async function openChangeGround(options: { readonly isDelivered?: boolean } = {}): Promise<ChangeGround> {
  const ground = await openFactGround(options)
  // Once more: a connection may be closed from the other side just when it is used again.
  const clients = createFactClients(ground.access, { attemptsMax: 2, quotaShare: QUOTA_SHARE })
  const s3 = clients.s3(REGION)
  let buckets = 0
  const opened: StackChanges[] = []
  const { close } = ground
  return Object.assign(ground, {
    stackChanges(settings: Partial<ChangesSettings> = {}) {
      const made = createStackChanges(
        { ...settingsOf(ground), ...settings },
        { rules: ALL_RULES, policy: noPolicy(ground), newToken: randomUUID },
      )
      opened.push(made)
      return made
    },
    async close() {
      for (const each of opened) each.close()
      clients.destroy()
      await close()
    },
    clients,
    s3,
    async newKey(input: CreateKeyCommandInput = {}) {
      const { KeyMetadata } = await ground.cloud.clients.kms.send(new CreateKeyCommand(input))
      return { kind: 'kms_key', arn: KeyMetadata?.Arn ?? '', accountId: ACCOUNT, region: REGION } as const
    },
    async newBucket(region = REGION) {
      const Bucket = `changed-${buckets++}`
      const place = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }
      await s3.send(new CreateBucketCommand({ Bucket, ...place }))
      return bucketNamed(Bucket, region)
    },
  })
}

function settingsOf({ cloud, access }: FactGround): ChangesSettings {
  return {
    place: { accountId: ACCOUNT, partition: 'aws', region: REGION },
    controlTable: refOf(cloud, 'ControlTable'),
    usageTable: refOf(cloud, 'UsageTable'),
    findingsTable: refOf(cloud, 'FindingsTable'),
    findingsTopic: refOf(cloud, 'FindingsTopic'),
    countedAccounts: new Set([ACCOUNT]),
    quotaShare: QUOTA_SHARE,
    access,
  }
}

function noPolicy(ground: FactGround): Policy {
  const read = readPolicy(new Uint8Array(), { rules: ALL_RULES, now: ground.now() })
  if (!read.ok) throw new Error('no file is a policy')
  return read.policy
}

export function bucketNamed(name: string, region = REGION): Resource<'s3_bucket'> {
  return { kind: 's3_bucket', arn: `arn:aws:s3:::${name}`, accountId: ACCOUNT, region }
}
