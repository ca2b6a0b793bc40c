import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import type { EpochS } from '../../shared/time.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { createUsageTables, type UsageTables } from '../support/usage-tables.ts'

let ground: Ground
let tables: UsageTables

beforeAll(async () => {
  ground = await openGround()
  tables = createUsageTables(ground.client)
})

afterAll(async () => {
  tables.destroy()
  await ground.close()
})

it('a parked message is kept by size and digest, without its body, and with no long reason', async () => {
  const table = await tables.newTable()
  const sentAt = (Date.parse('2026-10-20T06:30:00Z') / 1000) as EpochS
  await createUsageTable(table).park({ messageId: 'm', sentAt, kind: 'malformed', reason: 'r'.repeat(10_000), body: 'zoë' })
  const [item = {}] = await tables.itemsOf(table)
  expect(item).toMatchObject({
    kind: { S: 'malformed' },
    reason: { S: 'r'.repeat(256) },
    bodyBytes: { N: '4' },
    bodySha256: { S: createHash('sha256').update('zoë').digest('hex') },
  })
  expect(JSON.stringify(item)).not.toContain('zoë')
})
