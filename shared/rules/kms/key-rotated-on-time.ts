import type { EpochS } from '../../time.ts'
import { counted, DAY_S, wholeDays } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass, unjudged } from '../verdict.ts'
import { NEVER_ROTATING, ROTATION_FACTS, whyNotRotating } from './in-scope.ts'
import { ROTATION_EVENTS } from './watched.ts'

/** KMS rotates near the date it names, not at it; a key that was disabled on that day rotates once it is enabled again. */
const GRACE_DAYS = 5

/**
 * Judged by what happened, not by the setting: new key material within the period. Rotation on demand gives new material too.
 * Before the first rotation the period counts from when rotation was turned on, which KMS tells as the next date less the period.
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
  advice: 'Rotate the key on demand now (RotateKeyOnDemand), and ask AWS Support why the automatic rotation did not come.',
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
    if (nextAt === null) return unjudged('kms:GetKeyRotationStatus', 'NoNextRotation')
    const scheduledAt = nextAt - periodDays * DAY_S
    if (now - scheduledAt <= limitS) return pass
    const what = rotatedAt === null ? 'the key was made' : 'the last rotation was'
    return fail(`${what} ${counted(wholeDays(freshAt, now), 'day')} ago, the rotation period is ${periodDays} days`)
  },
})
