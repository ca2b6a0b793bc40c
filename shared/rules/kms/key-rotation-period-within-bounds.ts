import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass, unjudged } from '../verdict.ts'
import { NEVER_ROTATING, ROTATION_FACTS, whyNotRotating } from './in-scope.ts'
import { ROTATION_EVENTS } from './watched.ts'

/** Keys that rotate do so as often as the team says. */
export const kmsKeyRotationPeriodWithinBounds = defineRule({
  id: 'kms-key-rotation-period-within-bounds',
  title: 'KMS key rotates as often as expected',
  severity: 'low',
  resource: 'kms_key',
  // Keys are changed at the end of their cryptoperiod: the setting alone does not show it.
  controls: ['PCI-DSS-4.0.1:3.7.4'],
  source: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html',
  watches: [{ source: 'kms.amazonaws.com', names: ROTATION_EVENTS }],
  advice: 'Set the rotation period anew (it is a parameter of EnableKeyRotation), or change the bounds in keytrail.yml.',
  scope: {
    facts: ROTATION_FACTS,
    outOfScope: [...NEVER_ROTATING, 'keys whose automatic rotation is off: kms-key-rotation-enabled says so'],
    exclude: whyNotRotating,
  },
  facts: ['rotation'],
  evaluate({ rotation: { isEnabled, periodDays } }, { expectations }) {
    if (!isEnabled) return notApplicable('automatic rotation is off')
    if (periodDays === null) return unjudged('kms:GetKeyRotationStatus', 'NoRotationPeriod')
    const { min, max } = expectations.rotationPeriodDays
    return periodDays >= min && periodDays <= max ? pass : fail(`the rotation period is ${periodDays} days, expected are ${min} to ${max}`)
  },
  remediation: { summary: 'Set the rotation period', writes: ['kms:EnableKeyRotation'] },
})
