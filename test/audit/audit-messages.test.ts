import { describe, expect, it } from 'vitest'
import { parseAccountId } from '../../shared/arn.ts'
import { againBody, ATTEMPTS_MAX } from '../../shared/audit/again-message.ts'
import { auditMessages, type MessagePorts } from '../../shared/audit/audit-messages.ts'
import type { ParkedMessage } from '../../shared/queue-message.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { kmsKeyRotationEnabled } from '../../shared/rules/kms/key-rotation-enabled.ts'
import { s3BucketKmsKeyUsable } from '../../shared/rules/s3/bucket-kms-key-usable.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { ACCOUNT, auditPorts, key, NOW, readerOf, type Standing } from './audit-ground.ts'

type Sent = { readonly body: string; readonly delayS: number }
type World = MessagePorts & {
  readonly findings: FindingStore
  readonly parked: ParkedMessage[]
  readonly sent: Sent[]
  readonly told: string[]
  readonly read: string[]
}

function worldOf(
  standings: Readonly<Record<string, Standing>>,
  changes: Partial<MessagePorts> = {},
  store = createMemoryFindingStore(),
): World {
  const [parked, sent, told, read] = [new Array<ParkedMessage>(), new Array<Sent>(), new Array<string>(), new Array<string>()]
  const account = parseAccountId(ACCOUNT)
  if (account === null) throw new Error('no account')
  const reader = readerOf(
    new Map(Object.entries(standings).map(([name, standing]) => [key(name).arn, standing])),
    (arn) => void read.push(arn),
  )
  return {
    findings: store,
    parked,
    sent,
    told,
    read,
    audit: auditPorts(store, reader),
    reader: { accounts: new Set([account]), ownAccount: account, ownStack: { ...key('stack'), kind: 'keytrail_stack' } },
    keysOf: async () => [],
    bucketsUnder: async () => [],
    located: async (bucket) => bucket,
    noteLogSource: async () => undefined,
    park: async (message) => void parked.push(message),
    sendAgain: async (body, delayS) => void sent.push({ body, delayS }),
    tell: async (reason) => void told.push(reason),
    remainingMs: () => 120_000,
    ...changes,
  }
}

function event(eventName: string, name: string, detail: object = {}): string {
  return JSON.stringify({
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.kms',
    account: ACCOUNT,
    detail: {
      eventSource: 'kms.amazonaws.com',
      eventName,
      eventID: `${eventName} ${name}`,
      eventTime: '2026-10-20T05:59:58Z',
      awsRegion: 'us-east-1',
      recipientAccountId: ACCOUNT,
      resources: [{ ARN: key(name).arn, accountId: ACCOUNT, type: 'AWS::KMS::Key' }],
      ...detail,
    },
  })
}

function batch(...bodies: readonly string[]) {
  return bodies.map((body, index) => ({ id: `m${index}`, body, sentAt: NOW }))
}

async function failing(store: FindingStore): Promise<readonly (string | null)[]> {
  const found: (string | null)[] = []
  for await (const { finding } of store.withStatus('failing')) found.push(finding.evidence.eventId)
  return found
}

describe('a batch of changes', () => {
  it('judges each resource once, parks what does not fit, and tells once', async () => {
    const world = worldOf({ a: 'rotates', b: 'does not rotate' })
    const bodies = [
      event('EnableKeyRotation', 'a'),
      event('DisableKeyRotation', 'b'),
      '{"cut',
      event('EnableKey', 'b'),
      event('EnableKey', 'a', { errorCode: 'AccessDenied' }),
    ]
    const { failed, counts } = await auditMessages(batch(...bodies), world)
    expect({ failed, counts }).toEqual({ failed: [], counts: { resources: 2, changes: 1, again: 0, other: 1, malformed: 1, spoofed: 0 } })
    expect(world.read.filter((arn) => arn === key('a').arn)).toHaveLength(1)
    expect(world.parked).toEqual([{ messageId: 'm2', sentAt: NOW, kind: 'malformed', reason: expect.any(String) as string, body: '{"cut' }])
    expect(world.told).toEqual(['changes'])
    expect(await failing(world.findings)).toEqual(['DisableKeyRotation b'])
  })

  it('of which a resource cannot be judged fails in its messages alone', async () => {
    const world = worldOf({ broken: 'breaks', weak: 'does not rotate' })
    const { failed, failures } = await auditMessages(
      batch(event('EnableKey', 'broken'), event('EnableKey', 'weak'), event('DisableKey', 'broken')),
      world,
    )
    expect(failed.toSorted()).toEqual(['m0', 'm2'])
    expect(failures.map(({ message }) => message)).toEqual(['a rule broke'])
    expect(await failing(world.findings)).toHaveLength(1)
  })

  it('comes again where there was no time for it, or what is parked could not be kept', async () => {
    const world = worldOf(
      { a: 'does not rotate' },
      { remainingMs: () => 59_999, park: () => Promise.reject(new Error('the table is away')) },
    )
    const { failed, counts } = await auditMessages(batch(event('EnableKey', 'a'), 'no event'), world)
    expect({ failed: failed.toSorted(), read: counts.resources }).toEqual({ failed: ['m0', 'm1'], read: 0 })
  })

  it('judges the key that an alias stood for, besides the one that it stands for', async () => {
    const world = worldOf(
      { old: 'does not rotate', new: 'rotates' },
      { keysOf: async ({ alias }) => (alias === 'alias/orders' ? [key('old').arn] : []) },
    )
    await auditMessages(batch(event('UpdateAlias', 'new', { requestParameters: { aliasName: 'alias/orders' } })), world)
    expect(new Set(world.read)).toEqual(new Set([key('old').arn, key('new').arn]))
  })

  it('comes again if the keys of an alias could not be looked up, and judges the others', async () => {
    const world = worldOf({ a: 'does not rotate' }, { keysOf: () => Promise.reject(new Error('the table is away')) })
    const alias = event('UpdateAlias', 'new', { requestParameters: { aliasName: 'alias/orders' } })
    const { failed, failures } = await auditMessages(batch(alias, event('EnableKey', 'a')), world)
    expect(failed).toEqual(['m0'])
    expect(failures.map(({ message }) => message)).toEqual(['the table is away'])
    expect(await failing(world.findings)).toHaveLength(1)
  })

  describe('of which one is about a key with many buckets', () => {
    const buckets = Array.from({ length: 50 }, (_, index) => ({
      ...key(index),
      kind: 's3_bucket' as const,
      arn: `arn:aws:s3:::b-${index}`,
    }))
    const rules = [kmsKeyRotationEnabled, s3BucketKmsKeyUsable]

    it('judges some with it, and has the others judged each by a message', async () => {
      const world = worldOf({ a: 'rotates' }, { bucketsUnder: async () => buckets })
      const { failed, counts } = await auditMessages(batch(event('DisableKey', 'a')), { ...world, audit: { ...world.audit, rules } })
      expect({ failed, judged: counts.resources }).toEqual({ failed: [], judged: 21 })
      const sent = world.sent.map(({ body }) => (JSON.parse(body) as { readonly resource: { readonly arn: string } }).resource.arn)
      expect(new Set([...sent, ...world.read]).size).toBe(51)
      expect(sent).toHaveLength(30)
    })

    it('comes again if one of those messages could not be sent', async () => {
      const world = worldOf({ a: 'rotates' }, { bucketsUnder: async () => buckets, sendAgain: () => Promise.reject(new Error('away')) })
      const { failed } = await auditMessages(batch(event('DisableKey', 'a')), { ...world, audit: { ...world.audit, rules } })
      expect(failed).toEqual(['m0'])
    })
  })

  it('asks once where a bucket is, for all its events', async () => {
    const asked: string[] = []
    const world = worldOf(
      {},
      {
        async located(bucket) {
          asked.push(bucket.arn)
          return { ...bucket, region: 'eu-west-1' }
        },
      },
    )
    const ofBucket = { eventSource: 's3.amazonaws.com', resources: [], requestParameters: { bucketName: 'a-bucket' } }
    const events = ['PutBucketPolicy', 'PutBucketEncryption'].map((name) => event(name, 'none', ofBucket).replace('aws.kms', 'aws.s3'))
    const { counts } = await auditMessages(batch(...events), world)
    expect({ asked, judged: counts.resources }).toEqual({ asked: ['arn:aws:s3:::a-bucket'], judged: 1 })
  })

  it('is done although nobody could be pushed: the outbox has it', async () => {
    const world = worldOf({ a: 'does not rotate' }, { tell: () => Promise.reject(new Error('the queue is away')) })
    const { failed, failures } = await auditMessages(batch(event('EnableKey', 'a')), world)
    expect({ failed, failures: failures.length }).toEqual({ failed: [], failures: 1 })
    expect(await world.findings.outbox(10)).toHaveLength(1)
  })
})

describe('a resource that cannot be read now', () => {
  it.each(['unready', 'unread'] as const)('is come back to, later each time, and reported as unknown in the end: %s', async (standing) => {
    const world = worldOf({ a: standing })
    let body = event('CreateKey', 'a')
    const delays: number[] = []
    for (let rounds = 0; rounds < 20; rounds++) {
      expect((await auditMessages(batch(body), world)).failed).toEqual([])
      const next = world.sent.pop()
      if (next === undefined) break
      delays.push(next.delayS)
      body = next.body
      const known = await world.findings.ofResource(key('a'))
      expect(known).toEqual([])
    }
    expect(delays).toEqual([15, 30, 60, 120, 240, 480, 900, 900])
    expect((await world.findings.ofResource(key('a'))).map(({ finding }) => [finding.status, finding.evidence.eventId])).toEqual([
      ['unknown', 'CreateKey a'],
    ])
    expect(world.told).toEqual(['changes'])
  })

  it('is judged as soon as it can be read', async () => {
    const store = createMemoryFindingStore()
    const first = worldOf({ a: 'unready' }, {}, store)
    await auditMessages(batch(event('CreateKey', 'a')), first)
    const second = worldOf({ a: 'does not rotate' }, {}, store)
    await auditMessages(batch(first.sent[0]?.body ?? ''), second)
    expect({ sent: second.sent, failing: await failing(store) }).toEqual({ sent: [], failing: ['CreateKey a'] })
  })

  it('comes again by its own message if it cannot be sent', async () => {
    const world = worldOf({ a: 'unready' }, { sendAgain: () => Promise.reject(new Error('the queue is away')) })
    expect((await auditMessages(batch(event('CreateKey', 'a')), world)).failed).toEqual(['m0'])
  })

  it('is unknown at once where the auditor may not read it', async () => {
    const world = worldOf({ a: 'denied' })
    await auditMessages(batch(event('EnableKey', 'a')), world)
    expect({ sent: world.sent, known: (await world.findings.ofResource(key('a'))).map(({ finding }) => finding.denied) }).toEqual({
      sent: [],
      known: [['kms:GetKeyRotationStatus']],
    })
  })

  it('and to which an event points again, begins anew', async () => {
    const world = worldOf({ a: 'unready' })
    const late = againBody({ resource: key('a'), eventId: 'old', madeAt: null, attempt: ATTEMPTS_MAX })
    await auditMessages(batch(late, event('EnableKey', 'a')), world)
    expect(world.sent.map(({ delayS }) => delayS)).toEqual([15])
  })
})

describe('findings that somebody else writes meanwhile', () => {
  it('are judged by a fresh reading, and the message comes again if that goes on and on', async () => {
    const store = createMemoryFindingStore()
    const busy: FindingStore = { ...store, write: async () => 'conflict' }
    let fresh = 0
    const world = worldOf({ a: 'does not rotate' }, {}, store)
    const freshReader: MessagePorts['audit']['freshReader'] = () => {
      fresh++
      return world.audit.reader
    }
    const { failed } = await auditMessages(batch(event('DisableKeyRotation', 'a')), {
      ...world,
      audit: { ...world.audit, store: busy, freshReader },
    })
    expect(failed).toEqual(['m0'])
    expect(fresh).toBeGreaterThanOrEqual(2)
    expect((await auditMessages(batch(event('DisableKeyRotation', 'a')), world)).failed).toEqual([])
    expect(await failing(store)).toHaveLength(1)
  })

  it('are never closed by what was read of the account before them', async () => {
    const store = createMemoryFindingStore()
    await auditMessages(batch(event('DisableKeyRotation', 'a')), worldOf({ a: 'does not rotate' }, {}, store))
    const stale = worldOf({ a: 'rotates' }, {}, store)
    const now = worldOf({ a: 'does not rotate' }, {}, store)
    await auditMessages(batch(event('EnableKey', 'a')), { ...stale, audit: { ...stale.audit, freshReader: () => now.audit.reader } })
    expect(await failing(store)).toHaveLength(1)
  })
})
