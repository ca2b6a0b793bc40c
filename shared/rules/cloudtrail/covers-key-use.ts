import { cappedText } from '../../text.ts'
import type { TrailCoverage } from '../facts.ts'
import { listed } from '../listed.ts'
import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { KMS_SOURCE, SELECTORS_NOT_UNDERSTOOD } from './in-scope.ts'

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html */
const NAME_BYTES_MAX = 128

type Kind = 'reads' | 'writes'
const KINDS: readonly Kind[] = ['reads', 'writes']
const WORDS: Readonly<Record<Kind, string>> = { reads: 'read', writes: 'write' }

/**
 * Judged by all trails together: each of them may be fine by itself, or log something else, or be gone, while nobody logs the use of keys
 * any more. One trail may log what another leaves out.
 */
export const cloudtrailCoversKeyUse = defineRule({
  id: 'cloudtrail-covers-key-use',
  title: 'Some trail logs every use and every change of KMS keys',
  severity: 'critical',
  resource: 'aws_account',
  // The other items on coverage ask for one trail of all Regions: a trail of this Region is enough for the keys of this Region.
  controls: ['NIST-800-53-r5:AU-12'],
  source: 'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html',
  watches: [
    {
      source: 'cloudtrail.amazonaws.com',
      names: ['CreateTrail', 'DeleteTrail', 'PutEventSelectors', 'StartLogging', 'StopLogging', 'UpdateTrail'],
    },
  ],
  advice:
    'Start a trail of all Regions that logs read and write management events and excludes no event source. Until then nobody writes down who uses keys, and Keytrail hears of nothing.',
  scope: {
    facts: [],
    outOfScope: ['the keys of other Regions: Keytrail judges the account anew in each Region that it is deployed to'],
    exclude: () => null,
  },
  facts: ['trails'],
  evaluate({ trails }, { resource: { region } }) {
    if (trails.length === 0) return fail('the account has no trail')
    const missing = KINDS.filter((kind) => !trails.some((trail) => isHere(trail, region) && logs(trail, kind)))
    if (missing.length === 0) return pass
    if (trails.some((trail) => isHere(trail, region) && trail.managementEvents === 'unclear')) return SELECTORS_NOT_UNDERSTOOD
    const faults = trails.map((trail) => `${cappedText(trail.name, NAME_BYTES_MAX)} ${faultOf(trail, region)}`)
    return fail(`no trail logs ${missing.map((kind) => WORDS[kind]).join(' or ')} events of AWS KMS in ${region}: ${listed(faults)}`)
  },
})

function isHere({ isLogging, isMultiRegion, homeRegion }: TrailCoverage, region: string): boolean {
  return isLogging && (isMultiRegion || homeRegion === region)
}

function logs({ managementEvents: events }: TrailCoverage, kind: Kind): boolean {
  return typeof events !== 'string' && events[kind] && !events.excludedSources.includes(KMS_SOURCE)
}

/** Why a trail does not log it all, after its name. */
function faultOf({ isLogging, isMultiRegion, homeRegion, managementEvents: events }: TrailCoverage, region: string): string {
  if (!isLogging) return 'is stopped'
  if (!isMultiRegion && homeRegion !== region) return `is for ${homeRegion} alone`
  if (typeof events === 'string') return 'logs no management events'
  if (events.excludedSources.includes(KMS_SOURCE)) return 'leaves AWS KMS out'
  return `logs ${events.reads ? 'read' : 'write'} events only`
}
