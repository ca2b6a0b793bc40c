import type { TrailFacts } from '../facts.ts'
import type { Resource } from '../rule.ts'

/** A trail is seen in every Region that it covers, and set in one. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html */
export const OTHER_REGIONS = 'trails seen from another Region than their own, where they are judged'
export const NO_MANAGEMENT_EVENTS = 'trails that log no management events'

/** Why the trail is no matter here; null: it is. */
export function whyElsewhere({ homeRegion }: Pick<TrailFacts, 'homeRegion'>, { region }: Resource): string | null {
  return homeRegion === region ? null : `the trail is judged in its own Region, ${homeRegion}`
}

export function whyNoManagementEvents({ managementEvents: { reads, writes } }: Pick<TrailFacts, 'managementEvents'>): string | null {
  return reads || writes ? null : 'the trail logs no management events'
}
