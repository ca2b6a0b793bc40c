import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createCloudTrail } from '../../local/cloudtrail/service.ts'
import { createTrails } from '../../local/cloudtrail/trails.ts'
import type { ServiceCall } from '../../local/service.ts'
import type { JsonObject } from '../../shared/json.ts'
import { caller, START_MS } from './service-calls.ts'
import createSample from '../../events/cloudtrail.amazonaws.com/CreateTrail.json' with { type: 'json' }
import selectorSample from '../../events/cloudtrail.amazonaws.com/PutEventSelectors.kms-excluded.json' with { type: 'json' }
import unencryptedSample from '../../events/cloudtrail.amazonaws.com/UpdateTrail.encryption-removed.json' with { type: 'json' }
import putRule from '../../events/events.amazonaws.com/PutRule.json' with { type: 'json' }
import createKey from '../../events/kms.amazonaws.com/CreateKey.json' with { type: 'json' }
import decrypt from '../../events/kms.amazonaws.com/Decrypt.json' with { type: 'json' }
import putObject from '../../events/s3.amazonaws.com/PutObject.data-event.json' with { type: 'json' }

const NAME = 'organization'
const CREATE = { Name: NAME, S3BucketName: 'northwind-trail', IsMultiRegionTrail: true }
const ELSEWHERE: Partial<ServiceCall> = { region: 'us-east-1' }
/** `PutEventSelectors.kms-excluded` names its members as the API does, but for the first letters. */
const KMS_EXCLUDED = [
  { ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: ['kms.amazonaws.com'] },
]

function field(name: string, operators: JsonObject): JsonObject {
  return { Field: name, ...operators }
}

function advanced(...fields: readonly JsonObject[]): JsonObject {
  return { AdvancedEventSelectors: [{ Name: 'n', FieldSelectors: fields }] }
}

function cloudTrail(db = new DatabaseSync(':memory:')) {
  return { db, trails: createTrails(db), ...caller(createCloudTrail({ db })) }
}

describe('a trail', () => {
  it('is made, changed and limited as the samples record it', async () => {
    const { answer, output } = cloudTrail()
    const { name, s3BucketName, kmsKeyId } = createSample.requestParameters
    const input = { Name: name, S3BucketName: s3BucketName, IsMultiRegionTrail: true, EnableLogFileValidation: true, KmsKeyId: kmsKeyId }
    const made = await answer('CreateTrail', { ...input, IncludeGlobalServiceEvents: true, IsOrganizationTrail: false })
    const { requestParameters, responseElements } = createSample
    expect(made.trail).toEqual({ readOnly: false, requestParameters, responseElements })
    expect(await output('GetTrail', { Name: name })).toMatchObject({ Trail: { KmsKeyId: kmsKeyId, HasCustomEventSelectors: false } })
    const selected = await answer('PutEventSelectors', { TrailName: name, EventSelectors: KMS_EXCLUDED })
    const recorded = { requestParameters: selectorSample.requestParameters, responseElements: selectorSample.responseElements }
    expect(selected.trail).toEqual({ readOnly: false, ...recorded })
    const plain = await answer('UpdateTrail', { Name: name, KmsKeyId: '' })
    expect(plain.trail).toMatchObject({
      requestParameters: unencryptedSample.requestParameters,
      responseElements: unencryptedSample.responseElements,
    })
    expect(plain.trail?.responseElements).not.toHaveProperty('kmsKeyId')
  })

  it('logs between StartLogging and StopLogging, also over a restart', async () => {
    const { db, output, trails } = cloudTrail()
    await output('CreateTrail', CREATE)
    expect(await output('GetTrailStatus', { Name: NAME })).toEqual({ IsLogging: false })
    expect(trails.wouldDeliver(decrypt)).toBe(false)
    await output('StartLogging', { Name: NAME })
    const restarted = cloudTrail(db)
    expect(restarted.trails.wouldDeliver(decrypt)).toBe(true)
    await restarted.output('StopLogging', { Name: NAME }, { timeMs: START_MS + 5000 })
    const times = { StartLoggingTime: START_MS / 1000, StopLoggingTime: START_MS / 1000 + 5 }
    expect(await restarted.output('GetTrailStatus', { Name: NAME })).toEqual({ IsLogging: false, ...times })
    expect(trails.wouldDeliver(decrypt)).toBe(false)
    await restarted.output('DeleteTrail', { Name: NAME })
    expect(await output('DescribeTrails')).toEqual({ trailList: [] })
  })

  it('of all Regions is seen in each', async () => {
    const { output } = cloudTrail()
    await output('CreateTrail', CREATE)
    await output('CreateTrail', { ...CREATE, Name: 'one-region', IsMultiRegionTrail: false })
    const names = async (input: JsonObject, changes: Partial<ServiceCall>) =>
      ((await output('DescribeTrails', input, changes))['trailList'] as JsonObject[]).map(({ Name }) => Name)
    expect(await names({}, {})).toEqual(['one-region', NAME].toSorted())
    expect(await names({}, ELSEWHERE)).toEqual([NAME])
    expect(await names({ includeShadowTrails: false }, ELSEWHERE)).toEqual([])
    expect(await names({ trailNameList: ['one-region', 'unknown'] }, {})).toEqual(['one-region'])
    expect(((await output('ListTrails'))['Trails'] as JsonObject[]).map(({ HomeRegion }) => HomeRegion)).toEqual([
      'eu-central-1',
      'eu-central-1',
    ])
  })

  const BAD_SELECTORS: readonly unknown[] = [
    [],
    [{ ReadWriteType: 'None' }],
    [{ ExcludeManagementEventSources: ['s3.amazonaws.com'] }],
    [{ DataResources: [{ Type: 'AWS::SQS::Queue', Values: [] }] }],
    Array.from({ length: 6 }, () => ({})),
  ]
  const MANAGEMENT = field('eventCategory', { Equals: ['Management'] })
  const BAD_FIELDS: readonly (readonly JsonObject[])[] = [
    [],
    [field('eventCategory', { Equals: ['Insight'] })],
    [field('readOnly', { Equals: ['true'] })],
    [MANAGEMENT, field('eventName', { Equals: ['Decrypt'] })],
    [MANAGEMENT, field('eventSource', { Equals: ['kms.amazonaws.com'] })],
    [MANAGEMENT, field('eventSource', { NotEquals: ['s3.amazonaws.com'] })],
    [MANAGEMENT, field('readOnly', { NotEquals: ['true'] })],
    [MANAGEMENT, MANAGEMENT],
    [field('eventCategory', { Equals: ['Data'] })],
    [MANAGEMENT, field('readOnly', {})],
  ]
  type Case = readonly [code: string, operation: string, input: JsonObject, changes?: Partial<ServiceCall>]
  const CASES: readonly Case[] = [
    ['InvalidTrailNameException', 'CreateTrail', { ...CREATE, Name: 'ab' }],
    ['InvalidTrailNameException', 'CreateTrail', { ...CREATE, Name: 'my--trail' }],
    ['InvalidTrailNameException', 'CreateTrail', { ...CREATE, Name: '192.168.5.4' }],
    ['InvalidTrailNameException', 'CreateTrail', { ...CREATE, Name: `a${'b'.repeat(128)}` }],
    ['OK', 'CreateTrail', { ...CREATE, Name: `a${'b'.repeat(127)}` }],
    ['InvalidS3BucketNameException', 'CreateTrail', { Name: 'another' }],
    ['InvalidParameterCombinationException', 'CreateTrail', { ...CREATE, Name: 'another', IncludeGlobalServiceEvents: false }],
    ['TrailAlreadyExistsException', 'CreateTrail', CREATE],
    ['TrailNotFoundException', 'GetTrail', { Name: 'unknown' }],
    ['TrailNotFoundException', 'StartLogging', { Name: 'unknown' }],
    ['CloudTrailARNInvalidException', 'GetTrail', { Name: 'arn:aws:s3:::bucket' }],
    ['InvalidTrailNameException', 'GetTrail', {}],
    ['OK', 'GetTrail', { Name: NAME }, ELSEWHERE],
    ['InvalidHomeRegionException', 'StopLogging', { Name: NAME }, ELSEWHERE],
    ['InvalidParameterCombinationException', 'PutEventSelectors', { TrailName: NAME }],
    ['UnknownOperationException', 'CreateEventDataStore', {}],
    ...BAD_SELECTORS.map(
      (EventSelectors) => ['InvalidEventSelectorsException', 'PutEventSelectors', { TrailName: NAME, EventSelectors }] as const,
    ),
    ...BAD_FIELDS.map(
      (FieldSelectors) =>
        ['InvalidEventSelectorsException', 'PutEventSelectors', { TrailName: NAME, AdvancedEventSelectors: [{ FieldSelectors }] }] as const,
    ),
  ]
  it.each(CASES.map(([code, operation, input, changes = {}]) => ({ code, operation, input, changes })))(
    '$code answers $operation $input',
    async ({ code, operation, input, changes }) => {
      const service = cloudTrail()
      await service.output('CreateTrail', CREATE)
      expect(await service.code(operation, input, changes)).toBe(code)
    },
  )

  it('is one of five in a Region', async () => {
    const { output, code } = cloudTrail()
    for (const n of [1, 2, 3, 4, 5]) await output('CreateTrail', { ...CREATE, Name: `trail-${n}` })
    expect(await code('CreateTrail', CREATE)).toBe('MaximumNumberOfTrailsExceededException')
  })
})

describe('what a logging trail brings to EventBridge', () => {
  const RECORDS = { read: decrypt, write: createKey, other: putRule, data: putObject } as const
  type Kind = keyof typeof RECORDS
  const S3_OBJECTS = { Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }
  const management = { Field: 'eventCategory', Equals: ['Management'] }
  const data = { Field: 'eventCategory', Equals: ['Data'] }
  const objects = { Field: 'resources.type', Equals: ['AWS::S3::Object'] }

  it.each<readonly [string, JsonObject, readonly Kind[]]>([
    ['all', { EventSelectors: [{}] }, ['read', 'write', 'other']],
    ['what reads', { EventSelectors: [{ ReadWriteType: 'ReadOnly' }] }, ['read']],
    ['what writes', { EventSelectors: [{ ReadWriteType: 'WriteOnly' }] }, ['write', 'other']],
    ['no KMS', { EventSelectors: KMS_EXCLUDED }, ['other']],
    ['nothing', { EventSelectors: [{ IncludeManagementEvents: false }] }, []],
    ['objects too', { EventSelectors: [{ DataResources: [S3_OBJECTS] }] }, ['read', 'write', 'other', 'data']],
    [
      'other objects',
      { EventSelectors: [{ DataResources: [{ ...S3_OBJECTS, Values: ['arn:aws:s3:::elsewhere/'] }] }] },
      ['read', 'write', 'other'],
    ],
    ['one of two', { EventSelectors: [{ ReadWriteType: 'ReadOnly' }, { ...KMS_EXCLUDED[0] }] }, ['read', 'other']],
    ['all management', advanced(management), ['read', 'write', 'other']],
    ['management that reads', advanced(management, { Field: 'readOnly', Equals: ['true'] }), ['read']],
    ['management but KMS', advanced(management, { Field: 'eventSource', NotEquals: ['kms.amazonaws.com'] }), ['other']],
    ['data', advanced(data, objects), ['data']],
    ['data of some', advanced(data, objects, { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::elsewhere/'] }), []],
    ['data by name', advanced(data, objects, { Field: 'eventName', NotStartsWith: ['Get'], EndsWith: ['Object'] }), ['data']],
  ])('%s', async (_title, selectors, expected) => {
    const { output, trails } = cloudTrail()
    await output('CreateTrail', CREATE)
    await output('PutEventSelectors', { TrailName: NAME, ...selectors })
    expect(await output('GetEventSelectors', { TrailName: NAME })).toMatchObject(selectors)
    await output('StartLogging', { Name: NAME })
    const brought = Object.entries(RECORDS).flatMap(([kind, record]) => (trails.wouldDeliver(record) ? [kind] : []))
    expect(brought).toEqual(expected)
  })

  it.each([
    ['another Region', { ...decrypt, awsRegion: 'us-east-1' }, false],
    ['another account', { ...decrypt, recipientAccountId: '444455556666' }, false],
    ['its own', decrypt, true],
  ])('a trail of one Region and %s', async (_title, record, isBrought) => {
    const { output, trails } = cloudTrail()
    await output('CreateTrail', { ...CREATE, IsMultiRegionTrail: false })
    await output('StartLogging', { Name: NAME })
    expect(trails.wouldDeliver(record)).toBe(isBrought)
  })
})
