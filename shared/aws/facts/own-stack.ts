import type { JsonObject } from '../../json.ts'
import type { Unread } from '../../observed.ts'
import { ALL_RULES } from '../../rules/all-rules.ts'
import { derivedRules } from '../../rules/derive/event-rules.ts'
import { KEY_USAGE_EVENTS, KEY_USAGE_RULE_NAME } from '../../usage/key-usage-rule.ts'
import { KMS_EVENT_SOURCE, KMS_SOURCE } from '../../usage/operations.ts'
import type { RuleState } from '../rules.ts'

/** A rule of the stack as it is deployed. */
export type OwnRule = {
  readonly logicalId: string
  readonly name: string
  readonly state: RuleState
  /** Null: it has a schedule. */
  readonly pattern: JsonObject | null
  readonly schedule: string | null
  /** Logical IDs of what it feeds. */
  readonly targets: readonly string[]
}

/** A queue of the stack, and the rules (logical IDs) that may send to it. */
export type OwnQueue = {
  readonly logicalId: string
  readonly senders: readonly string[]
  /** Roles (logical IDs): nobody else may send, whatever their own policies say. */
  readonly onlyFrom?: readonly string[]
  /** Where messages go that nobody could handle (a logical ID); left out: nowhere. */
  readonly deadLetters?: string
}
/** A function of the stack, and the queues (logical IDs) that Lambda reads for it. */
export type OwnFunction = { readonly logicalId: string; readonly name: string; readonly reads: readonly string[] }

/** What is wrong with a part that is gone. */
export const NOT_THERE: readonly string[] = ['it is not there']

/**
 * What serverless.yml deploys of rules, queues and functions; a test compares the two. It comes with the code that judges by it rather than
 * from CloudFormation's GetTemplate: that takes one more permission, and who may change a stack may change its template with it.
 */
export const OWN_RULES: readonly OwnRule[] = [
  {
    logicalId: 'KeyUsageRule',
    name: KEY_USAGE_RULE_NAME,
    state: 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS',
    pattern: {
      source: [KMS_SOURCE],
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: { eventSource: [KMS_EVENT_SOURCE], eventName: KEY_USAGE_EVENTS },
    },
    schedule: null,
    targets: ['KeyUsageQueue'],
  },
  {
    logicalId: 'RollUpSchedule',
    name: 'keytrail-roll-up-usage',
    state: 'ENABLED',
    pattern: null,
    schedule: 'rate(15 minutes)',
    targets: ['RollUpUsageLambdaFunction'],
  },
  ...derivedRules(ALL_RULES).map(({ logicalId, state, pattern }): OwnRule => ({
    logicalId,
    name: `keytrail-audit-${logicalId.replace(/^Audit(.*)Rule/, '$1').toLowerCase()}`,
    state,
    pattern,
    schedule: null,
    targets: ['AuditQueue'],
  })),
  {
    logicalId: 'SweepSchedule',
    name: 'keytrail-sweep',
    state: 'ENABLED',
    pattern: null,
    schedule: 'rate(15 minutes)',
    targets: ['SweepLambdaFunction'],
  },
  {
    logicalId: 'AnnounceSchedule',
    name: 'keytrail-announce',
    state: 'ENABLED',
    pattern: null,
    schedule: 'rate(5 minutes)',
    targets: ['AnnounceLambdaFunction'],
  },
  {
    logicalId: 'CleanUpSchedule',
    name: 'keytrail-clean-up',
    state: 'ENABLED',
    pattern: null,
    schedule: 'rate(1 hour)',
    targets: ['CleanUpLambdaFunction'],
  },
]

const AUDIT_RULES = derivedRules(ALL_RULES).map(({ logicalId }) => logicalId)

export const OWN_QUEUES: readonly OwnQueue[] = [
  { logicalId: 'KeyUsageQueue', senders: ['KeyUsageRule'], deadLetters: 'KeyUsageDeadLetterQueue' },
  { logicalId: 'KeyUsageDeadLetterQueue', senders: [] },
  { logicalId: 'KeyUsageRuleDeadLetterQueue', senders: ['KeyUsageRule'] },
  { logicalId: 'RollUpDeadLetterQueue', senders: ['RollUpSchedule'] },
  { logicalId: 'AuditQueue', senders: AUDIT_RULES, deadLetters: 'AuditDeadLetterQueue' },
  { logicalId: 'AuditDeadLetterQueue', senders: [] },
  { logicalId: 'AuditRuleDeadLetterQueue', senders: AUDIT_RULES },
  { logicalId: 'SweepDeadLetterQueue', senders: ['SweepSchedule'] },
  { logicalId: 'AnnounceQueue', senders: [], deadLetters: 'AnnounceDeadLetterQueue' },
  { logicalId: 'AnnounceDeadLetterQueue', senders: ['AnnounceSchedule'] },
  { logicalId: 'EnforceQueue', senders: [], onlyFrom: ['AuditChangeRole', 'SweepRole'], deadLetters: 'EnforceDeadLetterQueue' },
  { logicalId: 'EnforceDeadLetterQueue', senders: [] },
  { logicalId: 'CleanUpDeadLetterQueue', senders: ['CleanUpSchedule'] },
]

/** Roles (logical IDs) that policies of queues name. */
export const OWN_ROLES: readonly string[] = [...new Set(OWN_QUEUES.flatMap(({ onlyFrom = [] }) => onlyFrom))]

export const OWN_FUNCTIONS: readonly OwnFunction[] = [
  { logicalId: 'CountKeyUsageLambdaFunction', name: 'keytrail-count-key-usage', reads: ['KeyUsageQueue'] },
  { logicalId: 'RollUpUsageLambdaFunction', name: 'keytrail-roll-up-usage', reads: [] },
  { logicalId: 'AuditChangeLambdaFunction', name: 'keytrail-audit-change', reads: ['AuditQueue'] },
  { logicalId: 'SweepLambdaFunction', name: 'keytrail-sweep', reads: [] },
  { logicalId: 'AnnounceLambdaFunction', name: 'keytrail-announce', reads: ['AnnounceQueue'] },
  { logicalId: 'EnforceLambdaFunction', name: 'keytrail-enforce', reads: ['EnforceQueue'] },
  { logicalId: 'CleanUpLambdaFunction', name: 'keytrail-clean-up', reads: [] },
]

/** A stack, and what its queues and roles are called, by logical ID: their names are CloudFormation's, known to who is deployed with them. */
export type OwnStack = {
  readonly rules: readonly OwnRule[]
  readonly queues: readonly OwnQueue[]
  readonly functions: readonly OwnFunction[]
  readonly queueUrls: ReadonlyMap<string, string>
  readonly roleNames: ReadonlyMap<string, string>
  /** Why these lack some; left out: they lack none. */
  readonly unlocated?: Unread
}
