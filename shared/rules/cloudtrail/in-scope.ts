import type { TrailFacts } from '../facts.ts'
import type { Resource } from '../rule.ts'
import { unjudged } from '../verdict.ts'

/** A trail is seen in every Region that it covers, and set in one. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html */
export const OTHER_REGIONS = 'trails seen from another Region than their own, where they are judged'
export const NO_MANAGEMENT_EVENTS = 'trails that log no management events: cloudtrail-covers-key-use says whether another one does'
export const KMS_SOURCE = 'kms.amazonaws.com'
export const SELECTORS_NOT_UNDERSTOOD = unjudged('cloudtrail:GetEventSelectors', 'SelectorsNotUnderstood')

/** Why the trail is no matter here; null: it is. */
export function whyElsewhere({ homeRegion }: Pick<TrailFacts, 'homeRegion'>, { region }: Resource): string | null {
  return homeRegion === region ? null : `the trail is judged in its own Region, ${homeRegion}`
}

export function whyNoManagementEvents({ managementEvents }: Pick<TrailFacts, 'managementEvents'>): string | null {
  return managementEvents === 'none' ? 'the trail logs no management events' : null
}
