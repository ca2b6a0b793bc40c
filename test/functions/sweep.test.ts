import { CreateKeyCommand, DisableKeyRotationCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import { createSweepTable } from '../../shared/aws/sweep-table.ts'
import { createTable, type Table } from '../../shared/aws/table.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'

const QUARTER_MS = 15 * 60_000
const DAY_MS = 24 * 60 * 60_000

let cloud: WatchedCloud
let table: Table

beforeAll(async () => {
  // Nothing of what is made comes by events: the sweep alone can find it.
  cloud = await startCloud({ idle: [], delivery: { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: 1 } })
  table = createTable(cloud.clients.dynamodb, refOf(cloud, 'FindingsTable'))
})
afterAll(() => cloud.close())

async function failing(status: Finding['status'] = 'failing'): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { finding } of createFindingsTable(table, () => '').withStatus(status))
    found.push(`${finding.ruleId} ${finding.resource.arn}`)
  return found
}

describe('the sweep of the local cloud', () => {
  it('finds what no event told of, tells of it, and notices what is gone a day later', async () => {
    const { kms, s3 } = cloud.clients
    const keyArn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    await kms.send(new DisableKeyRotationCommand({ KeyId: keyArn }))
    await s3.send(new CreateBucketCommand({ Bucket: 'unencrypted-transport' }))
    await cloud.clock.advance(QUARTER_MS)
    await cloud.settle()
    const rotation = `kms-key-rotation-enabled ${keyArn}`
    const transport = 's3-bucket-tls-only arn:aws:s3:::unencrypted-transport'
    expect(await failing()).toEqual(expect.arrayContaining([rotation, transport]))
    const log = (await createSweepTable(table, () => '').read())?.log
    expect(log).toMatchObject({ state: { part: 'done', unlisted: [] }, complete: { startedAt: log?.firstAt } })
    expect(cloud.lines.filter((line) => line.includes('"announced":')).length).toBeGreaterThan(0)
    const metrics = cloud.lines
      .filter((line) => line.includes('"SweepAge":'))
      .map((line) => JSON.parse(line) as { readonly SweepAge: number })
    expect(metrics.at(-1)?.SweepAge).toBeLessThan(900)

    await s3.send(new DeleteBucketCommand({ Bucket: 'unencrypted-transport' }))
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: 7 }))
    await cloud.clock.advance(QUARTER_MS)
    expect(await failing()).toContain(transport)
    await cloud.skip(DAY_MS)
    await cloud.settle()
    expect(await failing('gone')).toEqual(expect.arrayContaining([transport, rotation]))
    expect(await failing()).toContain(`kms-key-not-pending-deletion ${keyArn}`)
    expect(cloud.faults).toEqual([])
  })
})
