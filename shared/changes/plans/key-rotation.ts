import type { StateOf } from '../aspect.ts'
import type { Ground, Planned, Planner } from '../planner.ts'
import { rotationStateOf } from './states.ts'

/** What KMS takes where nobody says. https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
const DAYS_IF_NONE = 365

/** Switches rotation on, with the period that KMS has by itself as far as the policy allows it; a period out of bounds goes to the nearest bound. */
export const keyRotationPlanner: Planner = {
  aspect: 'key-rotation',
  facts: [],
  plan({ state, expectations }: Ground): Planned {
    const { isEnabled, periodDays } = rotationStateOf(state).value
    const { min, max } = expectations.rotationPeriodDays
    const wantedDays = Math.min(max, Math.max(min, periodDays ?? DAYS_IF_NONE))
    if (isEnabled && periodDays === wantedDays) return { kind: 'nothing' }
    const after: StateOf<'key-rotation'> = { aspect: 'key-rotation', value: { isEnabled: true, periodDays: wantedDays } }
    const summary = isEnabled
      ? `sets the rotation period to ${wantedDays} days, which was ${periodDays ?? 'not told'}`
      : `switches automatic rotation on, every ${wantedDays} days`
    return { kind: 'change', after, summary }
  },
  // Key ID, ARN, policy and old ciphertexts stay as they are: nobody notices. https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
  guard: () => Promise.resolve({ kind: 'clear' }),
}
