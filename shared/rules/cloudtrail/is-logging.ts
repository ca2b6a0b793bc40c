import { cappedText } from '../../text.ts'
import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { COVERAGE_CONTROLS } from './coverage-controls.ts'
import { OTHER_REGIONS, whyElsewhere } from './in-scope.ts'

/** An error code of Amazon S3, such as `NoSuchBucket`. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html */
const ERROR_BYTES_MAX = 64

/** Without a trail that logs, EventBridge hears nothing of CloudTrail, and Keytrail nothing at all. */
export const cloudtrailIsLogging = defineRule({
  id: 'cloudtrail-is-logging',
  title: 'Trail is logging and delivers its log files',
  severity: 'critical',
  resource: 'cloudtrail_trail',
  controls: COVERAGE_CONTROLS,
  source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html',
  watches: [{ source: 'cloudtrail.amazonaws.com', names: ['CreateTrail', 'DeleteTrail', 'StartLogging', 'StopLogging', 'UpdateTrail'] }],
  advice:
    'Start logging. If log files are not delivered, the policy of the bucket or of the KMS key refuses CloudTrail, or the bucket is gone.',
  scope: { facts: ['homeRegion'], outOfScope: [OTHER_REGIONS], exclude: (trail, { resource }) => whyElsewhere(trail, resource) },
  facts: ['isLogging', 'latestDeliveryError'],
  evaluate({ isLogging, latestDeliveryError }) {
    if (!isLogging) return fail('logging is stopped')
    return latestDeliveryError === null ? pass : fail(`log files are not delivered: ${cappedText(latestDeliveryError, ERROR_BYTES_MAX)}`)
  },
})
