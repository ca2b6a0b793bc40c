import { DescribeTrailsCommand, type Trail } from '@aws-sdk/client-cloudtrail'
import { type AliasListEntry, DescribeKeyCommand, paginateListAliases } from '@aws-sdk/client-kms'
import { type Bucket, GetBucketLoggingCommand, paginateListBuckets } from '@aws-sdk/client-s3'
import type { Observed } from '../../observed.ts'
import { observed, type Unread } from '../../observed.ts'
import type { BucketKeyStanding, KmsKeyFacts } from '../../rules/facts.ts'
import { type EpochS, HOUR_S } from '../../time.ts'
import { readUsage } from '../../usage/read-usage.ts'
import { type Asked, asked, askedBeside, createShared, itemsOf, present, secondOf } from './asked.ts'
import type { FactParts } from './fact-parts.ts'
import type { AliasScope, FirstKey } from './seen-store.ts'

export type KnownAlias = { readonly alias: string; readonly keyArn: string | null }
export type KnownBucket = { readonly name: string; readonly region: string | null; readonly createdAt: EpochS | null }
/** Buckets that receive access logs, as far as each bucket's settings could be read. */
export type LogTargets = { readonly names: ReadonlySet<string>; readonly unread: Unread | null }

/** What is of an account rather than of one resource; each is read once for all resources that ask. */
export type AccountView = {
  aliases(scope: AliasScope): Promise<Observed<readonly KnownAlias[]>>
  firstKeys(scope: AliasScope): Promise<Observed<readonly FirstKey[]>>
  countedUse(keyArn: string): Promise<Observed<KmsKeyFacts['countedUse']>>
  buckets(region: string): Promise<Observed<readonly KnownBucket[]>>
  logTargets(of: AliasScope): Promise<Observed<LogTargets>>
  /** A key by whatever name a bucket of this Region has for it; null: KMS knows no such key. */
  keyStanding(name: string, region: string): Promise<Observed<BucketKeyStanding | null>>
  trails(region: string): Promise<Observed<readonly Trail[]>>
}

/** 50 aliases for each of 100,000 keys, 100 in a page. https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const ALIAS_PAGES_MAX = 50_000
const ALIASES_PER_PAGE = 100
/** An account may be given up to a million buckets. https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html */
const BUCKET_PAGES_MAX = 1000
const BUCKETS_PER_PAGE = 1000
const NAMES_MAX = 10_000
const BUCKETS_AT_A_TIME = 8
const DAY_HOURS = 24

export function createAccountView({ clients, usage, seen, now }: Pick<FactParts, 'clients' | 'usage' | 'seen' | 'now'>): AccountView {
  const shared = {
    aliases: createShared<readonly KnownAlias[]>(NAMES_MAX),
    firstKeys: createShared<readonly FirstKey[]>(NAMES_MAX),
    usage: createShared<ReadonlyMap<string, KmsKeyFacts['countedUse']>>(1),
    buckets: createShared<readonly KnownBucket[]>(1),
    logTargets: createShared<LogTargets>(NAMES_MAX),
    standings: createShared<BucketKeyStanding | null>(NAMES_MAX),
    trails: createShared<readonly Trail[]>(NAMES_MAX),
  }
  const buckets: AccountView['buckets'] = (region) =>
    shared.buckets('', () =>
      askedBeside('s3:ListAllMyBuckets', async () => {
        const pages = paginateListBuckets({ client: clients.s3(region), pageSize: BUCKETS_PER_PAGE }, {})
        return (await itemsOf(pages, BUCKET_PAGES_MAX, (page) => page.Buckets)).map(knownBucket)
      }),
    )

  /** Log target and source are in one Region. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html */
  async function readLogTargets({ accountId, region }: AliasScope): Promise<Observed<LogTargets>> {
    const all = await buckets(region)
    if (!all.known) return all
    const sources = all.value.filter((bucket) => bucket.region === null || bucket.region === region).values()
    const names = new Set<string>()
    let unread: Unread | null = null
    await Promise.all(
      Array.from({ length: BUCKETS_AT_A_TIME }, async () => {
        for (const { name } of sources) {
          const target = await logTargetOf(name, accountId, region)
          // A bucket that is gone sends no logs.
          if (typeof target === 'string') continue
          if (!target.known) unread ??= target
          else if (target.value !== null) names.add(target.value)
        }
      }),
    )
    return observed({ names, unread })
  }

  function logTargetOf(name: string, accountId: string, region: string): Promise<Asked<string | null>> {
    return asked('s3:GetBucketLogging', async () => {
      const command = new GetBucketLoggingCommand({ Bucket: name, ExpectedBucketOwner: accountId })
      return (await clients.s3(region).send(command)).LoggingEnabled?.TargetBucket ?? null
    })
  }

  return {
    buckets,
    aliases: ({ accountId, region }) =>
      shared.aliases(`${accountId} ${region}`, () =>
        askedBeside('kms:ListAliases', async () => {
          const pages = paginateListAliases({ client: clients.kms(region), pageSize: ALIASES_PER_PAGE }, {})
          return (await itemsOf(pages, ALIAS_PAGES_MAX, (page) => page.Aliases)).map(knownAlias)
        }),
      ),
    firstKeys: (scope) =>
      shared.firstKeys(`${scope.accountId} ${scope.region}`, () => askedBeside('dynamodb:Query', () => seen.firstKeys(scope))),
    async countedUse(keyArn) {
      const all = await shared.usage('', () => askedBeside('dynamodb:Query', () => usesOfADay(usage, now)))
      return all.known ? observed(all.value.get(keyArn) ?? { succeeded: 0, failed: {} }) : all
    },
    logTargets: (of) => shared.logTargets(`${of.accountId} ${of.region}`, () => readLogTargets(of)),
    keyStanding: (name, region) =>
      shared.standings(`${region} ${name}`, async () => {
        const answer = await asked<BucketKeyStanding | null>(
          'kms:DescribeKey',
          async () => {
            const [, , , keyRegion = region] = name.startsWith('arn:') ? name.split(':') : []
            const { KeyMetadata: key } = await clients.kms(keyRegion).send(new DescribeKeyCommand({ KeyId: name }))
            const keyArn = present(key?.Arn)
            return {
              keyArn,
              state: present(key?.KeyState),
              spec: present(key?.KeySpec),
              manager: present(key?.KeyManager),
              accountId: present(key?.AWSAccountId),
              region: present(keyArn.split(':')[3]),
            }
          },
          { gone: null },
        )
        return typeof answer === 'string' ? observed(null) : answer
      }),
    trails: (region) =>
      shared.trails(region, () =>
        askedBeside(
          'cloudtrail:DescribeTrails',
          async () => (await clients.cloudTrail(region).send(new DescribeTrailsCommand({}))).trailList ?? [],
        ),
      ),
  }
}

/** Those of the last 24 whole hours and of the hour that runs. */
async function usesOfADay(usage: FactParts['usage'], now: EpochS): Promise<ReadonlyMap<string, KmsKeyFacts['countedUse']>> {
  const hour = now - (now % HOUR_S)
  const tallies = await readUsage(usage, { since: (hour - DAY_HOURS * HOUR_S) as EpochS, until: (hour + HOUR_S) as EpochS })
  const uses = new Map<string, { succeeded: number; failed: Record<string, number> }>()
  for (const { use, count } of tallies) {
    if (use.keyArn === null || use.outcome === 'dryRun') continue
    const ofKey = uses.get(use.keyArn) ?? { succeeded: 0, failed: {} }
    uses.set(use.keyArn, ofKey)
    if (use.outcome === 'succeeded') ofKey.succeeded += count
    else ofKey.failed = { ...ofKey.failed, [use.errorCode ?? '']: (ofKey.failed[use.errorCode ?? ''] ?? 0) + count }
  }
  return uses
}

/** The alias says where its key is, and KMS tells the key's ID. */
export function knownAlias({ AliasName, AliasArn, TargetKeyId }: AliasListEntry): KnownAlias {
  const place = present(AliasArn).split(':').slice(0, 5).join(':')
  return { alias: present(AliasName), keyArn: TargetKeyId === undefined ? null : `${place}:key/${TargetKeyId}` }
}

export function knownBucket({ Name, BucketRegion, CreationDate }: Bucket): KnownBucket {
  return { name: present(Name), region: BucketRegion ?? null, createdAt: CreationDate === undefined ? null : secondOf(CreationDate) }
}
