import { DescribeKeyCommand, GetKeyLastUsageCommand, ListGrantsCommand } from '@aws-sdk/client-kms'
import { GetBucketLocationCommand } from '@aws-sdk/client-s3'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { parseStack } from '../../../local/stack/template.ts'
import { createFactClients, READERS_AT_ONCE } from '../../../shared/aws/facts/clients.ts'
import { isJsonObject } from '../../../shared/json.ts'
import { type Answer, type Answering, answering } from './answering.ts'

const HOME = 'eu-central-1'
const REFUSED: Answer = { status: 400, body: '{"__type":"ThrottlingException"}' }

let aws: Answering
afterEach(() => aws.close())

/** Time that passes for who waits, and for nobody else. */
function ownTime(): { readonly waitsMs: number[]; elapsedMs(): number; wait(ms: number): Promise<void> } {
  const waitsMs: number[] = []
  let nowMs = 0
  return {
    waitsMs,
    elapsedMs: () => nowMs,
    async wait(ms) {
      waitsMs.push(ms)
      nowMs += ms
    },
  }
}

describe('calls of AWS', () => {
  it('keep, of all that read at once, to half of the account’s quota of each operation and Region', async () => {
    aws = await answering(() => ({ body: '{}' }))
    const time = ownTime()
    const clients = createFactClients(aws.access, { time })
    const kms = clients.kms(HOME)
    // 5 a second: 5/6 of a call for each of three, and as a sixth of a second's tokens at least one at once.
    for (let call = 0; call < 4; call++) await kms.send(new GetKeyLastUsageCommand({ KeyId: 'x' }))
    expect(time.waitsMs).toEqual([1200, 1200, 1200])
    // Other operations and other Regions have quotas of their own: 100 ListGrants a second.
    await clients.kms('eu-west-1').send(new GetKeyLastUsageCommand({ KeyId: 'x' }))
    for (let call = 0; call < 16; call++) await kms.send(new ListGrantsCommand({ KeyId: 'x' }))
    expect(time.waitsMs).toHaveLength(3)
    for (let call = 0; call < 3; call++) await kms.send(new ListGrantsCommand({ KeyId: 'x' }))
    expect(time.waitsMs.slice(3).reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(100)
    clients.destroy()
  })

  it('keep to the share that is said, and every try of a call counts', async () => {
    let refusals = 2
    aws = await answering(() => (refusals-- > 0 ? REFUSED : { body: '{}' }))
    const time = ownTime()
    const clients = createFactClients(aws.access, { time, quotaShare: 0.2 })
    // One a second. After a refusal it is half, for a while.
    await clients.kms(HOME).send(new GetKeyLastUsageCommand({ KeyId: 'x' }))
    expect(aws.calls).toHaveLength(3)
    expect(time.waitsMs).toHaveLength(2)
    expect(time.waitsMs[0]).toBe(2000)
    await clients.kms(HOME).send(new GetKeyLastUsageCommand({ KeyId: 'x' }))
    expect(time.waitsMs).toHaveLength(3)
    expect(time.waitsMs[2]).toBeGreaterThan(2000)
    clients.destroy()
  })

  it('of operations without a number of their own share one', async () => {
    aws = await answering(() => ({ type: 'application/xml', body: '<LocationConstraint/>' }))
    const time = ownTime()
    const clients = createFactClients(aws.access, { time })
    for (let call = 0; call < 14; call++) await clients.s3(HOME).send(new GetBucketLocationCommand({ Bucket: `bucket-${call}` }))
    // 40 a second, of which a sixth: the first six go at once.
    expect(time.waitsMs.length).toBe(8)
    expect(Math.max(...time.waitsMs)).toBeLessThanOrEqual(Math.ceil(6000 / 40))
    clients.destroy()
  })

  it('of what stands in for AWS need not wait', async () => {
    aws = await answering(() => ({ body: '{}' }))
    const time = ownTime()
    const clients = createFactClients(aws.access, { time, quotaShare: 1000 })
    for (let call = 0; call < 50; call++) await clients.kms(HOME).send(new DescribeKeyCommand({ KeyId: 'x' }))
    expect(time.waitsMs).toEqual([])
    clients.destroy()
  })

  it('share the quotas among as many as serverless.yml lets read at once', async () => {
    aws = await answering(() => ({ body: '{}' }))
    const { resources } = parseStack(readFileSync(new URL('../../../serverless.yml', import.meta.url), 'utf8'))
    const scaling = resources.find(({ logicalId }) => logicalId === 'AuditMapping')?.properties['ScalingConfig']
    // And the sweep.
    expect(isJsonObject(scaling) ? scaling['MaximumConcurrency'] : null).toBe(READERS_AT_ONCE - 1)
  })
})
