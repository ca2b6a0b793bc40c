import { PutTargetsCommand, RemoveTargetsCommand } from '@aws-sdk/client-cloudwatch-events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { putRule, readRule } from '../../shared/aws/rules.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { KEY_USAGE_EVENTS, KEY_USAGE_RULE_NAME, keyUsageRuleProblems, type Rule } from '../../shared/usage/key-usage-rule.ts'
import { startCloud, type WatchedCloud } from '../support/local-cloud.ts'
import { at, listOf, readSource } from '../support/stack.ts'

const STACK_RULE = at(readSource(), 'resources.Resources.KeyUsageRule.Properties')
const STATE = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'
const DETAIL = { eventSource: ['kms.amazonaws.com'], eventName: KEY_USAGE_EVENTS }
const PATTERN = { source: ['aws.kms'], 'detail-type': ['AWS API Call via CloudTrail'], detail: DETAIL }
const GOOD: Rule = { state: STATE, pattern: PATTERN, targetArns: ['arn:aws:sqs:eu-central-1:111122223333:q'] }

function withPattern(changes: JsonObject): Rule {
  return { ...GOOD, pattern: { ...PATTERN, ...changes } }
}

function withDetail(changes: JsonObject): Rule {
  return withPattern({ detail: { ...DETAIL, ...changes } })
}

describe('what keeps the rule for uses of keys from delivering', () => {
  const NARROWED = 'it delivers a part of the events: its pattern asks for'
  const CASES: readonly (readonly [title: string, rule: Rule | null, problems: readonly string[]])[] = [
    ['nothing', GOOD, []],
    ['nothing, whatever type of event', { ...GOOD, pattern: { source: PATTERN.source, detail: DETAIL } }, []],
    ['nothing, if it delivers more', withDetail({ eventName: [...KEY_USAGE_EVENTS, 'ListKeys'] }), []],
    ['no rule', null, ['there is no rule keytrail-key-usage']],
    [
      'the common state',
      { ...GOOD, state: 'ENABLED' },
      [`its state is ENABLED, not ${STATE}: read-only management events are not delivered`],
    ],
    ['being off', { ...GOOD, state: 'DISABLED' }, [`its state is DISABLED, not ${STATE}: read-only management events are not delivered`]],
    ['another source', withPattern({ source: ['keytrail.test'] }), ['its source is not aws.kms alone']],
    ['a second source', withPattern({ source: ['aws.kms', 'keytrail.test'] }), ['its source is not aws.kms alone']],
    ['a filter for a source', withPattern({ source: [{ prefix: 'aws.' }] }), ['its source is not aws.kms alone']],
    ['another service', withDetail({ eventSource: ['s3.amazonaws.com'] }), ['its eventSource is not kms.amazonaws.com alone']],
    ['another type of event', withPattern({ 'detail-type': ['AWS Service Event via CloudTrail'] }), ['its detail-type is not']],
    [
      'names that are missing',
      withDetail({ eventName: KEY_USAGE_EVENTS.filter((name) => !['Decrypt', 'GenerateRandom'].includes(name)) }),
      ['it does not deliver Decrypt, GenerateRandom'],
    ],
    [
      'names in other letters',
      withDetail({ eventName: KEY_USAGE_EVENTS.map((name) => name.toLowerCase()) }),
      ['it does not deliver Decrypt,'],
    ],
    ['one account of several', withPattern({ account: ['111122223333'] }), [`${NARROWED} account too`]],
    ['one Region', withDetail({ awsRegion: ['us-east-1'], readOnly: [false] }), [`${NARROWED} detail.awsRegion, detail.readOnly too`]],
    ['alternatives', withPattern({ $or: [{ region: ['us-east-1'] }] }), [`${NARROWED} $or too`]],
    ['no target', { ...GOOD, targetArns: [] }, ['it has no target']],
    [
      'no pattern',
      { ...GOOD, pattern: null },
      ['its source is not aws.kms alone', 'its eventSource is not kms.amazonaws.com alone', 'it does not deliver Decrypt,'],
    ],
  ]
  it.each(CASES)('%s', (_title, rule, problems) => {
    const found = keyUsageRuleProblems(rule)
    expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem) as unknown))
  })
})

describe('the rule of serverless.yml', () => {
  it('names the events that are wanted, and no others', () => {
    expect(listOf(at(STACK_RULE, 'EventPattern.detail.eventName'))).toEqual(KEY_USAGE_EVENTS)
    expect(at(STACK_RULE, 'Name')).toBe(KEY_USAGE_RULE_NAME)
  })

  it('has no problem as it is written', () => {
    const pattern = at(STACK_RULE, 'EventPattern')
    const rule = { state: String(at(STACK_RULE, 'State')), pattern: isJsonObject(pattern) ? pattern : null, targetArns: ['a queue'] }
    expect(keyUsageRuleProblems(rule)).toEqual([])
  })

  describe('in the local cloud', () => {
    let cloud: WatchedCloud
    beforeAll(async () => {
      cloud = await startCloud()
    })
    afterAll(() => cloud.close())

    const problems = async (): Promise<readonly string[]> => keyUsageRuleProblems(await readRule(cloud.clients.events, KEY_USAGE_RULE_NAME))

    it('is read back without a problem', async () => {
      const rule = await readRule(cloud.clients.events, KEY_USAGE_RULE_NAME)
      expect(keyUsageRuleProblems(rule)).toEqual([])
      expect(rule?.targetArns).toEqual([cloud.made.get('KeyUsageQueue')?.attributes?.['Arn']])
      expect(rule?.pattern).toEqual(at(STACK_RULE, 'EventPattern'))
    })

    it('is read back with what became of it, and put right again', async () => {
      const { events } = cloud.clients
      const rule = { Name: KEY_USAGE_RULE_NAME, EventPattern: JSON.stringify(PATTERN) }
      const target = { Id: 'key-usage-queue', Arn: String(cloud.made.get('KeyUsageQueue')?.attributes?.['Arn']) }
      await events.send(new RemoveTargetsCommand({ Rule: rule.Name, Ids: [target.Id] }))
      expect(await problems()).toEqual(['it has no target'])
      await putRule(events, { ...rule, State: 'DISABLED' }, [target])
      expect(await problems()).toMatchObject([expect.stringContaining('its state is DISABLED') as unknown])
      await putRule(events, { ...rule, State: STATE }, [target])
      expect(await problems()).toEqual([])
      await events.send(new PutTargetsCommand({ Rule: rule.Name, Targets: [{ ...target, Id: 'another' }] }))
      expect(await problems()).toEqual([])
    })

    it('is told from one that is not there', async () => {
      expect(await readRule(cloud.clients.events, 'no-such-rule')).toBeNull()
    })

    it('is refused with targets that are none', async () => {
      const rule = { Name: 'refused', EventPattern: JSON.stringify(PATTERN), State: STATE } as const
      const targets = [{ Id: 'bad id!', Arn: 'arn:aws:sqs:eu-central-1:000000000000:q' }]
      await expect(putRule(cloud.clients.events, rule, targets)).rejects.toThrow('Id must be')
    })
  })
})
