import { cappedText } from '../../text.ts'
import { listed } from '../listed.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass } from '../verdict.ts'
import { isDayCounted } from './counted-day.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'

/** Longer than any error code of KMS; a record's code is text from outside. */
const CODE_BYTES_MAX = 64

/** Calls that fail in numbers: somebody tries doors, or a change broke somebody. Counted, so that it comes with sweeps, not with events. */
export const kmsKeyNoFailureBurst = defineRule({
  id: 'kms-key-no-failure-burst',
  title: 'Calls of the KMS key do not fail in numbers',
  severity: 'medium',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html',
  watches: [],
  advice:
    'See whose calls fail and why (keytrail usage --by caller,errorCode): a permission that went missing, a disabled key, or a stranger.',
  scope: {
    facts: ['manager'],
    outOfScope: [AWS_MANAGED_KEYS, 'keys whose uses are counted for less than a day'],
    exclude: ({ manager }) => (manager === 'AWS' ? AWS_MANAGED : null),
  },
  facts: ['countedUse'],
  evaluate({ countedUse }, { now, expectations: { failureBurst } }) {
    const total = Object.values(countedUse.failed).reduce((sum, count) => sum + count, 0)
    // Said of every key of an account on its first day, it would be no news.
    if (total < failureBurst) return isDayCounted(countedUse, now) ? pass : notApplicable('uses of keys are counted for less than a day')
    const codes = Object.entries(countedUse.failed).toSorted(([one, few], [other, many]) => many - few || (one < other ? -1 : 1))
    const told = codes.map(([code, count]) => `${count} × ${cappedText(code, CODE_BYTES_MAX)}`)
    return fail(`${total} calls failed in 24 hours: ${listed(told)}`)
  },
})
