/** What the functions may do that change AWS: all of it, with the conditions under which they may. */
import { PLANNERS } from '../../shared/changes/planners.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { actionsOfFact, STACK_PLACE, statementsFor } from '../../shared/rules/derive/audit-statements.ts'

type Grant = { readonly Action: readonly string[]; readonly Resource: unknown; readonly Condition?: unknown }

const PARTITION = { Ref: 'AWS::Partition' }
const PLACE = [{ Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }]
const OWN_KEYS = { 'Fn::Join': ['', ['arn:', PARTITION, ':kms:', ...PLACE, ':key/*']] }
const OWN_ALIASES = { 'Fn::Join': ['', ['arn:', PARTITION, ':kms:', ...PLACE, ':alias/*']] }
const BUCKETS = { 'Fn::Join': ['', ['arn:', PARTITION, ':s3:::*']] }
const OWN_ACCOUNT = { StringEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } }
const SEVEN_DAYS = { NumericGreaterThanEquals: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '7' } }

/** What the rules are judged by that can be put right, and what their planners ask for besides. */
const JUDGED_BY: readonly Grant[] = statementsFor(
  ALL_RULES.flatMap(({ id, kind, facts }) => {
    const planner = PLANNERS.get(id)
    return planner === undefined ? [] : [...facts, ...planner.facts].flatMap((fact) => actionsOfFact(kind, fact))
  }),
  STACK_PLACE,
)

/** What each role may do to resources by pattern; what it may do to the stack's own parts stands in the table of powers. */
export const CHANGER_GRANTS: Readonly<Record<string, readonly Grant[]>> = {
  EnforceRole: [
    ...JUDGED_BY,
    { Action: ['cloudformation:DescribeStackResources'], Resource: '*' },
    { Action: ['s3:GetBucketWebsite'], Resource: BUCKETS },
    { Action: ['kms:GetKeyPolicy'], Resource: OWN_KEYS },
    { Action: ['kms:EnableKeyRotation'], Resource: OWN_KEYS },
    { Action: ['s3:PutEncryptionConfiguration', 's3:PutBucketPolicy'], Resource: BUCKETS, Condition: OWN_ACCOUNT },
  ],
  CleanUpRole: [
    { Action: ['kms:ListAliases'], Resource: '*' },
    {
      Action: ['kms:DescribeKey', 'kms:GetKeyLastUsage', 'kms:GetKeyPolicy', 'kms:ListGrants', 'kms:ListResourceTags'],
      Resource: OWN_KEYS,
    },
    { Action: ['kms:DisableKey', 'kms:EnableKey', 'kms:CancelKeyDeletion'], Resource: OWN_KEYS },
    { Action: ['kms:ScheduleKeyDeletion'], Resource: OWN_KEYS, Condition: SEVEN_DAYS },
    { Action: ['kms:CreateAlias', 'kms:DeleteAlias'], Resource: [OWN_KEYS, OWN_ALIASES] },
  ],
}

/** The same as the table of powers counts: actions by resource. */
export function grantedPowers(role: string): Readonly<Record<string, readonly string[]>> {
  const powers: Record<string, readonly string[]> = {}
  for (const { Action: actions, Resource: places } of CHANGER_GRANTS[role] ?? []) {
    for (const place of Array.isArray(places) ? (places as readonly unknown[]) : [places]) {
      const target = JSON.stringify(place)
      powers[target] = [...(powers[target] ?? []), ...actions]
    }
  }
  return powers
}
