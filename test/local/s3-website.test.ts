import { DeleteBucketCommand, GetBucketWebsiteCommand, PutBucketWebsiteCommand, type WebsiteConfiguration } from '@aws-sdk/client-s3'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, makeBucket, openS3Ground, type S3Ground } from './s3-ground.ts'

let cloud: S3Ground

beforeAll(async () => {
  cloud = await openS3Ground()
})
afterAll(() => cloud.remove())

function put(Bucket: string, WebsiteConfiguration: WebsiteConfiguration): Promise<unknown> {
  return cloud.s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }))
}

describe('a bucket that is a website', () => {
  it.each<WebsiteConfiguration>([
    { IndexDocument: { Suffix: 'index.html' } },
    { IndexDocument: { Suffix: 'a & b' }, ErrorDocument: { Key: '<error>' } },
    { RedirectAllRequestsTo: { HostName: 'example.com' } },
  ])('tells it as it was put: %j', async (website) => {
    const Bucket = await makeBucket(cloud.s3, `website-${randomUUID()}`)
    await put(Bucket, website)
    expect(await cloud.s3.send(new GetBucketWebsiteCommand({ Bucket }))).toMatchObject(website)
  })

  it.each<readonly [WebsiteConfiguration, string]>([
    [{}, 'MalformedXML'],
    [{ IndexDocument: { Suffix: '' } }, 'MalformedXML'],
    [{ ErrorDocument: { Key: 'error.html' } }, 'MalformedXML'],
    [{ RedirectAllRequestsTo: { HostName: 'example.com' }, IndexDocument: { Suffix: 'index.html' } }, 'MalformedXML'],
    [{ IndexDocument: { Suffix: 'a' }, RoutingRules: [{ Redirect: { HostName: 'example.com' } }] }, 'NotImplemented'],
  ])('is none after %j: %s', async (website, code) => {
    const Bucket = await makeBucket(cloud.s3, `website-${randomUUID()}`)
    expect(await codeOf(put(Bucket, website))).toBe(code)
    expect(await codeOf(cloud.s3.send(new GetBucketWebsiteCommand({ Bucket })))).toBe('NoSuchWebsiteConfiguration')
  })

  it('is forgotten with the bucket', async () => {
    const Bucket = await makeBucket(cloud.s3, 'gone')
    await put(Bucket, { IndexDocument: { Suffix: 'index.html' } })
    await cloud.s3.send(new DeleteBucketCommand({ Bucket }))
    expect(await codeOf(cloud.s3.send(new GetBucketWebsiteCommand({ Bucket })))).toBe('NoSuchBucket')
    await makeBucket(cloud.s3, Bucket)
    expect(await codeOf(cloud.s3.send(new GetBucketWebsiteCommand({ Bucket })))).toBe('NoSuchWebsiteConfiguration')
  })
})
