import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createHistory } from '../../local/cloudtrail/history.ts'
import { recordOfCall } from '../../local/cloudtrail/record.ts'
import { createCloudTrail } from '../../local/cloudtrail/service.ts'
import type { ServiceAnswer, Trail } from '../../local/service.ts'
import { parseRecord } from '../../shared/cloudtrail/record.ts'
import type { JsonObject } from '../../shared/json.ts'
import { caller, callOf, PRINCIPAL, START_MS } from './service-calls.ts'
import sample from '../../events/kms.amazonaws.com/Decrypt.json' with { type: 'json' }

const KEY = sample.resources[0]?.ARN ?? ''

function text(bytes: number): string {
  return 'x'.repeat(bytes)
}

function recorded(changes: Partial<Trail> = {}, answer: Partial<ServiceAnswer> = {}, userAgent = 'aws-sdk-js/3'): JsonObject {
  const trail: Trail = { readOnly: true, requestParameters: { keyId: KEY }, responseElements: null, ...changes }
  const call = callOf('Decrypt', {}, { timeMs: START_MS + 999 })
  const answered = { output: {}, ...answer, trail }
  return recordOfCall({ call, eventSource: 'kms.amazonaws.com', answer: answered, userAgent, sourceIp: '127.0.0.1' }) ?? {}
}

describe('the record of a call', () => {
  it('has the members of the sample, in its order, but no TLS', () => {
    const { requestParameters, resources, additionalEventData } = sample
    const record = recorded({ requestParameters, resources, additionalEventData })
    expect(Object.keys(record)).toEqual(Object.keys(sample).filter((name) => name !== 'tlsDetails'))
    const { eventVersion, eventSource, eventName, readOnly, eventType, managementEvent, eventCategory, recipientAccountId, awsRegion } =
      sample
    expect(record).toMatchObject({ eventVersion, eventSource, eventName, readOnly, eventType, managementEvent, eventCategory })
    expect(record).toMatchObject({ recipientAccountId, awsRegion, requestParameters, resources, additionalEventData })
    expect(record).toMatchObject({ eventTime: '2026-10-20T06:00:00Z', sourceIPAddress: '127.0.0.1', userIdentity: PRINCIPAL.userIdentity })
  })

  it('is read by Keytrail', () => {
    const parsed = parseRecord(JSON.parse(JSON.stringify(recorded({ resources: sample.resources }))))
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        eventName: 'Decrypt',
        keyArns: [KEY],
        eventTime: START_MS / 1000,
        errorCode: null,
        caller: { name: 'arn:aws:iam::111122223333:role/OrdersService' },
      },
    })
  })

  it.each([
    ['AccessDeniedException', 'AccessDenied'],
    ['NotFoundException', 'NotFoundException'],
  ])('tells the failure %s as %s', (code, errorCode) => {
    const failure = { code, message: 'no', status: 400 }
    const call = callOf('CreateKey')
    const answer = { failure, trail: { readOnly: false, requestParameters: null, responseElements: null } }
    const record = recordOfCall({ call, eventSource: 'kms.amazonaws.com', answer, userAgent: '', sourceIp: '127.0.0.1' })
    expect(record).toMatchObject({ errorCode, errorMessage: 'no', requestParameters: null })
    expect(record).not.toHaveProperty('resources')
  })

  it('is not there where the service has nothing recorded', () => {
    const answer = { output: {}, trail: null }
    expect(recordOfCall({ call: callOf('X'), eventSource: 'a', answer, userAgent: '', sourceIp: '' })).toBeNull()
  })

  const KB = 1024
  it.each<readonly [string, Partial<Trail>, JsonObject]>([
    ['a request of 100 KB', { requestParameters: { a: text(100 * KB - 8) } }, { requestParameters: { a: text(100 * KB - 8) } }],
    ['a larger request', { requestParameters: { a: text(100 * KB - 7) } }, { requestParameters: { omitted: true } }],
    ['a large answer', { responseElements: { a: text(100 * KB) } }, { responseElements: { omitted: true } }],
    ['much additional data', { additionalEventData: { a: text(28 * KB) } }, { additionalEventData: { omitted: true } }],
    [
      'fields that fit only one by one',
      { requestParameters: { a: text(99 * KB) }, responseElements: { a: text(99 * KB) }, resources: [{ ARN: text(80 * KB) }] },
      { requestParameters: { a: text(99 * KB) }, responseElements: { omitted: true }, resources: [{ ARN: text(80 * KB) }] },
    ],
  ])('cuts or keeps %s', (_title, trail, expected) => {
    const record = recorded(trail, {}, text(2 * KB))
    expect(record).toMatchObject(expected)
    expect(record['userAgent']).toBe(text(KB))
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThanOrEqual(256 * KB)
  })
})

describe('LookupEvents', () => {
  const FOLDER = path.resolve(import.meta.dirname, '../../events/kms.amazonaws.com')
  const SAMPLES = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as JsonObject)
  const MANAGEMENT = SAMPLES.filter((record) => record['eventCategory'] !== 'NetworkActivity')
  const DAY_END_MS = Date.UTC(2026, 9, 21)

  function historyOfSamples() {
    const db = new DatabaseSync(':memory:')
    const history = createHistory(db)
    for (const record of SAMPLES) history.add(record, START_MS)
    const service = caller(createCloudTrail({ db }))
    const found = async (input: JsonObject, timeMs = DAY_END_MS) =>
      (await service.output('LookupEvents', input, { timeMs }))['Events'] as JsonObject[]
    return { history, found, ...service }
  }

  it('gives every event once, newest first, over pages', async () => {
    const { output } = historyOfSamples()
    const events: JsonObject[] = []
    let token: unknown
    for (let pages = 0; pages < 20 && (pages === 0 || token !== undefined); pages++) {
      const page = await output('LookupEvents', { MaxResults: 7, ...(token !== undefined && { NextToken: token }) }, { timeMs: DAY_END_MS })
      events.push(...(page['Events'] as JsonObject[]))
      token = page['NextToken']
    }
    expect(token).toBeUndefined()
    expect(new Set(events.map(({ EventId }) => EventId))).toEqual(new Set(MANAGEMENT.map(({ eventID }) => eventID)))
    expect(events).toHaveLength(MANAGEMENT.length)
    const times = events.map(({ EventTime }) => Number(EventTime))
    expect(times).toEqual(times.toSorted((a, b) => b - a))
    for (const event of events) expect(JSON.parse(String(event['CloudTrailEvent']))).toMatchObject({ eventID: event['EventId'] })
  })

  it.each([
    ['EventName', 'ReEncrypt', (record: JsonObject) => record['eventName'] === 'ReEncrypt'],
    ['EventSource', 'kms.amazonaws.com', () => true],
    ['EventId', sample.eventID, (record: JsonObject) => record['eventID'] === sample.eventID],
    ['ReadOnly', 'false', (record: JsonObject) => record['readOnly'] === false],
    ['Username', 'build', (record: JsonObject) => JSON.stringify(record['userIdentity']).includes('"userName":"build"')],
    ['Username', 'nobody', () => false],
    [
      'AccessKeyId',
      'AKIAQBUILDXXXEXAMPLE',
      (record: JsonObject) => JSON.stringify(record['userIdentity']).includes('AKIAQBUILDXXXEXAMPLE'),
    ],
    ['ResourceName', KEY, (record: JsonObject) => JSON.stringify(record['resources'] ?? []).includes(KEY)],
  ] as const)('finds by %s %s', async (AttributeKey, AttributeValue, isMeant) => {
    const { found } = historyOfSamples()
    const events = await found({ LookupAttributes: [{ AttributeKey, AttributeValue }] })
    const meant = MANAGEMENT.filter(isMeant)
    expect(events).toHaveLength(Math.min(50, meant.length))
    const ids = new Set(meant.map(({ eventID }) => eventID))
    expect(events.filter(({ EventId }) => !ids.has(EventId))).toEqual([])
  })

  it('tells an event as AWS does', async () => {
    const { found } = historyOfSamples()
    const [event] = await found({ LookupAttributes: [{ AttributeKey: 'EventId', AttributeValue: sample.eventID }] })
    const { EventTime, ...rest } = event ?? {}
    expect(EventTime).toBe(Date.parse(sample.eventTime) / 1000)
    expect(rest).toEqual({
      EventId: sample.eventID,
      EventName: 'Decrypt',
      ReadOnly: 'true',
      AccessKeyId: 'ASIAQORDERSSVEXAMPLE',
      EventSource: 'kms.amazonaws.com',
      Username: 'orders-api',
      Resources: [{ ResourceType: 'AWS::KMS::Key', ResourceName: KEY }],
      CloudTrailEvent: JSON.stringify(sample),
    })
  })

  it('holds events back until they came, and forgets them after 90 days', async () => {
    const { found, history } = historyOfSamples()
    expect(await found({}, START_MS - 1)).toEqual([])
    const span = { StartTime: Date.parse(sample.eventTime) / 1000, EndTime: Date.parse(sample.eventTime) / 1000 }
    expect((await found(span)).map(({ EventId }) => EventId)).toContain(sample.eventID)
    expect(await found({}, DAY_END_MS + 90 * 86_400_000)).toEqual([])
    history.prune(DAY_END_MS + 90 * 86_400_000)
    expect(await found({})).toEqual([])
  })

  it.each<readonly [string, JsonObject]>([
    ['InvalidMaxResultsException', { MaxResults: 51 }],
    ['InvalidMaxResultsException', { MaxResults: 0 }],
    ['InvalidTimeRangeException', { StartTime: 2, EndTime: 1 }],
    ['InvalidLookupAttributesException', { LookupAttributes: [{ AttributeKey: 'Region', AttributeValue: 'x' }] }],
    ['InvalidLookupAttributesException', { LookupAttributes: [{ AttributeKey: 'EventName' }] }],
    [
      'InvalidLookupAttributesException',
      { LookupAttributes: ['a', 'b'].map((AttributeValue) => ({ AttributeKey: 'EventName', AttributeValue })) },
    ],
    ['InvalidNextTokenException', { NextToken: 'nonsense' }],
    ['InvalidNextTokenException', { NextToken: 7 }],
    ['InvalidEventCategoryException', { EventCategory: 'data' }],
    ['OK', { EventCategory: 'insight' }],
  ])('answers %s to %j', async (code, input) => {
    expect(await historyOfSamples().code('LookupEvents', input)).toBe(code)
  })

  it('takes a token only with the question it was given for', async () => {
    const { output, code } = historyOfSamples()
    const { NextToken } = await output('LookupEvents', { MaxResults: 1 }, { timeMs: DAY_END_MS })
    expect(await code('LookupEvents', { NextToken }, { timeMs: DAY_END_MS })).toBe('OK')
    expect(await code('LookupEvents', { NextToken, StartTime: 5 }, { timeMs: DAY_END_MS })).toBe('InvalidNextTokenException')
  })
})
