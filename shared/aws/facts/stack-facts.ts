import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { isDeepStrictEqual } from 'node:util'
import { observed, unread } from '../../observed.ts'
import type { StackFacts } from '../../rules/facts.ts'
import type { Resource } from '../../rules/rule.ts'
import type { EpochS } from '../../time.ts'
import { describeRule, readTargets } from '../rules.ts'
import { type Asked, asked, askedBeside, isRead, mapped, once, present, secondOf } from './asked.ts'
import type { FactParts, FactSources } from './fact-parts.ts'
import { NOT_THERE, type OwnQueue, type OwnRule } from './own-stack.ts'
import { ownQueuePolicy, queuePolicyProblems, redriveProblems } from './queue-policy.ts'
import { functionProblems } from './function-facts.ts'

/** A part of the stack with what is wrong with it. */
type Part = StackFacts['rules'][number]

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html */
const CHANGING = /_IN_PROGRESS$/
const DELETED = 'DELETE_COMPLETE'

export function stackSources({ arn, accountId, region }: Resource, parts: FactParts): FactSources<'keytrail_stack'> {
  const { clients, seen, ownStack } = parts
  const partition = arn.split(':')[1] ?? 'aws'
  const arnOf = (service: string, name: string): string => `arn:${partition}:${service}:${region}:${accountId}:${name}`
  const ruleArn = (logicalId: string): string => arnOf('events', `rule/${nameOf(ownStack.rules, logicalId)}`)
  const targetArn = (logicalId: string): string =>
    ownStack.queueUrls.has(logicalId)
      ? arnOf('sqs', queueName(ownStack.queueUrls.get(logicalId) ?? ''))
      : arnOf('lambda', `function:${nameOf(ownStack.functions, logicalId)}`)

  const roleArn = (logicalId: string): string => `arn:${partition}:iam::${accountId}:role/${toldOf(ownStack.roleNames, logicalId)}`

  async function ruleProblems(rule: OwnRule): Promise<Asked<readonly string[]>> {
    const client = clients.events(region)
    const [found, targets] = await Promise.all([
      asked('events:DescribeRule', () => describeRule(client, rule.name), { gone: null }),
      asked('events:ListTargetsByRule', () => readTargets(client, rule.name), { gone: [] }),
    ])
    if (!isRead(found)) return found
    if (found.value === null) return observed(NOT_THERE)
    if (!isRead(targets)) return targets
    const { state, pattern, schedule } = found.value
    const [fed, own] = [targets.value.map(({ Arn }) => Arn ?? ''), rule.targets.map(targetArn)]
    const lost = own.filter((target) => !fed.includes(target))
    const strange = fed.filter((target) => !own.includes(target))
    // An event that is cut or replaced on its way tells of nothing.
    const changing = targets.value.filter(
      ({ Input, InputPath, InputTransformer }) => (Input ?? InputPath ?? InputTransformer) !== undefined,
    )
    return observed([
      ...(state === rule.state ? [] : [`its state is ${state}, not ${rule.state}`]),
      ...(isDeepStrictEqual(pattern, rule.pattern) ? [] : ['its pattern is not the one that was deployed']),
      ...(schedule === rule.schedule ? [] : ['its schedule is not the one that was deployed']),
      ...lost.map((target) => `it does not feed ${target}`),
      ...(strange.length === 0 ? [] : [`it feeds ${strange.length} more than was deployed`]),
      ...changing.map(({ Arn }) => `it does not feed ${Arn ?? ''} the events as they come`),
    ])
  }

  function queueProblems({ logicalId, senders, onlyFrom = [], deadLetters }: OwnQueue): Promise<Asked<readonly string[]>> {
    const url = toldOf(ownStack.queueUrls, logicalId)
    const expected = ownQueuePolicy(targetArn(logicalId), senders.map(ruleArn), onlyFrom.map(roleArn))
    return asked(
      'sqs:GetQueueAttributes',
      async () => {
        const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['Policy', 'RedrivePolicy'] })
        const { Attributes } = await clients.sqs(region).send(command)
        return [
          ...queuePolicyProblems(Attributes?.['Policy'] ?? '', expected),
          ...redriveProblems(Attributes?.['RedrivePolicy'], deadLetters === undefined ? null : targetArn(deadLetters)),
        ]
      },
      { gone: NOT_THERE },
    )
  }

  const stack = once(async (): Promise<Asked<{ readonly status: string; readonly changedAt: EpochS }>> => {
    const answer = await asked('cloudformation:DescribeStacks', async () => {
      const { Stacks: [found] = [] } = await clients.cloudFormation(region).send(new DescribeStacksCommand({ StackName: arn }))
      return { status: present(found?.StackStatus), changedAt: secondOf(present(found?.LastUpdatedTime ?? found?.CreationTime)) }
    })
    return isRead(answer) && answer.value.status === DELETED ? 'gone' : answer
  })

  async function functions(): Promise<Asked<StackFacts['functions']>> {
    const [told, known] = await Promise.all([stack(), askedBeside('dynamodb:Query', () => seen.codes(arn))])
    if (!isRead(told)) return told
    if (!known.known) return known
    const { status, changedAt } = told.value
    // The code of a stack that is being changed is the old one or the new one.
    if (CHANGING.test(status)) return unread('cloudformation:DescribeStacks', 'failed', 'StackIsChanging')
    const read = { client: clients.lambda(region), seen, stackArn: arn, changedAt, known: known.value }
    return wrongParts(ownStack.functions, (of) => functionProblems(read, of, of.reads.map(targetArn)))
  }

  /** What is compared by where the queues are. */
  const located = (read: () => Promise<Asked<readonly Part[]>>): (() => Promise<Asked<readonly Part[]>>) =>
    once(() => (ownStack.unlocated === undefined ? read() : Promise.resolve(ownStack.unlocated)))

  return {
    status: async () => mapped(await stack(), ({ status }) => status),
    rules: located(() => wrongParts(ownStack.rules, ruleProblems)),
    queuePolicies: located(() =>
      wrongParts(
        ownStack.queues.map((queue) => ({ ...queue, name: queue.logicalId })),
        queueProblems,
      ),
    ),
    functions: located(functions),
  }
}

/** Those with which something is wrong; if one could not be read, that. */
async function wrongParts<Own extends { readonly name: string }>(
  own: readonly Own[],
  problemsOf: (part: Own) => Promise<Asked<readonly string[]>>,
): Promise<Asked<readonly Part[]>> {
  const parts: Part[] = []
  for (const each of own) {
    const problems = await problemsOf(each)
    if (!isRead(problems)) return problems
    if (problems.value.length > 0) parts.push({ name: each.name, problems: problems.value })
  }
  return observed(parts)
}

/** @throws if the stack has no such part: serverless.yml and own-stack.ts differ */
function nameOf(parts: readonly { readonly logicalId: string; readonly name: string }[], logicalId: string): string {
  const part = parts.find((each) => each.logicalId === logicalId)
  if (part === undefined) throw new Error(`the stack has no ${logicalId}`)
  return part.name
}

function toldOf(names: ReadonlyMap<string, string>, logicalId: string): string {
  const name = names.get(logicalId)
  if (name === undefined) throw new Error(`nobody said what ${logicalId} is called`)
  return name
}

/** `https://sqs.<Region>.amazonaws.com/<account>/<name>` */
function queueName(url: string): string {
  return url.split('/').at(-1) ?? ''
}
