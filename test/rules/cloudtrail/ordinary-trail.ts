import type { TrailFacts } from '../../../shared/rules/facts.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import type { RuleCase, RuleCases } from '../rule-cases.ts'

const ACCOUNT = '111122223333'
const HOME_REGION = 'eu-central-1'

const TRAIL: Resource<'cloudtrail_trail'> = {
  kind: 'cloudtrail_trail',
  arn: `arn:aws:cloudtrail:${HOME_REGION}:${ACCOUNT}:trail/organization`,
  accountId: ACCOUNT,
  region: HOME_REGION,
}

/** A trail that logs all there is, under a key. */
const ORDINARY_TRAIL: TrailFacts = {
  homeRegion: HOME_REGION,
  isMultiRegion: true,
  isOrganizationTrail: false,
  kmsKey: `arn:aws:kms:${HOME_REGION}:${ACCOUNT}:key/9e9da125-c001-4536-897e-dcdad7dbc5f9`,
  validatesLogFiles: true,
  bucket: 'northwind-trail',
  isLogging: true,
  latestDeliveryError: null,
  managementEvents: { reads: true, writes: true, excludedSources: [] },
}

export function trailCases(rows: readonly RuleCase<'cloudtrail_trail'>[]): RuleCases<'cloudtrail_trail'> {
  return { resource: TRAIL, facts: ORDINARY_TRAIL, rows: [...rows, ...ELSEWHERE_ROWS] }
}

/** What the trail logs of management events differs in this. */
export function logging(differing: Partial<TrailFacts['managementEvents']>): Pick<TrailFacts, 'managementEvents'> {
  return { managementEvents: { ...ORDINARY_TRAIL.managementEvents, ...differing } }
}

const ELSEWHERE_ROWS: readonly RuleCase<'cloudtrail_trail'>[] = [
  {
    title: 'is seen from another Region than its own',
    facts: { homeRegion: 'us-east-1' },
    verdict: 'not_applicable',
    says: 'the trail is judged in its own Region, us-east-1',
  },
  { title: 'has an unread Region', unread: ['homeRegion'], verdict: 'unknown', says: 'AccessDeniedException' },
]

export const NO_MANAGEMENT_EVENTS_ROWS: readonly RuleCase<'cloudtrail_trail'>[] = [
  {
    title: 'logs no management events',
    facts: logging({ reads: false, writes: false }),
    verdict: 'not_applicable',
    says: 'the trail logs no management events',
  },
  { title: 'has unread selectors', unread: ['managementEvents'], verdict: 'unknown', says: 'AccessDeniedException' },
]
