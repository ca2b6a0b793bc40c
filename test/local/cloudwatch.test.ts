import {
  CloudWatchClient,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  ListMetricsCommand,
  type MetricDataQuery,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch'
import { CreateAliasCommand, CreateKeyCommand, DecryptCommand, EncryptCommand, KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCloudWatch } from '../../local/cloudwatch/service.ts'
import type { SeenCall } from '../../local/json-protocol.ts'
import { createKms } from '../../local/kms/service.ts'
import type { JsonObject } from '../../shared/json.ts'
import { type Ground, openGround } from './ground.ts'
import { ACCOUNT, caller, callOf, REGION, START_MS } from './service-calls.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const OTHER_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/0987dcba-09fe-87dc-65ba-ab0987654321`

function queryOf(id: string, dimensions: Readonly<Record<string, string>>, changes: JsonObject = {}) {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
  const Metric = { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest', Dimensions }
  return { Id: id, MetricStat: { Metric, Period: 60, Stat: 'Sum', ...changes } }
}

function seen(operation: string, output: JsonObject, timeMs: number, eventSource = 'kms.amazonaws.com'): SeenCall {
  return {
    call: callOf(operation, {}, { timeMs, via: 's3.amazonaws.com' }),
    service: { signingName: 'kms', eventSource },
    answer: { output, trail: null },
    userAgent: '',
    sourceIp: '127.0.0.1',
    host: '',
  }
}

function cloudWatchIn(db = new DatabaseSync(':memory:'), delayMs = 0) {
  const service = createCloudWatch({ db, delayMs })
  const at = caller(service)
  const results = async (input: JsonObject, timeMs: number) => {
    const { MetricDataResults } = await at.output('GetMetricData', input, { timeMs })
    return (MetricDataResults as readonly { Timestamps: number[]; Values: number[] }[]).map(({ Timestamps, Values }) =>
      Timestamps.map((startS, index) => [(startS * 1000 - START_MS) / MINUTE_MS, Values[index]]),
    )
  }
  return { db, service, results, ...at }
}
const seconds = (minutes: number): number => (START_MS + minutes * MINUTE_MS) / 1000
const encrypts = (changes: JsonObject = {}): JsonObject[] => [queryOf('q', { KeyArn: KEY_ARN, Operation: 'Encrypt' }, changes)]

describe('the metric of KMS over the wire', () => {
  const database = new DatabaseSync(':memory:')
  let ground: Ground
  let kms: KMSClient
  let cloudWatch: CloudWatchClient

  beforeEach(async () => {
    const service = createCloudWatch({ db: database })
    ground = await openGround({ services: [createKms(database), service], onCall: (call) => service.see(call) })
    kms = new KMSClient(ground.client)
    cloudWatch = new CloudWatchClient(ground.client)
    // A minute that ends in the middle of a test would be another one.
    await ground.clock.advance(MINUTE_MS - (Math.floor(ground.clock.nowMs()) % MINUTE_MS))
  })
  afterEach(async () => {
    kms.destroy()
    cloudWatch.destroy()
    await ground.close()
  })

  async function createKey(): Promise<string> {
    return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
  }

  async function read(queries: MetricDataQuery[], changes: Partial<GetMetricDataCommandInput> = {}) {
    const nowMs = ground.clock.nowMs()
    const span = { StartTime: new Date(nowMs - 60 * MINUTE_MS), EndTime: new Date(nowMs + MINUTE_MS) }
    return cloudWatch.send(new GetMetricDataCommand({ MetricDataQueries: queries, ...span, ...changes }))
  }

  it('counts cryptographic calls that succeeded and nothing else, when their minute is over', async () => {
    const [one, other] = [await createKey(), await createKey()]
    await kms.send(new CreateAliasCommand({ AliasName: `alias/${one.slice(-8)}`, TargetKeyId: one }))
    const Plaintext = Buffer.from('hello')
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: `alias/${one.slice(-8)}`, Plaintext }))
    for (let calls = 0; calls < 3; calls++) await kms.send(new DecryptCommand({ CiphertextBlob }))
    await kms.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: other }))
    await expect(kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { a: 'b' } }))).rejects.toMatchObject({
      name: 'InvalidCiphertextException',
    })
    await expect(kms.send(new EncryptCommand({ KeyId: one, Plaintext, DryRun: true }))).rejects.toMatchObject({
      name: 'DryRunOperationException',
    })
    const queries = [
      queryOf('encrypts', { KeyArn: one, Operation: 'Encrypt' }),
      queryOf('decrypts', { Operation: 'Decrypt', KeyArn: one }),
      queryOf('re', { SourceKeyArn: one, DestinationKeyArn: other, Operation: 'ReEncrypt' }),
      queryOf('created', { KeyArn: one, Operation: 'CreateKey' }),
      queryOf('less', { KeyArn: one }),
    ]
    expect((await read(queries)).MetricDataResults?.map(({ Values }) => Values)).toEqual([[], [], [], [], []])
    await ground.clock.advance(MINUTE_MS)
    const { MetricDataResults = [], NextToken } = await read(queries)
    expect(MetricDataResults.map(({ Id, Values }) => [Id, Values])).toEqual([
      ['encrypts', [1]],
      ['decrypts', [3]],
      ['re', [1]],
      ['created', []],
      ['less', []],
    ])
    expect(MetricDataResults[0]).toMatchObject({ Label: 'SuccessfulRequest', StatusCode: 'Complete' })
    expect(Number(MetricDataResults[0]?.Timestamps?.[0]) % MINUTE_MS).toBe(0)
    expect(NextToken).toBeUndefined()
    const { Metrics = [] } = await cloudWatch.send(
      new ListMetricsCommand({ Namespace: 'AWS/KMS', Dimensions: [{ Name: 'KeyArn', Value: one }], RecentlyActive: 'PT3H' }),
    )
    expect(Metrics.map(({ Dimensions }) => Dimensions?.find(({ Name }) => Name === 'Operation')?.Value)).toEqual(['Decrypt', 'Encrypt'])
    expect([ground.faults, ground.seen]).toEqual([[], []])
  })

  it('comes in pages and fails by the names of the SDK', async () => {
    const key = await createKey()
    for (let minute = 0; minute < 5; minute++) {
      await kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.from('a') }))
      await ground.clock.advance(MINUTE_MS)
    }
    const nowMs = ground.clock.nowMs()
    const input = {
      MetricDataQueries: [queryOf('a', { KeyArn: key, Operation: 'Encrypt' }), queryOf('b', { KeyArn: key, Operation: 'Encrypt' })],
      StartTime: new Date(nowMs - 30 * MINUTE_MS),
      EndTime: new Date(nowMs),
      MaxDatapoints: 3,
      ScanBy: 'TimestampAscending' as const,
    }
    const times: Record<string, number[]> = { a: [], b: [] }
    const codes: unknown[] = []
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client: cloudWatch }, input)) {
      codes.push(MetricDataResults.map(({ StatusCode }) => StatusCode))
      for (const { Id = '', Timestamps = [] } of MetricDataResults) times[Id]?.push(...Timestamps.map(Number))
    }
    expect(codes).toEqual([
      ['PartialData', 'PartialData'],
      ['Complete', 'PartialData'],
      ['Complete', 'PartialData'],
      ['Complete', 'Complete'],
    ])
    expect(times['a']).toHaveLength(5)
    expect(times['a']).toEqual(times['a']?.toSorted((one, other) => one - other))
    expect(times['b']).toEqual(times['a'])
    const wrong = { ...input, NextToken: 'none' }
    await expect(cloudWatch.send(new GetMetricDataCommand(wrong))).rejects.toMatchObject({ name: 'InvalidNextToken', $fault: 'client' })
    await expect(cloudWatch.send(new GetMetricDataCommand({ ...input, MaxDatapoints: 0 }))).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })
})

describe('CloudWatch by itself', () => {
  it('sums by period, from the start that is rounded down to before the end, newest first, over a restart', async () => {
    const first = cloudWatchIn()
    for (const minute of [0, 0.5, 1, 4.99, 5, 11]) first.service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS + minute * MINUTE_MS))
    first.service.see(seen('Encrypt', { KeyId: OTHER_ARN }, START_MS))
    first.service.see(seen('GenerateRandom', {}, START_MS))
    first.service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS, 'other.amazonaws.com'))
    const { results } = cloudWatchIn(first.db)
    const nowMs = START_MS + 60 * MINUTE_MS
    const tables: readonly (readonly [from: number, until: number, period: number, points: readonly (readonly number[])[]])[] = [
      [
        0,
        60,
        60,
        [
          [11, 1],
          [5, 1],
          [4, 1],
          [1, 1],
          [0, 2],
        ],
      ],
      [
        0,
        60,
        300,
        [
          [10, 1],
          [5, 1],
          [0, 4],
        ],
      ],
      [
        0.9,
        11,
        60,
        [
          [5, 1],
          [4, 1],
          [1, 1],
          [0, 2],
        ],
      ],
      [
        1,
        11.5,
        300,
        [
          [11, 1],
          [1, 3],
        ],
      ],
      [12, 60, 60, []],
    ]
    for (const [from, until, Period, points] of tables) {
      const input = { MetricDataQueries: encrypts({ Period }), StartTime: seconds(from), EndTime: seconds(until) }
      expect(await results(input, nowMs), `${from} to ${until} by ${Period}`).toEqual([points])
    }
  })

  it('publishes a minute when it is over, and later with a delay', async () => {
    const input = { MetricDataQueries: encrypts(), StartTime: seconds(0), EndTime: seconds(60) }
    for (const delayMs of [0, 3 * MINUTE_MS]) {
      const { service, results } = cloudWatchIn(undefined, delayMs)
      service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS))
      expect(await results(input, START_MS + delayMs + MINUTE_MS - 1)).toEqual([[]])
      expect(await results(input, START_MS + delayMs + MINUTE_MS)).toEqual([[[0, 1]]])
    }
  })

  it('tells of old times by longer periods only, and forgets after 455 days', async () => {
    const { db, service, results } = cloudWatchIn()
    service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS))
    const ask = async (Period: number, days: number) =>
      results({ MetricDataQueries: encrypts({ Period }), StartTime: seconds(0), EndTime: seconds(60) }, START_MS + days * DAY_MS)
    const told = async (Period: number) => Promise.all([14, 16, 62, 64].map(async (days) => (await ask(Period, days))[0]?.length))
    expect(await told(60)).toEqual([1, 0, 0, 0])
    expect(await told(300)).toEqual([1, 1, 1, 0])
    expect(await told(3600)).toEqual([1, 1, 1, 1])
    const rows = (): unknown => db.prepare('SELECT count(*) AS rows FROM cloudwatch_minutes').get()?.['rows']
    service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS + 454 * DAY_MS))
    expect(rows()).toBe(2)
    service.see(seen('Encrypt', { KeyId: KEY_ARN }, START_MS + 456 * DAY_MS))
    expect(rows()).toBe(2)
  })

  it('does not pass over a call in silence', () => {
    expect(() => cloudWatchIn().service.see(seen('Encrypt', { KeyId: 'alias/a' }, START_MS))).toThrow('answered no key ARN as KeyId')
  })

  const SPAN = { StartTime: seconds(0), EndTime: seconds(1) }
  const [query] = encrypts()
  it.each<[string, string, JsonObject]>([
    ['OK', 'GetMetricData', { MetricDataQueries: encrypts({ Stat: 'SampleCount' }), ...SPAN }],
    ['OK', 'GetMetricData', { MetricDataQueries: Array.from({ length: 500 }, (_, n) => ({ ...query, Id: `q${n}` })), ...SPAN }],
    [
      'ValidationError',
      'GetMetricData',
      { MetricDataQueries: Array.from({ length: 501 }, (_, n) => ({ ...query, Id: `q${n}` })), ...SPAN },
    ],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: [], ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: [query, query], ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: [{ ...query, Id: 'Q' }], ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: [{ Id: 'q' }], ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: [{ Id: 'q', Expression: "SEARCH('{AWS/KMS}', 'Sum')" }], ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts({ Period: 90 }), ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts({ Stat: 'p99' }), ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts({ Unit: 'Count' }), ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts({ Metric: { Dimensions: [{ Name: 'KeyArn' }] } }), ...SPAN }],
    ['OK', 'GetMetricData', { MetricDataQueries: encrypts({ Metric: { Namespace: 'AWS/Lambda', MetricName: 'Errors' } }), ...SPAN }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts(), StartTime: 1, EndTime: 1 }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts() }],
    ['ValidationError', 'GetMetricData', { MetricDataQueries: encrypts(), ...SPAN, ScanBy: 'Up' }],
    ['InvalidNextToken', 'GetMetricData', { MetricDataQueries: encrypts(), ...SPAN, NextToken: btoa('[7,0,0]') }],
    ['OK', 'ListMetrics', {}],
    ['ValidationError', 'ListMetrics', { OwningAccount: ACCOUNT }],
    ['ValidationError', 'ListMetrics', { RecentlyActive: 'PT1H' }],
    ['ValidationError', 'ListMetrics', { Dimensions: [{}] }],
    ['InvalidParameterValue', 'ListMetrics', { NextToken: 'x' }],
    ['UnknownOperationException', 'PutMetricData', {}],
  ])('%s answers %s', async (code, operation, input) => {
    expect(await cloudWatchIn().code(operation, input)).toBe(code)
  })
})
