import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'

export const RULE_STATES = ['ENABLED', 'DISABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'] as const
export type RuleState = (typeof RULE_STATES)[number]

/** Records of other categories come under these detail types too, or under their own. */
const MANAGEMENT_DETAIL_TYPES = [
  'AWS API Call via CloudTrail',
  'AWS Service Event via CloudTrail',
  'AWS Console Action via CloudTrail',
  'AWS Console Signin via CloudTrail',
]
const OTHER_CATEGORIES: readonly unknown[] = ['Data', 'NetworkActivity', 'Insight']

/**
 * Whether a rule in a state gets to see an event at all, before its pattern is asked. Read-only management events that CloudTrail
 * brings reach only rules that asked for all of them.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export function stateAdmits(state: RuleState, envelope: JsonObject): boolean {
  switch (state) {
    case 'DISABLED':
      return false
    case 'ENABLED':
      return !isReadOnlyManagementEvent(envelope)
    case 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS':
      return true
  }
}

function isReadOnlyManagementEvent(envelope: JsonObject): boolean {
  const detail = memberOf(envelope, 'detail')
  return (
    isJsonObject(detail) &&
    (textOf(envelope, 'source') ?? '').startsWith('aws.') &&
    MANAGEMENT_DETAIL_TYPES.includes(textOf(envelope, 'detail-type') ?? '') &&
    memberOf(detail, 'readOnly') === true &&
    memberOf(detail, 'managementEvent') !== false &&
    !OTHER_CATEGORIES.includes(memberOf(detail, 'eventCategory'))
  )
}
