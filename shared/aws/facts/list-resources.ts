import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail'
import { ListKeysCommand } from '@aws-sdk/client-kms'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { isJsonObject, memberOf, textOf } from '../../json.ts'
import { observed, type Unread } from '../../observed.ts'
import type { ResourceKind } from '../../rules/facts.ts'
import type { Resource } from '../../rules/rule.ts'
import { knownBucket } from './account-view.ts'
import { type Asked, asked, isRead, isUnread, present } from './asked.ts'
import type { FactClients } from './clients.ts'

export type ListParts = {
  readonly clients: FactClients
  readonly accountId: string
  readonly partition: string
  /** Regions to look in, at least one. */
  readonly regions: readonly string[]
  /** Of those Regions, or of all of AWS in one listing: two stacks of an account must not both tell of the same bucket. */
  readonly buckets: 'of the Regions' | 'of all Regions'
  /** Of keys and buckets; left out: as many as AWS gives. Who stops between pages wants them short. */
  readonly itemsPerPage?: number
}

/** Some resources of a kind. */
export type ResourcePage<Kind extends ResourceKind> = {
  readonly resources: readonly Resource<Kind>[]
  /** Why the rest of a Region is missing; null: nothing is. */
  readonly unread: Unread | null
  /** Where to go on after this page, as JSON; null: it was the last. */
  readonly next: string | null
}

/** Where listing stands: in which Region, and behind which page of it. */
type Cursor = {
  readonly region: string
  readonly marker: string | null
  /** ARNs of trails that were listed in Regions before this and may show up again. */
  readonly seen: readonly string[]
}
type Found = { readonly resources: readonly Resource[]; readonly marker: string | null; readonly seen?: readonly string[] }

/** The most that a page holds. https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html and API_ListBuckets of S3 */
const ITEMS_PER_PAGE_MAX = 1000
/** 100,000 keys in each Region, a million buckets, and short pages. */
const PAGES_MAX = 1_000_000
/** serverless.yml: `stackName`. */
const STACK_NAME = 'keytrail'

/**
 * All resources of a kind, page by page, each once. A Region that cannot be read is told, and the others are read.
 * @param cursor `next` of the page to go on behind; null: from the start
 * @throws if the cursor is none of these Regions
 */
export async function* listResources<Kind extends ResourceKind>(
  parts: ListParts,
  kind: Kind,
  cursor: string | null = null,
): AsyncGenerator<ResourcePage<Kind>> {
  // All Regions are asked for in the first.
  const regions = kind === 's3_bucket' && parts.buckets === 'of all Regions' ? parts.regions.slice(0, 1) : parts.regions
  let at: Cursor | null = cursor === null ? firstCursor(regions) : parsedCursor(cursor, regions)
  for (let pages = 0; at !== null; pages++) {
    if (pages === PAGES_MAX) throw new Error(`more than ${PAGES_MAX} pages of ${kind}`)
    const { region, marker, seen }: Cursor = at
    const found: Asked<Found> = await pageOf(parts, kind, at)
    const page: Found = isRead(found) ? found.value : { resources: [], marker: null }
    at = page.marker === null ? cursorBehind(regions, region, page.seen ?? seen) : { region, marker: page.marker, seen }
    // `pageOf` makes resources of the kind that it is asked for.
    const resources = page.resources as readonly Resource<Kind>[]
    yield { resources, unread: isUnread(found) ? found : null, next: at === null ? null : JSON.stringify(at) }
    if (marker !== null && marker === page.marker) throw new Error(`the pages of ${kind} in ${region} go round in a circle`)
  }
}

function pageOf(parts: ListParts, kind: ResourceKind, cursor: Cursor): Promise<Asked<Found>> {
  switch (kind) {
    case 'kms_key':
      return keysOf(parts, cursor)
    case 's3_bucket':
      return bucketsOf(parts, cursor)
    case 'cloudtrail_trail':
      return trailsOf(parts, cursor)
    case 'aws_account':
      return Promise.resolve(observed(accountIn(parts, cursor)))
    case 'keytrail_stack':
      return stackOf(parts, cursor)
  }
}

function keysOf({ clients, accountId, itemsPerPage = ITEMS_PER_PAGE_MAX }: ListParts, { region, marker }: Cursor): Promise<Asked<Found>> {
  return asked('kms:ListKeys', async () => {
    const command = new ListKeysCommand({ Limit: itemsPerPage, ...(marker === null ? {} : { Marker: marker }) })
    const { Keys = [], Truncated = false, NextMarker } = await clients.kms(region).send(command)
    const resources = Keys.map(({ KeyArn }): Resource => ({ kind: 'kms_key', arn: present(KeyArn), accountId, region }))
    return { resources, marker: Truncated ? present(NextMarker) : null }
  })
}

function bucketsOf(
  { clients, accountId, partition, buckets, itemsPerPage = ITEMS_PER_PAGE_MAX }: ListParts,
  { region, marker }: Cursor,
): Promise<Asked<Found>> {
  return asked('s3:ListAllMyBuckets', async () => {
    const command = new ListBucketsCommand({
      MaxBuckets: itemsPerPage,
      // A Region's own endpoint takes no other: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
      ...(buckets === 'of the Regions' && { BucketRegion: region }),
      ...(marker !== null && { ContinuationToken: marker }),
    })
    const { Buckets = [], ContinuationToken = null } = await clients.s3(region).send(command)
    const resources = Buckets.map(knownBucket).map((bucket): Resource => ({
      kind: 's3_bucket',
      arn: `arn:${partition}:s3:::${bucket.name}`,
      accountId,
      region: bucket.region ?? region,
    }))
    return { resources, marker: ContinuationToken }
  })
}

/**
 * A trail of all Regions shows in each of them; where it is at home it is read. A trail of an organization shows in every member account, which
 * cannot read all of it nor change it: it is judged in the management account, and here as one of the trails that an account has.
 */
function trailsOf({ clients, accountId }: ListParts, { region, seen }: Cursor): Promise<Asked<Found>> {
  return asked('cloudtrail:DescribeTrails', async () => {
    const { trailList = [] } = await clients.cloudTrail(region).send(new DescribeTrailsCommand({}))
    const own = trailList.filter(({ TrailARN }) => present(TrailARN).split(':')[4] === accountId)
    const fresh = own.filter(({ TrailARN }) => !seen.includes(present(TrailARN)))
    const resources = fresh.map((trail): Resource => {
      return { kind: 'cloudtrail_trail', arn: present(trail.TrailARN), accountId, region: trail.HomeRegion ?? region }
    })
    const wide = fresh.flatMap(({ IsMultiRegionTrail, TrailARN }) => (IsMultiRegionTrail === true ? [present(TrailARN)] : []))
    return { resources, marker: null, seen: [...seen, ...wide] }
  })
}

/** The account as it is seen from each Region. */
function accountIn({ accountId, partition }: ListParts, { region }: Cursor): Found {
  return { resources: [{ kind: 'aws_account', arn: `arn:${partition}:iam::${accountId}:root`, accountId, region }], marker: null }
}

/** Null answers: most Regions have no such stack. */
function stackOf({ clients, accountId }: ListParts, { region }: Cursor): Promise<Asked<Found>> {
  return asked<Found>(
    'cloudformation:DescribeStacks',
    async () => {
      const { Stacks = [] } = await clients.cloudFormation(region).send(new DescribeStacksCommand({ StackName: STACK_NAME }))
      const resources = Stacks.map(({ StackId }): Resource => ({ kind: 'keytrail_stack', arn: present(StackId), accountId, region }))
      return { resources, marker: null }
    },
    { gone: { resources: [], marker: null } },
  )
}

function firstCursor(regions: readonly string[]): Cursor | null {
  const [region] = regions
  return region === undefined ? null : { region, marker: null, seen: [] }
}

function cursorBehind(regions: readonly string[], region: string, seen: readonly string[]): Cursor | null {
  const next = regions[regions.indexOf(region) + 1]
  return next === undefined ? null : { region: next, marker: null, seen }
}

function parsedCursor(text: string, regions: readonly string[]): Cursor {
  const value: unknown = JSON.parse(text)
  const region = isJsonObject(value) ? textOf(value, 'region') : null
  const seen: unknown = isJsonObject(value) ? memberOf(value, 'seen') : null
  if (!isJsonObject(value) || region === null || !regions.includes(region) || !Array.isArray(seen))
    throw new Error('the cursor is of another listing')
  return { region, marker: textOf(value, 'marker'), seen: seen.filter((arn) => typeof arn === 'string') }
}
