import { type AdoptGround, type AdoptPattern, aliasesToAdopt } from '../../changes/retire/adopt.ts'
import type { KeyReading, RetireKeyPort } from '../../changes/retire/reading.ts'
import { observed, type Observed, unread } from '../../observed.ts'
import { matchesPattern } from '../../text-pattern.ts'
import { createAccountView } from '../facts/account-view.ts'
import type { FactParts } from '../facts/fact-parts.ts'
import { s3BucketSources } from '../facts/s3-bucket-facts.ts'
import type { AliasScope } from '../facts/seen-store.ts'
import type { Table } from '../table.ts'
import { registeredNames } from './demo-registry.ts'

/** What of an account and a Region decides what can be adopted there. */
export type AdoptReading = Pick<AdoptGround, 'aliases' | 'readings' | 'buckets' | 'registered'>

type AdoptParts = {
  readonly parts: FactParts
  readonly keys: Pick<RetireKeyPort, 'read'>
  readonly control: Table
  readonly scope: AliasScope & { readonly partition: string }
}

/** All aliases or all buckets of a Region, of all pages, and more of those that the pattern matches. A part is not taken for the whole. */
export async function readAdoptGround(pattern: AdoptPattern, { parts, keys, control, scope }: AdoptParts): Promise<Observed<AdoptReading>> {
  const account = createAccountView(parts)
  const registered = await registeredNames(control)
  if (pattern.kind === 'alias') {
    const listed = await account.aliases(scope)
    if (!listed.known) return listed
    const aliases = listed.value.map(({ alias, keyArn }) => ({ name: alias, keyArn }))
    const readings = new Map<string, KeyReading>()
    for (const { keyArn } of aliasesToAdopt(pattern, aliases)) if (!readings.has(keyArn)) readings.set(keyArn, await keys.read(keyArn))
    return observed({ aliases, readings, buckets: [], registered })
  }
  const { accountId, region, partition } = scope
  const listed = await account.buckets(region)
  if (!listed.known) return listed
  const own = listed.value.filter((bucket) => (bucket.region ?? region) === region && matchesPattern(pattern.pattern, bucket.name))
  const buckets: AdoptGround['buckets'][number][] = []
  for (const { name } of own) {
    const resource = { kind: 's3_bucket', arn: `arn:${partition}:s3:::${name}`, accountId, region } as const
    const tags = await s3BucketSources(resource, parts, account).tags()
    buckets.push({ name, tags: typeof tags === 'string' ? unread('s3:GetBucketTagging', 'failed', 'BucketIsGone') : tags })
  }
  return observed({ aliases: [], readings: new Map(), buckets, registered })
}
