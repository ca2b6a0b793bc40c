import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { COVERAGE_CONTROLS } from './coverage-controls.ts'
import { NO_MANAGEMENT_EVENTS, OTHER_REGIONS, SELECTORS_NOT_UNDERSTOOD, whyElsewhere, whyNoManagementEvents } from './in-scope.ts'

/** Every use of a KMS key is a read event. */
export const cloudtrailLogsReadEvents = defineRule({
  id: 'cloudtrail-logs-read-events',
  title: 'Trail logs read and write management events',
  severity: 'medium',
  resource: 'cloudtrail_trail',
  controls: COVERAGE_CONTROLS,
  source: 'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html',
  watches: [{ source: 'cloudtrail.amazonaws.com', names: ['CreateTrail', 'PutEventSelectors'] }],
  advice: 'Let the event selectors of the trail log management events of both kinds: Encrypt, Decrypt and GenerateDataKey are read events.',
  scope: {
    facts: ['homeRegion', 'managementEvents'],
    outOfScope: [OTHER_REGIONS, NO_MANAGEMENT_EVENTS],
    exclude: (trail, { resource }) => whyElsewhere(trail, resource) ?? whyNoManagementEvents(trail),
  },
  facts: [],
  evaluate({ managementEvents: events }) {
    if (typeof events === 'string') return SELECTORS_NOT_UNDERSTOOD
    const { reads, writes } = events
    if (reads && writes) return pass
    return fail(reads ? 'the trail logs read events only, no change of anything' : 'the trail logs write events only, no use of a KMS key')
  },
})
