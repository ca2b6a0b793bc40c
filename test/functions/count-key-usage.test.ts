import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LocalFunction } from '../../local/lambda/functions.ts'
import { decodeUses } from '../../shared/usage/segment-bytes.ts'
import {
  batchOf,
  decryptEvent,
  failedOf,
  type FunctionGround,
  HOUR,
  KEY_ARN,
  NOW_MS,
  openFunctionGround,
  PATIENCE,
} from '../support/function-ground.ts'

/** Placed wherever a stranger can write; it must stand nowhere afterwards. */
const MARKER = 'Gd6xMarker'

let ground: FunctionGround
let count: LocalFunction

beforeAll(async () => {
  ground = await openFunctionGround()
  count = ground.start('count-key-usage')
})

afterEach(() => ground.clear())
afterAll(() => ground.close())

async function countedCalls(): Promise<number> {
  return (await ground.usage()).reduce((sum, tally) => sum + tally.count, 0)
}

async function parkedItems(): Promise<readonly object[]> {
  return (await ground.items()).filter((item) => item['pk']?.S?.startsWith('parked#'))
}

/** All that is kept, with what is packed in it. */
async function keptText(): Promise<string> {
  const items = await ground.items()
  const rows = items.flatMap(({ bytes, uses }) =>
    uses === undefined ? [] : decodeUses(bytes?.B ?? new Uint8Array(), { digests: true }).rows,
  )
  return JSON.stringify([items, rows])
}

const SECRETIVE = {
  userAgent: `agent ${MARKER}`,
  requestParameters: { keyId: KEY_ARN, encryptionContext: { purpose: MARKER, [`${MARKER}Name`]: 'x' } },
}

describe('a batch of 10,000 events', () => {
  it('is counted but for the one that is none, which is parked without what it says', async () => {
    const poison = decryptEvent('poison', { detail: { ...SECRETIVE, eventName: undefined, note: MARKER } })
    const bodies = Array.from({ length: 10_000 }, (_, n) => (n === 4711 ? poison : decryptEvent(`call ${n}`, { detail: SECRETIVE })))
    expect(failedOf(await count.invoke(batchOf(bodies)))).toEqual([])
    const tallies = await ground.usage()
    expect(tallies.map((tally) => [tally.hour, tally.use.keyArn, tally.use.operation, tally.count])).toEqual([
      [HOUR, KEY_ARN, 'Decrypt', 9999],
    ])
    expect(await parkedItems()).toEqual([
      {
        pk: { S: 'parked#2026-10-20' },
        sk: { S: 'm4711' },
        kind: { S: 'malformed' },
        reason: { S: expect.stringMatching(/^.{10,256}$/) as unknown },
        bodyBytes: { N: String(Buffer.byteLength(poison)) },
        bodySha256: { S: createHash('sha256').update(poison).digest('hex') },
        expiresAt: { N: String(NOW_MS / 1000 + 35 * 86_400) },
      },
    ])
    expect(await ground.metrics()).toMatchObject([
      {
        service: 'count-key-usage',
        CountedEvents: 9999,
        ParkedEvents: 1,
        TooOldEvents: 0,
        _aws: { CloudWatchMetrics: [{ Namespace: 'Keytrail' }] },
      },
    ])
    expect(ground.lines.filter((line) => line.includes(MARKER))).toEqual([])
    const kept = await keptText()
    expect(kept).toContain('user/Alice')
    expect(kept).not.toContain(MARKER)
  })
})

describe('events that do not fit', () => {
  const detail = JSON.parse(decryptEvent('forged')) as { readonly detail: object }
  const CASES: readonly (readonly [title: string, body: string, kind: string])[] = [
    ['another source', decryptEvent('forged', { envelope: { source: 'keytrail.test' } }), 'spoofed'],
    ['another account', decryptEvent('forged', { envelope: { account: '999988887777' } }), 'spoofed'],
    ["a record of another account's", decryptEvent('forged', { detail: { recipientAccountId: '999988887777' } }), 'spoofed'],
    ["another service's record", decryptEvent('forged', { detail: { eventSource: 's3.amazonaws.com' } }), 'spoofed'],
    ['a record without its event', JSON.stringify(detail.detail), 'spoofed'],
    ['no time', decryptEvent('forged', { detail: { eventTime: MARKER } }), 'malformed'],
    ['a time to come', decryptEvent('forged', { detail: { eventTime: '2026-10-20T09:00:00Z' } }), 'malformed'],
    ['no JSON', `{"detail":{"${MARKER}`, 'malformed'],
    ['no event', `"${MARKER}"`, 'malformed'],
  ]

  it('are parked, counted as parked, and never as calls', async () => {
    const outcome = await count.invoke(batchOf(CASES.map(([, body]) => body)))
    expect(failedOf(outcome)).toEqual([])
    const parked = (await parkedItems()) as readonly { readonly sk: { readonly S: string }; readonly kind: { readonly S: string } }[]
    const kindOf = new Map(parked.map(({ sk, kind }) => [sk.S, kind.S]))
    expect(CASES.map(([title], n) => [title, kindOf.get(`m${n}`)])).toEqual(CASES.map(([title, , kind]) => [title, kind]))
    expect(await countedCalls()).toBe(0)
    expect(await ground.metrics()).toMatchObject([{ CountedEvents: 0, ParkedEvents: CASES.length, TooOldEvents: 0 }])
    expect(ground.lines.filter((line) => line.includes(MARKER))).toEqual([])
    expect(await keptText()).not.toContain(MARKER)
  })

  it('are told apart from those that are too old and those that use no key', async () => {
    const bodies = [
      decryptEvent('old', { detail: { eventTime: '2026-09-15T07:29:59Z' } }),
      decryptEvent('oldest', { detail: { eventTime: '2026-09-15T07:30:00Z' } }),
      decryptEvent('random', { detail: { eventName: 'GenerateRandom', resources: [] } }),
    ]
    expect(failedOf(await count.invoke(batchOf(bodies)))).toEqual([])
    expect(await ground.metrics()).toMatchObject([{ CountedEvents: 1, ParkedEvents: 0, TooOldEvents: 1 }])
    expect(await parkedItems()).toEqual([])
  })
})

const LATER = { eventTime: '2026-10-20T05:20:00Z' }

describe('a store that fails', () => {
  it('brings all messages back, and they are counted once when they come again', async () => {
    const batch = batchOf([decryptEvent('a'), decryptEvent('b', { detail: LATER }), 'no event'])
    ground.failPuts(() => true)
    expect(failedOf(await count.invoke(batch))).toEqual(['m0', 'm1', 'm2'])
    expect(await ground.items()).toEqual([])
    await expect.poll(() => ground.lines.filter((line) => line.includes('the store is away')), PATIENCE).toHaveLength(1)
    ground.failPuts(() => false)
    for (let times = 0; times < 2; times++) expect(failedOf(await count.invoke(batch))).toEqual([])
    expect(await countedCalls()).toBe(2)
    expect(await parkedItems()).toHaveLength(1)
  })

  it('brings back what it lacks the table for', async () => {
    const elsewhere = ground.start('count-key-usage', { table: 'missing' })
    expect(failedOf(await elsewhere.invoke(batchOf([decryptEvent('a'), 'no event'])))).toEqual(['m0', 'm1'])
  })

  const PARTS: readonly (readonly [title: string, fails: (body: string) => boolean, failed: readonly string[]])[] = [
    ["one hour's segment", (body) => body.includes('segment#2026-10-20T05'), ['m1', 'm3']],
    ["one hour's mark", (body) => body.includes('"mark"') && body.includes('2026-10-20T05'), ['m1', 'm3']],
    ['what is parked', (body) => body.includes('parked#'), ['m2']],
  ]
  it.each(PARTS)('at %s brings back the messages of that alone', async (_title, fails, failed) => {
    ground.failPuts(fails)
    const bodies = [decryptEvent('a'), decryptEvent('b', { detail: LATER }), 'no event', decryptEvent('c', { detail: LATER })]
    expect(failedOf(await count.invoke(batchOf(bodies)))).toEqual(failed)
    ground.failPuts(() => false)
    const again = failed.map((id) => bodies[Number(id.slice(1))] ?? '')
    expect(failedOf(await count.invoke(batchOf(again)))).toEqual([])
    expect(await countedCalls()).toBe(3)
    expect(await parkedItems()).toHaveLength(1)
  })

  it('brings back both hours of a call at their edge', async () => {
    ground.failPuts((body) => body.includes('segment#2026-10-20T05'))
    const bodies = [decryptEvent('a', { detail: { eventTime: '2026-10-20T06:00:30Z' } }), decryptEvent('b')]
    expect(failedOf(await count.invoke(batchOf(bodies)))).toEqual(['m0'])
  })
})

describe('an invocation', () => {
  it('that would run out of time gives its messages back unread', async () => {
    const hurried = ground.start('count-key-usage', { timeoutMs: 14_000 })
    const batch = batchOf(Array.from({ length: 300 }, (_, n) => decryptEvent(`call ${n}`)))
    expect(failedOf(await hurried.invoke(batch))).toHaveLength(300)
    expect(await ground.items()).toEqual([])
    expect(failedOf(await count.invoke(batch))).toEqual([])
    expect(await countedCalls()).toBe(300)
  })

  it('without messages has nothing to say, and writes its metrics all the same', async () => {
    expect(await count.invoke(batchOf([]))).toEqual({ kind: 'answer', value: { batchItemFailures: [] } })
    expect(await ground.metrics()).toMatchObject([{ CountedEvents: 0, ParkedEvents: 0, TooOldEvents: 0 }])
    expect(await ground.items()).toEqual([])
  })
})
