import { CreateTrailCommand } from '@aws-sdk/client-cloudtrail'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listResources, type ListParts, type ResourcePage } from '../../../shared/aws/facts/list-resources.ts'
import type { ResourceKind } from '../../../shared/rules/facts.ts'
import { type FactGround, openFactGround, START_MS_MAX } from './fact-ground.ts'

const accountId = '000000000000'
const OTHER_REGION = 'eu-west-1'

let ground: FactGround
let parts: ListParts
const keyArns: string[] = []
beforeAll(async () => {
  ground = await openFactGround()
  const { region, clients } = ground.cloud
  parts = {
    clients: ground.parts().clients,
    accountId,
    partition: 'aws',
    regions: [region, OTHER_REGION],
    buckets: 'of all Regions',
    itemsPerPage: 3,
  }
  const other = new KMSClient({ ...ground.access, region: OTHER_REGION })
  for (const kms of [...Array.from({ length: 7 }, () => clients.kms), other])
    keyArns.push((await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '')
  other.destroy()
  await clients.cloudTrail.send(new CreateTrailCommand({ Name: 'wide', S3BucketName: 'trail-bucket', IsMultiRegionTrail: true }))
  for (const Bucket of ['one', 'three', 'four']) await clients.s3.send(new CreateBucketCommand({ Bucket }))
  await clients.s3.send(new CreateBucketCommand({ Bucket: 'two', CreateBucketConfiguration: { LocationConstraint: OTHER_REGION } }))
}, START_MS_MAX)
afterAll(() => ground.close())

async function pagesOf<Kind extends ResourceKind>(kind: Kind, cursor: string | null = null): Promise<readonly ResourcePage<Kind>[]> {
  const pages: ResourcePage<Kind>[] = []
  for await (const page of listResources(parts, kind, cursor)) pages.push(page)
  return pages
}

function arnsOf(pages: readonly ResourcePage<ResourceKind>[]): readonly string[] {
  return pages.flatMap(({ resources }) => resources.map(({ arn }) => arn))
}

describe('resources', () => {
  it('are all keys of all pages and Regions, each once', async () => {
    const pages = await pagesOf('kms_key')
    expect(pages.map(({ resources }) => resources.length)).toEqual([3, 3, 1, 1])
    expect(arnsOf(pages).toSorted()).toEqual(keyArns.toSorted())
    expect(pages.at(-1)).toMatchObject({ next: null, resources: [{ kind: 'kms_key', accountId, region: OTHER_REGION }] })
  })

  it('go on behind any page', async () => {
    const pages = await pagesOf('kms_key')
    for (const [index, { next }] of pages.slice(0, -1).entries()) {
      expect(arnsOf(await pagesOf('kms_key', next))).toEqual(arnsOf(pages.slice(index + 1)))
    }
    await expect(pagesOf('kms_key', '{"region":"mars-1","marker":null,"seen":[]}')).rejects.toThrow('another listing')
  })

  it('are all buckets, each in its own Region', async () => {
    const pages = await pagesOf('s3_bucket')
    expect(pages.map(({ resources }) => resources.length)).toEqual([3, 1])
    const { region: home } = ground.cloud
    const found = pages.flatMap(({ resources }) => resources).map(({ arn, region }) => `${arn} ${region}`)
    expect(found).toEqual([`four ${home}`, `one ${home}`, `three ${home}`, `two ${OTHER_REGION}`].map((bucket) => `arn:aws:s3:::${bucket}`))
    expect(arnsOf(await pagesOf('s3_bucket', pages[0]?.next ?? null))).toEqual(['arn:aws:s3:::two'])
  })

  it.each([
    [['eu-central-1'], ['four', 'one', 'three']],
    [[OTHER_REGION], ['two']],
    [['us-west-2'], []],
    [
      ['us-west-2', OTHER_REGION, 'eu-central-1'],
      ['two', 'four', 'one', 'three'],
    ],
  ])('of a stack in %j are the buckets there, and no others', async (regions, names) => {
    const found: string[] = []
    for await (const { resources, unread } of listResources(
      { ...parts, regions, buckets: 'of the Regions', itemsPerPage: 2 },
      's3_bucket',
    )) {
      expect(unread).toBeNull()
      for (const { arn, region } of resources) found.push(`${arn} ${region}`)
    }
    expect(found).toEqual(names.map((name) => `arn:aws:s3:::${name} ${name === 'two' ? OTHER_REGION : 'eu-central-1'}`))
  })

  it('are all trails: one of all Regions once, at home, wherever the listing goes on', async () => {
    const pages = await pagesOf('cloudtrail_trail')
    const arnOf = (name: string): string => `arn:aws:cloudtrail:${ground.cloud.region}:${accountId}:trail/${name}`
    expect(arnsOf(pages)).toEqual([arnOf('keytrail'), arnOf('wide')])
    expect(new Set(pages.flatMap(({ resources }) => resources.map(({ region }) => region)))).toEqual(new Set([ground.cloud.region]))
    expect(arnsOf(await pagesOf('cloudtrail_trail', pages[0]?.next ?? null))).toEqual([])
    // From another Region alone it is seen too, and belongs to its home.
    const away: ResourcePage<'cloudtrail_trail'>[] = []
    for await (const page of listResources({ ...parts, regions: [OTHER_REGION] }, 'cloudtrail_trail')) away.push(page)
    expect(away[0]?.resources).toMatchObject([{ arn: arnOf('wide'), region: ground.cloud.region }])
  })

  it('are, of trails, those of the account: one of its organization is judged in the management account', async () => {
    const away: ResourcePage<ResourceKind>[] = []
    for await (const page of listResources({ ...parts, accountId: '444455556666' }, 'cloudtrail_trail')) away.push(page)
    expect(arnsOf(away)).toEqual([])
  })

  it('are the account, as it is seen from each Region', async () => {
    const pages = await pagesOf('aws_account')
    expect(pages.map(({ resources }) => resources)).toEqual(
      [ground.cloud.region, OTHER_REGION].map((region) => [
        { kind: 'aws_account', arn: `arn:aws:iam::${accountId}:root`, accountId, region },
      ]),
    )
  })

  it('are the own stack, where there is one', async () => {
    const pages = await pagesOf('keytrail_stack')
    expect(arnsOf(pages)).toEqual([expect.stringContaining(':stack/keytrail/')])
    expect(pages.map(({ unread }) => unread)).toEqual([null, null])
  })

  it('tell of a Region that cannot be read, and go on with the others', async () => {
    ground.faultOf = (operation) => (operation === 'ListKeys' ? { status: 400, code: 'AccessDeniedException' } : null)
    expect(await pagesOf('kms_key')).toMatchObject([
      { resources: [], unread: { action: 'kms:ListKeys', because: 'denied', code: 'AccessDeniedException' } },
      { resources: [], unread: { action: 'kms:ListKeys' }, next: null },
    ])
    ground.faultOf = () => null
  })
})
