import type { ManagementEvents, TrailFacts } from '../../../shared/rules/facts.ts'
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

type Logged = Exclude<ManagementEvents, string>

export const EVERYTHING: Logged = { reads: true, writes: true, excludedSources: [] }

/** A trail that logs all there is, under a key. */
const ORDINARY_TRAIL: TrailFacts = {
  homeRegion: HOME_REGION,
  kmsKey: `arn:aws:kms:${HOME_REGION}:${ACCOUNT}:key/9e9da125-c001-4536-897e-dcdad7dbc5f9`,
  validatesLogFiles: true,
  isLogging: true,
  latestDeliveryError: null,
  managementEvents: EVERYTHING,
}

export function trailCases(rows: readonly RuleCase<'cloudtrail_trail'>[]): RuleCases<'cloudtrail_trail'> {
  return { resource: TRAIL, facts: ORDINARY_TRAIL, rows: [...rows, ...ELSEWHERE_ROWS] }
}

/** What the trail logs of management events differs in this. */
export function logging(differing: Partial<Logged>): Pick<TrailFacts, 'managementEvents'> {
  return { managementEvents: { ...EVERYTHING, ...differing } }
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
    facts: { managementEvents: 'none' },
    verdict: 'not_applicable',
    says: 'the trail logs no management events',
  },
  {
    title: 'has selectors that are not understood here',
    facts: { managementEvents: 'unclear' },
    verdict: 'unknown',
    says: 'SelectorsNotUnderstood',
  },
  { title: 'has unread selectors', unread: ['managementEvents'], verdict: 'unknown', says: 'AccessDeniedException' },
]
