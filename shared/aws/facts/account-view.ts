import { DescribeTrailsCommand, type Trail } from '@aws-sdk/client-cloudtrail'
import { type AliasListEntry, DescribeKeyCommand, paginateListAliases } from '@aws-sdk/client-kms'
import { type Bucket, paginateListBuckets } from '@aws-sdk/client-s3'
import { observed, type Observed } from '../../observed.ts'
import type { BucketKeyStanding, CountedUse } from '../../rules/facts.ts'
import type { EpochS } from '../../time.ts'
import { asked, askedBeside, createShared, itemsOf, present, secondOf } from './asked.ts'
import { type CountedUses, readCountedUses } from './counted-use.ts'
import type { FactParts } from './fact-parts.ts'
import { createLogTargets, type LogTargets } from './log-targets.ts'
import type { AliasScope, FirstKey } from './seen-store.ts'

export type KnownAlias = { readonly alias: string; readonly keyArn: string | null }
export type KnownBucket = { readonly name: string; readonly region: string | null; readonly createdAt: EpochS | null }

/** What is of an account rather than of one resource; each is read once for all resources that ask. */
export type AccountView = {
  aliases(scope: AliasScope): Promise<Observed<readonly KnownAlias[]>>
  firstKeys(scope: AliasScope): Promise<Observed<readonly FirstKey[]>>
  countedUse(keyArn: string): Promise<Observed<CountedUse>>
  buckets(region: string): Promise<Observed<readonly KnownBucket[]>>
  readonly isLogTarget: LogTargets
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

type ViewParts = Pick<FactParts, 'clients' | 'usage' | 'seen' | 'now' | 'readsAllLogging'>

export function createAccountView(parts: ViewParts): AccountView {
  const { clients, usage, seen, now } = parts
  const shared = {
    aliases: createShared<readonly KnownAlias[]>(NAMES_MAX),
    firstKeys: createShared<readonly FirstKey[]>(NAMES_MAX),
    usage: createShared<CountedUses>(1),
    buckets: createShared<readonly KnownBucket[]>(1),
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
      const all = await shared.usage('', () => askedBeside('dynamodb:Query', () => readCountedUses(usage, now)))
      if (!all.known) return all
      const { countedSince, ofKeys } = all.value
      return observed({ countedSince, ...(ofKeys.get(keyArn) ?? { succeeded: 0, failed: {} }) })
    },
    isLogTarget: createLogTargets(parts, buckets),
    keyStanding: (name, region) => shared.standings(`${region} ${name}`, () => readKeyStanding(clients, name, region)),
    trails: (region) =>
      shared.trails(region, () =>
        askedBeside(
          'cloudtrail:DescribeTrails',
          async () => (await clients.cloudTrail(region).send(new DescribeTrailsCommand({}))).trailList ?? [],
        ),
      ),
  }
}

/** The same, read now. */
export async function readKeyStanding(
  clients: Pick<FactParts['clients'], 'kms'>,
  ...[name, region]: Parameters<AccountView['keyStanding']>
): ReturnType<AccountView['keyStanding']> {
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
}

/** The alias says where its key is, and KMS tells the key's ID. */
export function knownAlias({ AliasName, AliasArn, TargetKeyId }: AliasListEntry): KnownAlias {
  const place = present(AliasArn).split(':').slice(0, 5).join(':')
  return { alias: present(AliasName), keyArn: TargetKeyId === undefined ? null : `${place}:key/${TargetKeyId}` }
}

export function knownBucket({ Name, BucketRegion, CreationDate }: Bucket): KnownBucket {
  return { name: present(Name), region: BucketRegion ?? null, createdAt: CreationDate === undefined ? null : secondOf(CreationDate) }
}
