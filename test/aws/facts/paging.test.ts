import { afterEach, expect, it } from 'vitest'
import { createAccountView } from '../../../shared/aws/facts/account-view.ts'
import { createFactClients } from '../../../shared/aws/facts/clients.ts'
import type { FactParts } from '../../../shared/aws/facts/fact-parts.ts'
import { NOWHERE } from '../../../shared/aws/facts/nowhere.ts'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import type { KmsKeyFacts } from '../../../shared/rules/facts.ts'
import { isJsonObject, textOf } from '../../../shared/json.ts'
import type { EpochS } from '../../../shared/time.ts'
import { type Answer, type Answering, answering, type Called } from './answering.ts'
import { valuesOf } from './fact-ground.ts'

const region = 'eu-central-1'
const accountId = '111122223333'
const KEY = `arn:aws:kms:${region}:${accountId}:key/c0083aa4-172b-4057-adf6-de64be04111c`
const PER_PAGE = 100
const COUNT = 101

let aws: Answering
afterEach(() => aws.close())

/** As many items as there are, in pages with a marker between. */
const ITEMS: Readonly<Record<string, readonly [member: string, item: (index: number) => object]>> = {
  ListGrants: ['Grants', (index) => ({ GrantId: `grant-${index}`, GranteePrincipal: 'somebody', Operations: ['Decrypt'] })],
  ListAliases: ['Aliases', (index) => aliasOf(index)],
  ListResourceTags: ['Tags', (index) => ({ TagKey: `tag-${index}`, TagValue: 'x' })],
  ListKeyRotations: ['Rotations', (index) => ({ KeyId: KEY, RotationDate: 1_700_000_000 + index, RotationType: 'ON_DEMAND' })],
}

function aliasOf(index: number): object {
  return { AliasName: `alias/a-${index}`, AliasArn: `arn:aws:kms:${region}:${accountId}:alias/a-${index}`, TargetKeyId: KEY.split('/')[1] }
}

function paged({ operation, query, input }: Called): Answer {
  const [member, item] = ITEMS[operation] ?? ['', () => ({})]
  const marker = member === '' ? query.get('continuation-token') : isJsonObject(input) ? textOf(input, 'Marker') : null
  const from = Number(marker ?? 0)
  const indexes = Array.from({ length: Math.min(PER_PAGE, COUNT - from) }, (_, index) => from + index)
  const next = from + PER_PAGE < COUNT ? String(from + PER_PAGE) : null
  if (member !== '') return { body: JSON.stringify({ [member]: indexes.map(item), Truncated: next !== null, NextMarker: next }) }
  const buckets = indexes.map((index) => `<Bucket><Name>bucket-${index}</Name><BucketRegion>${region}</BucketRegion></Bucket>`)
  const token = next === null ? '' : `<ContinuationToken>${next}</ContinuationToken>`
  const body = `<ListAllMyBucketsResult><Buckets>${buckets.join('')}</Buckets>${token}</ListAllMyBucketsResult>`
  return { type: 'application/xml', body }
}

async function parts(): Promise<FactParts> {
  aws = await answering(paged)
  const ownStack = { rules: [], queues: [], functions: [], queueUrls: new Map(), roleNames: new Map() }
  const clients = createFactClients(aws.access, { attemptsMax: 1, quotaShare: 1000 })
  return { clients, ...NOWHERE, ownStack, now: 1_792_476_000 as EpochS, extent: 'event', madeAt: null }
}

it.each<readonly [fact: keyof KmsKeyFacts, count: (facts: KmsKeyFacts) => number]>([
  ['grants', ({ grants }) => new Set(grants.map(({ id }) => id)).size],
  ['aliases', ({ aliases }) => new Set(aliases).size],
  ['tags', ({ tags }) => Object.keys(tags).length],
  ['rotations', ({ rotations }) => new Set(rotations.map(({ at }) => at)).size],
])('the %s of a key are those of all pages', async (fact, count) => {
  const own = await parts()
  const facts = await createFactReader(own)({ kind: 'kms_key', arn: KEY, accountId, region })([fact])
  expect(count(valuesOf('kms_key', facts))).toBe(COUNT)
  own.clients.destroy()
})

it('aliases and buckets of an account are those of all pages', async () => {
  const own = await parts()
  const account = createAccountView(own)
  for (const all of [await account.aliases({ accountId, region }), await account.buckets(region)])
    expect(all.known ? all.value.length : all).toBe(COUNT)
  own.clients.destroy()
})
