import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { COVERAGE_CONTROLS } from './coverage-controls.ts'
import {
  KMS_SOURCE,
  NO_MANAGEMENT_EVENTS,
  OTHER_REGIONS,
  SELECTORS_NOT_UNDERSTOOD,
  whyElsewhere,
  whyNoManagementEvents,
} from './in-scope.ts'

/** To leave KMS out of a trail saves money, and leaves every use and every change of every key out of it. */
export const cloudtrailLogsKmsEvents = defineRule({
  id: 'cloudtrail-logs-kms-events',
  title: 'Trail does not leave KMS events out',
  severity: 'high',
  resource: 'cloudtrail_trail',
  controls: COVERAGE_CONTROLS,
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html',
  watches: [{ source: 'cloudtrail.amazonaws.com', names: ['CreateTrail', 'PutEventSelectors'] }],
  advice:
    'Take kms.amazonaws.com out of the excluded event sources of the trail. An exclusion leaves out the changes of keys too, not only the many uses.',
  scope: {
    facts: ['homeRegion', 'managementEvents'],
    outOfScope: [OTHER_REGIONS, NO_MANAGEMENT_EVENTS],
    exclude: (trail, { resource }) => whyElsewhere(trail, resource) ?? whyNoManagementEvents(trail),
  },
  facts: [],
  evaluate({ managementEvents: events }) {
    if (typeof events === 'string') return SELECTORS_NOT_UNDERSTOOD
    return events.excludedSources.includes(KMS_SOURCE) ? fail('events of AWS KMS are excluded') : pass
  },
})
