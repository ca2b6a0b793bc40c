import { counted, DAY_S, wholeDays } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
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
  facts: ['countedUse', 'lastUse'],
  evaluate({ state, countedUse, lastUse }, { now }) {
    const refused = REFUSALS.reduce((total, code) => total + (countedUse.failed[code] ?? 0), 0)
    if (refused > 0) return fail(`the key state is ${state}, and KMS refused ${counted(refused, 'use')} of it in 24 hours`)
    if (countedUse.succeeded > 0)
      return fail(`the key state is ${state}, and it was used ${counted(countedUse.succeeded, 'time')} in 24 hours`)
    if (lastUse.at === null || now - lastUse.at > RECENT_DAYS * DAY_S) return pass
    return fail(`the key state is ${state}, and it was last used ${counted(wholeDays(lastUse.at, now), 'day')} ago`)
  },
})
