import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { OTHER_REGIONS, whyElsewhere } from './in-scope.ts'

/** Signed digests show whether a log file was changed or deleted after it was delivered. */
export const cloudtrailValidatesLogFiles = defineRule({
  id: 'cloudtrail-validates-log-files',
  title: 'Trail signs digests of its log files',
  severity: 'low',
  resource: 'cloudtrail_trail',
  controls: ['FSBP:CloudTrail.4', 'CIS-1.2.0:2.2', 'CIS-1.4.0:3.2', 'CIS-3.0.0:3.2', 'CIS-5.0.0:3.2'],
  source: 'https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html',
  watches: [{ source: 'cloudtrail.amazonaws.com', names: ['CreateTrail', 'UpdateTrail'] }],
  advice: 'Turn on log file validation of the trail. Files that were delivered before stay without a digest.',
  scope: { facts: ['homeRegion'], outOfScope: [OTHER_REGIONS], exclude: (trail, { resource }) => whyElsewhere(trail, resource) },
  facts: ['validatesLogFiles'],
  evaluate: ({ validatesLogFiles }) => (validatesLogFiles ? pass : fail('log file validation is off')),
})
