import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseStack, resolved } from '../../../local/stack/template.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_RULES, type OwnQueue } from '../../../shared/aws/facts/own-stack.ts'
import { ownQueuePolicy, queuePolicyProblems } from '../../../shared/aws/facts/queue-policy.ts'
import { isJsonObject, type JsonObject } from '../../../shared/json.ts'
import { refOf, startCloud, type WatchedCloud } from '../../support/local-cloud.ts'
import { START_MS_MAX } from './fact-ground.ts'

const description = parseStack(readFileSync(new URL('../../../serverless.yml', import.meta.url), 'utf8'))
const resources = (type: string): typeof description.resources => description.resources.filter((each) => each.type === type)
let cloud: WatchedCloud
beforeAll(async () => {
  cloud = await startCloud({})
}, START_MS_MAX)
afterAll(() => cloud.close())

const arnOf = (logicalId: string): string => cloud.made.get(logicalId)?.attributes?.['Arn'] ?? ''
const policyOf = ({ logicalId, senders, onlyFrom = [] }: OwnQueue): string =>
  ownQueuePolicy(arnOf(logicalId), senders.map(arnOf), onlyFrom.map(arnOf))

describe('what is known of the stack without asking', () => {
  it('is what serverless.yml deploys: rules', () => {
    const deployed = resources('AWS::Events::Rule').map(({ logicalId, properties }) => ({
      logicalId,
      name: properties['Name'],
      state: properties['State'],
      pattern: properties['EventPattern'] ?? null,
      schedule: properties['ScheduleExpression'] ?? null,
      targets: targetsOf(properties),
    }))
    expect(OWN_RULES.toSorted(byLogicalId)).toEqual(deployed.toSorted(byLogicalId))
  })

  it('is what serverless.yml deploys: queues and their policies', () => {
    const policies = resources('AWS::SQS::QueuePolicy').map(({ properties }) => {
      const { Queues: [queue] = [], PolicyDocument } = resolved(properties, cloud.made) as {
        readonly Queues?: readonly string[]
        readonly PolicyDocument?: unknown
      }
      return [queue, JSON.stringify(PolicyDocument)] as const
    })
    expect(OWN_QUEUES.map(({ logicalId }) => logicalId).toSorted()).toEqual(
      resources('AWS::SQS::Queue')
        .map(({ logicalId }) => logicalId)
        .toSorted(),
    )
    const found = new Map(policies)
    for (const queue of OWN_QUEUES) {
      const policy = found.get(refOf(cloud, queue.logicalId)) ?? ''
      expect([queue.logicalId, queuePolicyProblems(policy, policyOf(queue))]).toEqual([queue.logicalId, []])
    }
  })

  it('is what serverless.yml deploys: where messages go that nobody could handle', () => {
    const deployed = resources('AWS::SQS::Queue').map(({ logicalId, properties: { RedrivePolicy: policy } }) => [
      logicalId,
      isJsonObject(policy) ? attributeOf(policy['deadLetterTargetArn']) : null,
    ])
    expect(Object.fromEntries(OWN_QUEUES.map(({ logicalId, deadLetters = null }) => [logicalId, deadLetters]))).toEqual(
      Object.fromEntries(deployed),
    )
  })

  it('is what serverless.yml deploys: functions and what they read', () => {
    const mappings = resources('AWS::Lambda::EventSourceMapping').map(({ properties }) => [
      refIn(properties['FunctionName']),
      attributeOf(properties['EventSourceArn']),
    ])
    const deployed = description.functions.map(({ logicalId, name }) => ({
      logicalId,
      name,
      reads: mappings.filter(([of]) => of === logicalId).map(([, queue]) => queue),
    }))
    expect(OWN_FUNCTIONS.toSorted(byLogicalId)).toEqual(deployed.toSorted(byLogicalId))
  })
})

function byLogicalId(left: { readonly logicalId: string }, right: { readonly logicalId: string }): number {
  return left.logicalId < right.logicalId ? -1 : 1
}

function targetsOf({ Targets: targets }: JsonObject): readonly unknown[] {
  return (Array.isArray(targets) ? targets : []).map((target: unknown) => (isJsonObject(target) ? attributeOf(target['Arn']) : null))
}

function attributeOf(value: unknown): unknown {
  const names = isJsonObject(value) ? value['Fn::GetAtt'] : undefined
  return Array.isArray(names) ? names[0] : null
}

function refIn(value: unknown): unknown {
  return isJsonObject(value) ? value['Ref'] : null
}
