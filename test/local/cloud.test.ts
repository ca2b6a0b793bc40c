import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { DescribeRuleCommand, PutEventsCommand, PutRuleCommand, type RuleState } from '@aws-sdk/client-cloudwatch-events'
import { paginateScan } from '@aws-sdk/client-dynamodb'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  DescribeCustomKeyStoresCommand,
  ReEncryptCommand,
} from '@aws-sdk/client-kms'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LocalCloud } from '../../local/cloud.ts'
import type { DeliveryOptions } from '../../local/cloudtrail/delivery.ts'
import { FolderInUse } from '../../local/folder-lock.ts'
import type { UseTally } from '../../shared/usage/use-ledger.ts'
import { refOf, startCloud, usageOf, type WatchedCloud } from '../support/local-cloud.ts'
import { temporaryFolder } from './ground.ts'
import { listeningBeyondLoopback } from './sockets.ts'

const MINUTE_MS = 60_000
const CALLER = 'arn:aws:iam::000000000000:user/local'
const LATE: DeliveryOptions = { delayMs: { p50: 90_000, p99: 600_000 }, duplicateShare: 0.3, lossShare: 0 }
const ALL_EVENTS = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'

async function createKey({ clients: { kms } }: LocalCloud): Promise<string> {
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
}

const Plaintext = Buffer.from('hello')

/** Calls KMS some times over, and tells what usage must then say. */
async function callKms(cloud: LocalCloud, times: number): Promise<readonly string[]> {
  const { kms } = cloud.clients
  const [one, other] = [await createKey(cloud), await createKey(cloud)]
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/app', TargetKeyId: one }))
  const EncryptionContext = { purpose: 'test' }
  for (let time = 0; time < times; time++) {
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: 'alias/app', Plaintext, EncryptionContext }))
    for (let read = 0; read < 2; read++) await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    await expect(kms.send(new DecryptCommand({ CiphertextBlob, KeyId: one }))).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
    await kms.send(new GenerateDataKeyCommand({ KeyId: one, KeySpec: 'AES_256' }))
    await kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId: other, KeySpec: 'AES_256' }))
    await kms.send(new ReEncryptCommand({ CiphertextBlob, SourceEncryptionContext: EncryptionContext, DestinationKeyId: other }))
    await kms.send(new GenerateRandomCommand({ NumberOfBytes: 8 }))
    await cloud.clock.advance(7 * MINUTE_MS)
  }
  const expected: readonly (readonly [string, string, string, number])[] = [
    [one, 'Encrypt', 'success', times],
    [one, 'Decrypt', 'success', 2 * times],
    [one, 'GenerateDataKey', 'success', times],
    [one, 'ReEncryptFrom', 'success', times],
    [other, 'ReEncryptTo', 'success', times],
    [other, 'GenerateDataKeyWithoutPlaintext', 'success', times],
    [one, 'Decrypt', 'InvalidCiphertextException', times],
  ]
  return expected.map(([key, operation, outcome, count]) => `${key} ${operation} ${CALLER} ${outcome} ${count}`).toSorted()
}

function told(tallies: readonly UseTally[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { use, count } of tallies) {
    const name = `${use.keyArn ?? ''} ${use.operation} ${use.caller ?? ''} ${use.errorCode ?? 'success'}`
    counts.set(name, (counts.get(name) ?? 0) + count)
  }
  return Array.from(counts, ([name, count]) => `${name} ${count}`).toSorted()
}

/** Lets all come that is on its way, and the roll-up run. */
async function finish(cloud: LocalCloud): Promise<void> {
  await cloud.clock.advance(2 * 60 * MINUTE_MS)
  await cloud.settle()
  await cloud.clock.advance(16 * MINUTE_MS)
}

async function keysOfItems(cloud: LocalCloud): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const page of paginateScan({ client: cloud.clients.dynamodb }, { TableName: refOf(cloud, 'UsageTable') }))
    keys.push(...(page.Items ?? []).map((item) => item['pk']?.S ?? ''))
  return keys
}

const clouds: WatchedCloud[] = []
const folders: ReturnType<typeof temporaryFolder>[] = []

async function start(changes: Parameters<typeof startCloud>[0] = {}): Promise<WatchedCloud> {
  const cloud = await startCloud(changes)
  clouds.push(cloud)
  return cloud
}

function newFolder(): string {
  const place = temporaryFolder()
  folders.push(place)
  return place.folder
}

afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close()
  for (const place of folders.splice(0)) place.remove()
})

describe('calls of KMS', () => {
  const DELIVERIES: readonly (readonly [title: string, options: DeliveryOptions, seed: number])[] = [
    ['at once', { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: 0 }, 1],
    ['late, twice and out of order', LATE, 7],
  ]
  it.each(DELIVERIES)('that are delivered %s are counted once, by key, operation and caller', async (_title, delivery, seed) => {
    const cloud = await start({ delivery, seed })
    const expected = await callKms(cloud, 3)
    await cloud.settle()
    await finish(cloud)
    expect(told(await usageOf(cloud, 4))).toEqual(expected)
    expect(cloud.delivery.counts()).toMatchObject({ lost: 0, pending: 0 })
    expect(cloud.delivery.counts().duplicates > 0).toBe(delivery.duplicateShare > 0)
    const keys = await keysOfItems(cloud)
    expect(keys.filter((key) => key.startsWith('roll-up#'))).not.toEqual([])
    expect(keys.filter((key) => key === 'mark' || key.startsWith('parked#'))).toEqual([])
    expect([cloud.faults, cloud.lostEvents, cloud.invocations.filter(({ kind }) => kind === 'failure')]).toEqual([[], [], []])
    expect(cloud.batches.every(({ failed, outcome }) => failed === 0 && outcome.kind === 'answer')).toBe(true)
  })

  it('are missing as often as delivery tells', async () => {
    const cloud = await start({ delivery: { ...LATE, lossShare: 0.3 }, seed: 3 })
    const key = await createKey(cloud)
    const { lost } = cloud.delivery.counts()
    const CALLS = 55
    for (let calls = 0; calls < CALLS; calls++) await cloud.clients.kms.send(new EncryptCommand({ KeyId: key, Plaintext }))
    const missing = cloud.delivery.counts().lost - lost
    expect(missing).toBeGreaterThan(5)
    await finish(cloud)
    expect(told(await usageOf(cloud, 4))).toEqual([`${key} Encrypt ${CALLER} success ${CALLS - missing}`])
    expect(cloud.delivery.lost().filter(({ eventName }) => eventName === 'Encrypt')).toHaveLength(missing)
    const { Events = [] } = await cloud.clients.cloudTrail.send(
      new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'Encrypt' }], MaxResults: 50 }),
    )
    // The history has what did not come to EventBridge, too.
    expect(Events).toHaveLength(50)
    expect(new Set(Events.map(({ Resources = [] }) => Resources[0]?.ResourceName))).toEqual(new Set([key]))
  })
})

describe('a local cloud', () => {
  let cloud: WatchedCloud
  beforeAll(async () => {
    cloud = await startCloud()
  })
  afterAll(() => cloud.close())

  it('listens on the loopback alone, while functions run too', async () => {
    await cloud.clients.kms.send(new EncryptCommand({ KeyId: await createKey(cloud), Plaintext }))
    await cloud.settle()
    expect(cloud.batches).toHaveLength(1)
    expect(cloud.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(listeningBeyondLoopback()).toEqual([])
  })

  it("refuses operations that it lacks with the service's error", async () => {
    const lacking = new DescribeCustomKeyStoresCommand({})
    await expect(cloud.clients.kms.send(lacking)).rejects.toMatchObject({ name: 'UnknownOperationException', $fault: 'client' })
    expect(cloud.faults).toEqual([])
  })

  it('counts no call whose event anybody else sent', async () => {
    const before = [told(await usageOf(cloud)), cloud.batches.length, await keysOfItems(cloud)] as const
    const detail = {
      eventSource: 'kms.amazonaws.com',
      eventName: 'Decrypt',
      eventID: 'forged',
      eventTime: '2026-10-20T06:21:00Z',
      readOnly: true,
    }
    const entry = { DetailType: 'AWS API Call via CloudTrail', Detail: JSON.stringify(detail) }
    const { Entries } = await cloud.clients.events.send(
      new PutEventsCommand({ Entries: ['keytrail.test', 'aws.kms'].map((Source) => ({ ...entry, Source })) }),
    )
    expect(Entries).toMatchObject([{ EventId: expect.any(String) as unknown }, { ErrorCode: 'NotAuthorizedForSourceException' }])
    await cloud.settle()
    expect(cloud.batches).toHaveLength(before[1])

    const envelope = { source: 'keytrail.test', account: cloud.accountId, 'detail-type': entry.DetailType }
    const MessageBody = JSON.stringify({ ...envelope, detail })
    await cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl: refOf(cloud, 'KeyUsageQueue'), MessageBody }))
    await cloud.settle()
    expect(cloud.batches.at(-1)).toMatchObject({ messages: 1, failed: 0 })
    expect((await keysOfItems(cloud)).toSorted()).toEqual([...before[2], 'parked#2026-10-20'].toSorted())
    expect(told(await usageOf(cloud))).toEqual(before[0])
  })

  it('brings calls that only read to rules that ask for all events, and to no others', async () => {
    const { events, kms } = cloud.clients
    const Name = refOf(cloud, 'KeyUsageRule')
    const { EventPattern } = await events.send(new DescribeRuleCommand({ Name }))
    const key = await createKey(cloud)
    const counted: (readonly string[])[] = []
    for (const State of ['ENABLED', ALL_EVENTS, 'DISABLED']) {
      await events.send(new PutRuleCommand({ Name, EventPattern, State: State as RuleState }))
      await kms.send(new EncryptCommand({ KeyId: key, Plaintext }))
      await cloud.settle()
      counted.push(told((await usageOf(cloud)).filter(({ use }) => use.keyArn === key)))
    }
    await events.send(new PutRuleCommand({ Name, EventPattern, State: ALL_EVENTS as RuleState }))
    const once = [`${key} Encrypt ${CALLER} success 1`]
    expect(counted).toEqual([[], once, once])
  })
})

describe('a local cloud in a folder', () => {
  it('keeps keys, aliases, rules, counts, messages and events on their way from one start to the next', async () => {
    const folder = newFolder()
    const delivery = { ...LATE, duplicateShare: 0 }
    const first = await start({ folder, delivery })
    const key = await createKey(first)
    await first.clients.kms.send(new CreateAliasCommand({ AliasName: 'alias/kept', TargetKeyId: key }))
    await first.clients.events.send(new PutRuleCommand({ Name: 'own', ScheduleExpression: 'rate(1 hour)' }))
    await first.clients.kms.send(new EncryptCommand({ KeyId: key, Plaintext }))
    await finish(first)
    // One more is in the queue, and one on its way, when it stops.
    const { CiphertextBlob } = await first.clients.kms.send(new EncryptCommand({ KeyId: key, Plaintext }))
    while (first.delivery.counts().pending > 0) await first.clock.advance(1000)
    await first.clients.kms.send(new EncryptCommand({ KeyId: key, Plaintext }))
    expect(first.delivery.counts().pending).toBe(1)
    expect(told(await usageOf(first, 6))).toEqual([`${key} Encrypt ${CALLER} success 1`])
    const { clock, made } = first
    const stoppedMs = clock.nowMs()
    await first.close()
    clouds.length = 0

    const second = await start({ folder, delivery })
    expect(second.made).toEqual(withPort(made, first.url, second.url))
    expect(second.clock.nowMs()).toBeGreaterThanOrEqual(stoppedMs)
    const decrypted = await second.clients.kms.send(new DecryptCommand({ CiphertextBlob, KeyId: 'alias/kept' }))
    expect(decrypted).toMatchObject({ KeyId: key })
    expect(await second.clients.events.send(new DescribeRuleCommand({ Name: 'own' }))).toMatchObject({ ScheduleExpression: 'rate(1 hour)' })
    await finish(second)
    expect(told(await usageOf(second, 8))).toEqual([`${key} Decrypt ${CALLER} success 1`, `${key} Encrypt ${CALLER} success 3`])
    expect([first.faults, second.faults]).toEqual([[], []])
  })

  it('has it for itself until it stops, or fails to start', async () => {
    const folder = newFolder()
    const first = await start({ folder })
    await expect(start({ folder })).rejects.toThrow(FolderInUse)
    await first.close()
    clouds.length = 0
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen({ host: '127.0.0.1', port: 0 }, resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(start({ folder, port })).rejects.toThrow('EADDRINUSE')
    const unborn = path.join(newFolder(), 'state')
    await expect(start({ folder: unborn, port })).rejects.toThrow('EADDRINUSE')
    expect(existsSync(unborn)).toBe(false)
    server.close()
    const key = await createKey(await start({ folder, port }))
    expect(key).toContain(':key/')
  })
})

/** Queues are named by addresses, which have the port in them. */
function withPort(made: LocalCloud['made'], from: string, to: string): unknown {
  return new Map(Array.from(made, ([id, { ref, ...rest }]) => [id, { ref: ref.replace(from, to), ...rest }]))
}
