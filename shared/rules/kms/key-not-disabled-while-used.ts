import { DAY_S, type EpochS } from '../../time.ts'
import { counted, wholeDays } from '../days.ts'
import type { CountedUse, KmsKeyFacts } from '../facts.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, unjudged, untold } from '../verdict.ts'
import { isDayCounted, NO_DAY_COUNTED } from './counted-day.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { STATE_EVENTS } from './watched.ts'

const RECENT_DAYS = 7
/** States that somebody put the key into. */
const TAKEN_OUT = ['Disabled', 'PendingDeletion', 'PendingReplicaDeletion']
/** What uses of such a key are refused with. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
const REFUSALS = ['DisabledException', 'KMSInvalidStateException']

/** A key that is taken out of use while somebody needs it breaks whoever does. */
export const kmsKeyNotDisabledWhileUsed = defineRule({
  id: 'kms-key-not-disabled-while-used',
  title: 'KMS key is not disabled while somebody needs it',
  severity: 'high',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html',
  watches: [{ source: 'kms.amazonaws.com', names: STATE_EVENTS }],
  advice:
    'See who still calls the key (keytrail usage --by caller), and enable it again, after cancelling a scheduled deletion, until they are moved.',
  scope: {
    facts: ['manager', 'state'],
    outOfScope: [AWS_MANAGED_KEYS, 'keys that nobody took out of use'],
    exclude({ manager, state }) {
      if (manager === 'AWS') return AWS_MANAGED
      return TAKEN_OUT.includes(state) ? null : `the key state is ${state}`
    },
  },
  facts: ['createdAt'],
  // Either is enough to tell that somebody needs it; that nobody does takes both.
  optionalFacts: ['countedUse', 'lastUse'],
  evaluate({ state, createdAt, countedUse, lastUse }, { now }) {
    const need = (countedUse.known ? countedNeed(countedUse.value) : null) ?? (lastUse.known ? lateNeed(lastUse.value, now) : null)
    if (need !== null) return fail(`the key state is ${state}, and ${need}`)
    if (!countedUse.known || !lastUse.known) return untold(countedUse, lastUse)
    // Refused uses are counted by Keytrail alone, and uses before the key was taken out of use are told by KMS alone.
    if (!isDayCounted(countedUse.value, now)) return NO_DAY_COUNTED
    const { at, trackedSince } = lastUse.value
    const isTracked = at !== null || trackedSince <= createdAt || now - trackedSince > RECENT_DAYS * DAY_S
    return isTracked ? pass : unjudged('kms:GetKeyLastUsage', 'NotTrackedLongEnough')
  },
})

function countedNeed({ succeeded, failed }: CountedUse): string | null {
  const refused = REFUSALS.reduce((total, code) => total + (failed[code] ?? 0), 0)
  if (refused > 0) return `KMS refused ${counted(refused, 'use')} of it in 24 hours`
  return succeeded > 0 ? `it was used ${counted(succeeded, 'time')} in 24 hours` : null
}

function lateNeed({ at }: KmsKeyFacts['lastUse'], now: EpochS): string | null {
  return at === null || now - at > RECENT_DAYS * DAY_S ? null : `it was last used ${counted(wholeDays(at, now), 'day')} ago`
}
