import { DAY_S, type EpochS } from '../../time.ts'
import { counted, dayText, wholeDays } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass, unjudged } from '../verdict.ts'
import { NEVER_ROTATING, ROTATION_FACTS, whyNotRotating } from './in-scope.ts'
import { ROTATION_EVENTS } from './watched.ts'

/** KMS rotates near the date it names, not at it; a key that was disabled on that day rotates once it is enabled again. */
const GRACE_DAYS = 5

/**
 * Judged by what happened, not by the setting: new key material within the period. Rotation on demand gives new material too.
 * When KMS means to rotate excuses nothing: whoever turns rotation off and on again begins a new period, and may do so for ever.
 * https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-disable.html
 */
export const kmsKeyRotatedOnTime = defineRule({
  id: 'kms-key-rotated-on-time',
  title: 'KMS key was rotated on time',
  severity: 'high',
  resource: 'kms_key',
  // Keys are changed at the end of their cryptoperiod: the setting alone does not show it.
  controls: ['PCI-DSS-4.0.1:3.7.4'],
  source: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html',
  watches: [{ source: 'kms.amazonaws.com', names: [...ROTATION_EVENTS, 'RotateKeyOnDemand'] }],
  advice:
    'Rotate the key on demand now (RotateKeyOnDemand). KMS counts the period from when rotation was last turned on, not from the last rotation; if the date it named is over, ask AWS Support why it did not come.',
  scope: {
    facts: ROTATION_FACTS,
    outOfScope: [...NEVER_ROTATING, 'keys whose automatic rotation is off: kms-key-rotation-enabled says so'],
    exclude: whyNotRotating,
  },
  facts: ['rotation', 'rotations', 'createdAt'],
  evaluate({ rotation: { isEnabled, periodDays, nextAt }, rotations, createdAt }, { now }) {
    if (!isEnabled) return notApplicable('automatic rotation is off')
    if (periodDays === null) return unjudged('kms:GetKeyRotationStatus', 'NoRotationPeriod')
    const rotatedAt = rotations.reduce<EpochS | null>((latest, { at }) => (latest === null || at > latest ? at : latest), null)
    const freshAt = rotatedAt ?? createdAt
    const limitS = (periodDays + GRACE_DAYS) * DAY_S
    if (now - freshAt <= limitS) return pass
    const age = `${counted(wholeDays(freshAt, now), 'day')} ago`
    const what = rotatedAt === null ? `the key was made ${age} and never rotated` : `the last rotation was ${age}`
    const meant = nextAt === null ? '' : `; KMS means to rotate it on ${dayText(nextAt)}`
    return fail(`${what}, the rotation period is ${periodDays} days${meant}`)
  },
})
