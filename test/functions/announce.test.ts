import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { announceBody } from '../../shared/audit/announce-message.ts'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import { createTable } from '../../shared/aws/table.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import { finding, kept } from '../findings/findings-ground.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'

const QUARTER_MS = 15 * 60_000

let cloud: WatchedCloud
let store: FindingStore

beforeAll(async () => {
  cloud = await startCloud({ idle: [], parameters: { FindingsEmail: 'security@example.com' } })
  store = createFindingsTable(createTable(cloud.clients.dynamodb, refOf(cloud, 'FindingsTable')), randomUUID)
})
afterAll(() => cloud.close())

function now(): EpochS {
  return epochS(cloud.clock.nowMs()) ?? (0 as EpochS)
}

async function put(ruleId: string): Promise<string> {
  const [since, judgedAt] = [now(), now()]
  const { id } = finding({ ruleId })
  expect(await store.write(kept({ ruleId, since, judgedAt }), null)).not.toBe('conflict')
  return id
}

/** Mails that tell of a finding's first change: the sweep finds that there is no such resource, and that is the second. */
function mailsOf(id: string): number {
  return cloud.mail().filter(({ body }) => body.includes(`${id}, change 1`)).length
}

async function push(body: string): Promise<void> {
  await cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl: refOf(cloud, 'AnnounceQueue'), MessageBody: body }))
  await cloud.settle()
}

describe('the outbox', () => {
  it('is told when somebody pushes, once however often, and whatever the push says', async () => {
    const id = await put('kms-key-rotation-enabled')
    await push(announceBody('changes'))
    await push(announceBody('changes'))
    await push('{"cut off')
    expect(mailsOf(id)).toBe(1)
    expect((await store.find(id))?.unannounced).toEqual([])
    expect(await store.outbox(10)).toEqual([])
    expect(cloud.mail()[0]?.to).toBe('security@example.com')
  })

  it('is told by the schedule if nobody pushes', async () => {
    const id = await put('kms-key-in-use')
    await cloud.clock.advance(QUARTER_MS)
    await cloud.settle()
    expect(mailsOf(id)).toBe(1)
    // What the sweep found meanwhile waits for the next digest.
    await cloud.clock.advance(QUARTER_MS)
    await cloud.settle()
    expect(await store.outbox(10)).toEqual([])
    expect(cloud.faults).toEqual([])
    expect(cloud.lines.filter((line) => line.includes('"level":"ERROR"'))).toEqual([])
  })
})
