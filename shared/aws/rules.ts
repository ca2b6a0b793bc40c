import {
  type CloudWatchEventsClient,
  DescribeRuleCommand,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  type PutRuleCommandInput,
  PutTargetsCommand,
  ResourceNotFoundException,
  type RuleState as KnownRuleState,
  type Target,
} from '@aws-sdk/client-cloudwatch-events'
import { isJsonObject, type JsonObject } from '../json.ts'
import type { Rule } from '../usage/key-usage-rule.ts'

/** The type of this client is older than the third state; the wire carries it both ways. */
export type RuleState = KnownRuleState | 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'

/** The most that one page holds; a rule has 5 targets. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html */
const TARGETS_MAX = 100

/** A rule of the default bus as it stands; null: there is none of that name. */
export async function readRule(client: CloudWatchEventsClient, name: string): Promise<Rule | null> {
  try {
    const { state, pattern } = await describeRule(client, name)
    return { state, pattern, targetArns: (await readTargets(client, name)).map(({ Arn }) => Arn ?? '') }
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null
    throw error
  }
}

/** Without its targets. @throws `ResourceNotFoundException` */
export async function describeRule(
  client: CloudWatchEventsClient,
  name: string,
): Promise<Pick<Rule, 'state' | 'pattern'> & { readonly schedule: string | null }> {
  const rule = await client.send(new DescribeRuleCommand({ Name: name }))
  return { state: rule.State ?? 'unknown', pattern: parsePattern(rule.EventPattern), schedule: rule.ScheduleExpression ?? null }
}

/** @throws `ResourceNotFoundException` */
export async function readTargets(client: CloudWatchEventsClient, name: string): Promise<readonly Target[]> {
  return (await client.send(new ListTargetsByRuleCommand({ Rule: name, Limit: TARGETS_MAX }))).Targets ?? []
}

function parsePattern(text: string | undefined): JsonObject | null {
  if (text === undefined) return null
  const pattern: unknown = JSON.parse(text)
  return isJsonObject(pattern) ? pattern : null
}

/** Makes a rule of the default bus, or makes it what it shall be, with these targets. */
export async function putRule(
  client: CloudWatchEventsClient,
  rule: Omit<PutRuleCommandInput, 'State'> & { readonly Name: string; readonly State: RuleState },
  targets: readonly Target[],
): Promise<void> {
  await client.send(new PutRuleCommand({ ...rule, State: rule.State as KnownRuleState }))
  const { FailedEntries = [] } = await client.send(new PutTargetsCommand({ Rule: rule.Name, Targets: [...targets] }))
  if (FailedEntries.length > 0)
    throw new Error(`${FailedEntries.length} targets of the rule ${rule.Name} were refused: ${FailedEntries[0]?.ErrorMessage ?? ''}`)
}
