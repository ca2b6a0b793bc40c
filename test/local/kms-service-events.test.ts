import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { DisableRuleCommand, ListRulesCommand, PutRuleCommand } from '@aws-sdk/client-cloudwatch-events'
import { CreateKeyCommand, EnableKeyRotationCommand, RotateKeyOnDemandCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { openClock } from '../../local/clock.ts'
import { recordOfServiceEvent, type ServiceEvent } from '../../local/cloudtrail/service-event.ts'
import type { LocalCloudOptions } from '../../local/cloud.ts'
import { createKms } from '../../local/kms/service.ts'
import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { startCloud, type WatchedCloud } from '../support/local-cloud.ts'
import { Cloud, DAY_MS, START_MS } from './kms-calls.ts'
import { sample } from './kms-samples.ts'

const WEST = 'eu-west-1'

/** The record's members, and its constant words. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
  return typeof value === 'string' && /\d/.test(value) && !/^1\.\d+$/.test(value) ? 'varies' : value
}

function rotationTypeOf(details: unknown): unknown {
  return isJsonObject(details) ? memberOf(details, 'rotationType') : undefined
}

/** Everything that KMS does by itself, done once. */
async function allEvents(): Promise<readonly ServiceEvent[]> {
  const cloud = new Cloud()
  const { keyId } = await cloud.createKey({ MultiRegion: true })
  await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST })
  await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 90 })
  await cloud.do('RotateKeyOnDemand', { KeyId: keyId })
  await cloud.do('ScheduleKeyDeletion', { KeyId: (await cloud.createKey()).keyId })
  cloud.timeMs += 100 * DAY_MS
  await cloud.do('ListKeys')
  return cloud.events
}

describe('what KMS does by itself', () => {
  it.each(['RotateKey', 'RotateKey.on-demand', 'DeleteKey', 'SynchronizeMultiRegionKey'])('is recorded as %s', async (name) => {
    const record = sample(name)
    const same = (event: ServiceEvent): boolean =>
      event.eventName === record['eventName'] && rotationTypeOf(event.serviceEventDetails) === rotationTypeOf(record['serviceEventDetails'])
    const event = (await allEvents()).find(same)
    if (event === undefined) throw new Error(`there is no ${name}`)
    const recorded = recordOfServiceEvent(event, 'kms.amazonaws.com')
    expect(shapeOf(recorded)).toEqual(shapeOf(record))
    expect(JSON.stringify(recorded)).not.toContain('undefined')
  })

  it('happens when the clock gets there, with no call, one timer at a time, also after a restart', async () => {
    const db = new DatabaseSync(':memory:')
    const told: (readonly [eventName: string, timeMs: number])[] = []
    const faults: unknown[] = []
    const clock = openClock({ db, startMs: START_MS, realMs: () => 0, onFault: (error) => void faults.push(error) })
    const timers: number[] = []
    const watched = {
      nowMs: clock.nowMs,
      at(timeMs: number, run: () => void) {
        timers.push(timeMs)
        const cancel = clock.at(timeMs, run)
        return () => {
          timers.splice(timers.indexOf(timeMs), 1)
          cancel()
        }
      },
    }
    const onServiceEvent = ({ eventName, timeMs }: ServiceEvent): void => void told.push([eventName, timeMs])
    const cloud = new Cloud(db, { clock: watched, onServiceEvent })
    const keys = [await cloud.createKey(), await cloud.createKey()]
    for (const [index, { keyId }] of keys.entries()) {
      await cloud.do('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 200 - index * 100 })
    }
    expect(timers).toEqual([START_MS + 100 * DAY_MS])
    await clock.advance(250 * DAY_MS)
    expect(told).toEqual([
      ['RotateKey', START_MS + 100 * DAY_MS],
      ['RotateKey', START_MS + 200 * DAY_MS],
      ['RotateKey', START_MS + 200 * DAY_MS],
    ])
    createKms(db, { clock, onServiceEvent })
    await clock.advance(60 * DAY_MS)
    expect(told.at(-1)).toEqual(['RotateKey', START_MS + 300 * DAY_MS])
    expect(faults).toEqual([])
    await clock.close()
  })
})

/** A local cloud with a rule for KMS's own events, and what reached it. The stack's schedules rest: many months pass. */
async function cloudWithRule(changes: Partial<LocalCloudOptions>): Promise<{ cloud: WatchedCloud; seen: JsonObject[] }> {
  const seen: JsonObject[] = []
  const cloud = await startCloud({
    ...changes,
    onPublished(envelope, outcomes) {
      if (outcomes.some(({ ruleName }) => ruleName === 'kms-itself')) seen.push(envelope)
    },
  })
  const { Rules = [] } = await cloud.clients.events.send(new ListRulesCommand({}))
  for (const { Name, ScheduleExpression } of Rules) {
    if (ScheduleExpression !== undefined) await cloud.clients.events.send(new DisableRuleCommand({ Name }))
  }
  const EventPattern = JSON.stringify({ source: ['aws.kms'], 'detail-type': ['AWS Service Event via CloudTrail'] })
  await cloud.clients.events.send(new PutRuleCommand({ Name: 'kms-itself', EventPattern }))
  return { cloud, seen }
}

function namesOf(seen: readonly JsonObject[]): readonly unknown[] {
  return seen.map((envelope) => (envelope['detail'] as JsonObject)['eventName'])
}

describe('a whole local cloud', () => {
  it('brings them to EventBridge and the event history when the clock passes their time, over a restart', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keytrail-'))
    try {
      const first = await cloudWithRule({ folder })
      const { kms } = first.cloud.clients
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
      const KeyId = KeyMetadata?.KeyId ?? ''
      await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }))
      await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
      await first.cloud.clock.advance(1000)
      await first.cloud.settle()
      expect(namesOf(first.seen)).toEqual(['RotateKey'])
      expect(first.seen[0]).toMatchObject({
        source: 'aws.kms',
        'detail-type': 'AWS Service Event via CloudTrail',
        region: first.cloud.region,
        detail: { eventType: 'AwsServiceEvent', serviceEventDetails: { rotationType: 'ON_DEMAND', keyId: KeyId } },
      })
      await first.cloud.close()

      const { cloud, seen } = await cloudWithRule({ folder })
      await cloud.clock.advance(90 * DAY_MS)
      await cloud.settle()
      expect(namesOf(seen)).toEqual(['RotateKey'])
      expect(seen[0]).toMatchObject({ detail: { serviceEventDetails: { rotationType: 'AUTOMATIC' } } })
      await cloud.clients.kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
      await cloud.clock.advance(7 * DAY_MS)
      await cloud.settle()
      expect(namesOf(seen)).toEqual(['RotateKey', 'DeleteKey'])
      const LookupAttributes = [{ AttributeKey: 'EventName' as const, AttributeValue: 'DeleteKey' }]
      const { Events = [] } = await cloud.clients.cloudTrail.send(new LookupEventsCommand({ LookupAttributes }))
      expect(Events).toHaveLength(1)
      expect([...first.cloud.faults, ...cloud.faults]).toEqual([])
      await cloud.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
