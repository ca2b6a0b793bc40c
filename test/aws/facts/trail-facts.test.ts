import {
  type AdvancedFieldSelector,
  CreateTrailCommand,
  DeleteTrailCommand,
  PutEventSelectorsCommand,
  type PutEventSelectorsCommandInput,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { managementEventsOf } from '../../../shared/aws/facts/management-events.ts'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import { FACT_ACTIONS, type TrailFacts } from '../../../shared/rules/facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { type Fault, type FactGround, openFactGround, START_MS_MAX, unreadOf, valuesOf } from './fact-ground.ts'

const KMS = 'kms.amazonaws.com'
const RDS = 'rdsdata.amazonaws.com'
const accountId = '000000000000'
const Name = 'audited'
const ALL = Object.keys(FACT_ACTIONS.cloudtrail_trail)

let ground: FactGround
let trail: Resource<'cloudtrail_trail'>
beforeAll(async () => {
  ground = await openFactGround()
  trail = {
    kind: 'cloudtrail_trail',
    arn: `arn:aws:cloudtrail:${ground.cloud.region}:${accountId}:trail/${Name}`,
    accountId,
    region: ground.cloud.region,
  }
}, START_MS_MAX)
afterAll(() => ground.close())
beforeEach(async () => {
  const { cloudTrail } = ground.cloud.clients
  await cloudTrail.send(new DeleteTrailCommand({ Name: trail.arn })).catch(() => undefined)
  await cloudTrail.send(
    new CreateTrailCommand({ Name, S3BucketName: 'trail-bucket', IsMultiRegionTrail: true, EnableLogFileValidation: true }),
  )
})

const field = (Field: string, operators: Omit<AdvancedFieldSelector, 'Field'>): AdvancedFieldSelector => ({ Field, ...operators })
const MANAGEMENT = field('eventCategory', { Equals: ['Management'] })

type Case = readonly [
  title: string,
  selectors: Pick<PutEventSelectorsCommandInput, 'EventSelectors' | 'AdvancedEventSelectors'>,
  events: TrailFacts['managementEvents'],
]
const SELECTORS: readonly Case[] = [
  ['all', { EventSelectors: [{}] }, { reads: true, writes: true, excludedSources: [] }],
  ['writes only', { EventSelectors: [{ ReadWriteType: 'WriteOnly' }] }, { reads: false, writes: true, excludedSources: [] }],
  ['reads only', { EventSelectors: [{ ReadWriteType: 'ReadOnly' }] }, { reads: true, writes: false, excludedSources: [] }],
  [
    'without KMS',
    { EventSelectors: [{ ExcludeManagementEventSources: [KMS, RDS] }] },
    { reads: true, writes: true, excludedSources: [KMS, RDS] },
  ],
  [
    'without KMS by one selector and with it by another',
    { EventSelectors: [{ ExcludeManagementEventSources: [KMS] }, {}] },
    { reads: true, writes: true, excludedSources: [] },
  ],
  [
    'reads of all and writes without KMS',
    { EventSelectors: [{ ReadWriteType: 'ReadOnly' }, { ReadWriteType: 'WriteOnly', ExcludeManagementEventSources: [KMS] }] },
    { reads: true, writes: true, excludedSources: [KMS] },
  ],
  ['no management events', { EventSelectors: [{ IncludeManagementEvents: false }] }, 'none'],
  ['advanced, all', { AdvancedEventSelectors: [{ FieldSelectors: [MANAGEMENT] }] }, { reads: true, writes: true, excludedSources: [] }],
  [
    'advanced, reads without KMS',
    {
      AdvancedEventSelectors: [
        { FieldSelectors: [MANAGEMENT, field('readOnly', { Equals: ['true'] }), field('eventSource', { NotEquals: [KMS] })] },
      ],
    },
    { reads: true, writes: false, excludedSources: [KMS] },
  ],
  [
    'advanced, data events and writes',
    {
      AdvancedEventSelectors: [
        { FieldSelectors: [field('eventCategory', { Equals: ['Data'] }), field('resources.type', { Equals: ['AWS::S3::Object'] })] },
        { FieldSelectors: [MANAGEMENT, field('readOnly', { Equals: ['false'] })] },
      ],
    },
    { reads: false, writes: true, excludedSources: [] },
  ],
]

describe('facts of a trail', () => {
  it('of one that logs, and of one that does not yet', async () => {
    const { cloudTrail } = ground.cloud.clients
    const expected = {
      homeRegion: ground.cloud.region,
      kmsKey: null,
      validatesLogFiles: true,
      isLogging: false,
      latestDeliveryError: null,
      managementEvents: { reads: true, writes: true, excludedSources: [] },
    }
    expect(valuesOf('cloudtrail_trail', await ground.read(trail))).toEqual(expected)
    await cloudTrail.send(new StartLoggingCommand({ Name }))
    for (const extent of ['event', 'sweep'] as const)
      expect(valuesOf('cloudtrail_trail', await ground.read(trail, ALL, { extent }))).toEqual({ ...expected, isLogging: true })
  })

  it.each(SELECTORS)('of the selectors %s', async (_title, selectors, events) => {
    await ground.cloud.clients.cloudTrail.send(new PutEventSelectorsCommand({ TrailName: Name, ...selectors }))
    expect(valuesOf('cloudtrail_trail', await ground.read(trail, ['managementEvents'])).managementEvents).toEqual(events)
  })

  it('are unclear of a selector that narrows by what is not known here, unless another takes everything', () => {
    const odd = [
      [MANAGEMENT, field('userIdentity.arn', { NotStartsWith: ['arn:aws:sts::111122223333:assumed-role/somebody'] })],
      [MANAGEMENT, field('sessionCredentialFromConsole', { Equals: ['true'] })],
      [field('eventCategory', { NotEquals: ['Data'] })],
      [MANAGEMENT, field('eventName', { Equals: ['Decrypt'] })],
      [MANAGEMENT, field('eventSource', { NotStartsWith: ['kms'] })],
      [MANAGEMENT, field('eventSource', { Equals: ['s3.amazonaws.com'] })],
    ]
    for (const FieldSelectors of odd) {
      expect(managementEventsOf({ AdvancedEventSelectors: [{ FieldSelectors }] })).toBe('unclear')
      const others = (...FieldSelectorsOfOther: AdvancedFieldSelector[]): unknown =>
        managementEventsOf({ AdvancedEventSelectors: [{ FieldSelectors }, { FieldSelectors: FieldSelectorsOfOther }] })
      expect(others(MANAGEMENT)).toEqual({ reads: true, writes: true, excludedSources: [] })
      expect(others(MANAGEMENT, field('readOnly', { Equals: ['true'] }))).toBe('unclear')
      expect(others(MANAGEMENT, field('eventSource', { NotEquals: [KMS] }))).toBe('unclear')
    }
    const data = [field('eventCategory', { Equals: ['Data'] }), field('resources.type', { Equals: ['AWS::S3::Object'] })]
    expect(managementEventsOf({ AdvancedEventSelectors: [{ FieldSelectors: data }] })).toBe('none')
    expect(managementEventsOf({ EventSelectors: [] })).toBe('none')
  })

  it('of one that is gone', async () => {
    await ground.cloud.clients.cloudTrail.send(new DeleteTrailCommand({ Name: trail.arn }))
    for (const name of ['homeRegion', 'isLogging', 'managementEvents']) expect(await ground.read(trail, [name])).toBe('gone')
    expect(await ground.read(trail, ALL, { extent: 'sweep' })).toBe('gone')
  })

  it('takes one call for what one call tells, and in a sweep one for all trails of a Region', async () => {
    ground.calls()
    await ground.read(trail)
    expect(ground.calls().toSorted()).toEqual(['DescribeTrails', 'GetEventSelectors', 'GetTrailStatus'])
    const reader = createFactReader(ground.parts({ extent: 'sweep' }))
    for (const arn of [trail.arn, trail.arn.replace(Name, 'keytrail')]) await reader({ ...trail, arn })(['homeRegion', 'kmsKey'])
    expect(ground.calls()).toEqual(['DescribeTrails'])
  })

  const FAULTS: readonly (readonly [Fault, string])[] = [
    [{ status: 400, code: 'AccessDeniedException' }, 'denied AccessDeniedException'],
    [{ status: 500, code: 'InternalFailure' }, 'failed InternalFailure'],
    [{ status: 400, code: 'ThrottlingException' }, 'failed ThrottlingException'],
    ['broken', 'failed TimeoutError'],
  ]
  it.each(FAULTS)('are unread where one call fails, each in turn: %j', async (fault, why) => {
    for (const failing of ['DescribeTrails', 'GetEventSelectors', 'GetTrailStatus']) {
      ground.faultOf = (operation) => (operation === failing ? fault : null)
      const action = `cloudtrail:${failing}`
      const affected = Object.entries(FACT_ACTIONS.cloudtrail_trail).filter(([, actions]) =>
        (actions as readonly string[]).includes(action),
      )
      expect(unreadOf(await ground.read(trail))).toEqual(Object.fromEntries(affected.map(([name]) => [name, `${action} ${why}`])))
    }
    ground.faultOf = () => null
  })
})
