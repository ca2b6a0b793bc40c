import type { ControlId } from '../controls.ts'

/**
 * They ask for one trail that logs, read and write, and leaves nothing out, KMS neither; one that fails is none of them.
 * https://docs.aws.amazon.com/config/latest/developerguide/multi-region-cloudtrail-enabled.html
 */
export const COVERAGE_CONTROLS = [
  'FSBP:CloudTrail.1',
  'CIS-1.2.0:2.1',
  'CIS-1.4.0:3.1',
  'CIS-3.0.0:3.1',
  'CIS-5.0.0:3.1',
  'NIST-800-53-r5:AU-12',
] as const satisfies readonly ControlId[]
