import {
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { observed } from '../../observed.ts'
import type { BucketEncryptionRule, S3BucketFacts } from '../../rules/facts.ts'
import { parsePolicy } from '../../rules/policy/document.ts'
import type { Resource } from '../../rules/rule.ts'
import type { AccountView } from './account-view.ts'
import { type Asked, asked, askedBeside, isRead, once, present } from './asked.ts'
import type { FactParts, FactSources } from './fact-parts.ts'

/** What every bucket has that was never told otherwise. https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
const EVERY_BUCKET: BucketEncryptionRule = { algorithm: 'AES256', key: null, isBucketKeyEnabled: false, blockedTypes: [] }
/** Says that nothing is blocked. https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html */
const NOTHING_BLOCKED = 'NONE'
/** Regions whose buckets say something else, or nothing. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
const NAMELESS_REGION = 'us-east-1'
const REGION_OF_OLD_NAME: Readonly<Record<string, string>> = { EU: 'eu-west-1' }

export function s3BucketSources(resource: Resource, parts: FactParts, account: AccountView): FactSources<'s3_bucket'> {
  const { arn, accountId, region } = resource
  const { clients, seen, now } = parts
  const client = clients.s3(region)
  const own = ownBucket({ arn, accountId })
  const { Bucket } = own

  const encryption = once((): Promise<Asked<readonly BucketEncryptionRule[]>> =>
    asked(
      's3:GetEncryptionConfiguration',
      async () => {
        const { ServerSideEncryptionConfiguration: found } = await client.send(new GetBucketEncryptionCommand(own))
        const rules = (found?.Rules ?? []).map(encryptionRule)
        return rules.length === 0 ? [EVERY_BUCKET] : rules
      },
      { absent: [EVERY_BUCKET] },
    ),
  )

  const seenBucket = once(() => askedBeside('dynamodb:Query', () => seen.bucket(arn)))

  async function defaultKey(): Promise<Asked<S3BucketFacts['defaultKey']>> {
    const rules = await encryption()
    if (!isRead(rules)) return rules
    const name = rules.value.find(({ key }) => key !== null)?.key ?? null
    const standing = name === null ? observed(null) : await account.keyStanding(name, region)
    if (!standing.known || standing.value === null) return standing
    // An event about the key finds the way to its buckets by that. What could not be noted is noted by the next audit.
    const { keyArn } = standing.value
    const before = await seenBucket()
    if (before.known) await askedBeside('dynamodb:PutItem', () => seen.noteDefaultKey(resource, keyArn, before.value.keyArn))
    return standing
  }

  /** What was seen before this time; this time is noted. */
  async function strongestSeen(): Promise<Asked<S3BucketFacts['strongestSeen']>> {
    const before = await seenBucket()
    const rules = await encryption()
    const [first] = isRead(rules) ? rules.value : []
    if (!before.known) return before
    if (first === undefined) return observed(before.value.strongest)
    const { algorithm, key } = first
    const noted = await askedBeside('dynamodb:PutItem', () => seen.noteEncryption(arn, { algorithm, key, seenAt: now }))
    return noted.known ? observed(before.value.strongest) : noted
  }

  return {
    region: once(() => readBucketRegion(parts, resource)),
    async createdAt() {
      const all = await account.buckets(region)
      if (!all.known) return all
      const found = all.value.find(({ name }) => name === Bucket)
      return found === undefined ? 'gone' : observed(found.createdAt)
    },
    encryption,
    defaultKey: once(defaultKey),
    policy: once(() =>
      asked<S3BucketFacts['policy']>(
        's3:GetBucketPolicy',
        async () => parsePolicy(present((await client.send(new GetBucketPolicyCommand(own))).Policy)) ?? 'unreadable',
        { absent: null },
      ),
    ),
    tags: once(() =>
      asked<S3BucketFacts['tags']>(
        's3:GetBucketTagging',
        async () => {
          const { TagSet = [] } = await client.send(new GetBucketTaggingCommand(own))
          return Object.fromEntries(TagSet.map(({ Key, Value }) => [present(Key), Value ?? '']))
        },
        { absent: {} },
      ),
    ),
    isLogTarget: once(() => account.isLogTarget({ accountId, region }, Bucket)),
    strongestSeen: once(strongestSeen),
  }
}

/** Where a bucket is, whatever Region the resource says. */
export function readBucketRegion({ clients }: Pick<FactParts, 'clients'>, resource: Resource): Promise<Asked<string>> {
  return asked('s3:GetBucketLocation', async () => {
    const command = new GetBucketLocationCommand(ownBucket(resource))
    const { LocationConstraint: place } = await clients.s3(resource.region).send(command)
    return place === undefined ? NAMELESS_REGION : (REGION_OF_OLD_NAME[place] ?? place)
  })
}

/** What calls about a bucket name it by: a name that somebody else has taken over is not this bucket. */
export function ownBucket({ arn, accountId }: Pick<Resource, 'arn' | 'accountId'>): {
  readonly Bucket: string
  readonly ExpectedBucketOwner: string
} {
  return { Bucket: bucketName(arn), ExpectedBucketOwner: accountId }
}

/** Of the ARN of a bucket, `arn:<partition>:s3:::<name>`. */
function bucketName(arn: string): string {
  return arn.split(':').slice(5).join(':')
}

function encryptionRule(rule: ServerSideEncryptionRule): BucketEncryptionRule {
  const byDefault = rule.ApplyServerSideEncryptionByDefault
  return {
    algorithm: byDefault?.SSEAlgorithm ?? EVERY_BUCKET.algorithm,
    key: byDefault?.KMSMasterKeyID ?? null,
    isBucketKeyEnabled: rule.BucketKeyEnabled ?? false,
    blockedTypes: (rule.BlockedEncryptionTypes?.EncryptionType ?? []).filter((type) => type !== NOTHING_BLOCKED),
  }
}
