import { describe, expect, it } from 'vitest'
import { CATALOGUE } from '../../shared/cloudtrail/catalogue.ts'
import { memberOf } from '../../shared/json.ts'
import { CRYPTOGRAPHIC_EVENTS, KMS_EVENT_SOURCE } from '../../shared/usage/operations.ts'
import { at, listOf, readSource, resources } from '../support/stack.ts'

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const PATTERN_CHARACTERS_MAX = 2048
const ALL_MANAGEMENT_EVENTS = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'

describe('the rule for uses of keys', () => {
  const stack = at(readSource(), 'resources')
  const rules = resources({ Resources: at(stack, 'Resources') }, 'AWS::Events::Rule')
  const rule = rules.find(({ id }) => id === 'KeyUsageRule')?.properties
  const names = listOf(at(rule, 'EventPattern.detail.eventName')).map(String)

  it('names what is counted, and the canary', () => {
    expect(names.toSorted()).toEqual([...CRYPTOGRAPHIC_EVENTS, 'GenerateRandom'].toSorted())
  })

  it('takes events that AWS alone can send, of KMS and of API calls', () => {
    expect(at(rule, 'EventPattern')).toEqual({
      source: ['aws.kms'],
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: { eventSource: [KMS_EVENT_SOURCE], eventName: names },
    })
  })

  it('has a pattern that EventBridge takes', () => {
    expect(JSON.stringify(at(rule, 'EventPattern')).length).toBeLessThanOrEqual(PATTERN_CHARACTERS_MAX)
  })

  it.each(names)('%s is an API call that only reads, as the catalogue says, and so needs the state', (name) => {
    expect(memberOf(CATALOGUE[KMS_EVENT_SOURCE], name)).toMatchObject({ readOnly: true, kind: 'api-call' })
    expect(at(rule, 'State')).toBe(ALL_MANAGEMENT_EVENTS)
  })

  it('stands apart from schedules, which EventBridge refuses in that state', () => {
    const both = rules.filter(({ properties }) => properties['ScheduleExpression'] !== undefined && properties['State'] !== 'ENABLED')
    expect(both).toEqual([])
    const schedules = rules.filter(({ properties }) => properties['EventPattern'] === undefined).map(({ id }) => id)
    expect(schedules).toEqual(['RollUpSchedule', 'SweepSchedule', 'AnnounceSchedule', 'CleanUpSchedule'])
  })
})
