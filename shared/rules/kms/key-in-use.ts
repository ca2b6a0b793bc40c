import type { EpochS } from '../../time.ts'
import { counted, dayText, wholeDays } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass, unjudged, untold } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { CREATION_EVENTS, STATE_EVENTS } from './watched.ts'

/** A key that nobody uses costs money, and may decrypt what everybody forgot. */
export const kmsKeyInUse = defineRule({
  id: 'kms-key-in-use',
  title: 'KMS key is in use',
  severity: 'low',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html',
  watches: [{ source: 'kms.amazonaws.com', names: [...CREATION_EVENTS, ...STATE_EVENTS] }],
  advice: 'Ask its owner. A key that nobody needs is disabled first and watched for refused uses, before its deletion is scheduled.',
  scope: {
    facts: ['manager', 'state'],
    outOfScope: [AWS_MANAGED_KEYS, 'keys that are not enabled', 'keys younger than the time without use that is looked for'],
    exclude({ manager, state }) {
      if (manager === 'AWS') return AWS_MANAGED
      return state === 'Enabled' ? null : `the key state is ${state}`
    },
  },
  facts: ['createdAt'],
  // A use that one of them tells of is a use, whatever the other would say.
  optionalFacts: ['lastUse', 'countedUse'],
  evaluate({ lastUse: last, countedUse, createdAt }, { now, expectations: { unusedDays } }) {
    if (countedUse.known && countedUse.value.succeeded > 0) return pass
    if (last.known && last.value.at !== null && wholeDays(last.value.at, now) < unusedDays) return pass
    if (!last.known || !countedUse.known) return untold(last, countedUse)
    const lastUse = last.value
    if (lastUse.at !== null) return fail(`the key was last used ${counted(wholeDays(lastUse.at, now), 'day')} ago`)
    if (wholeDays(createdAt, now) < unusedDays) return notApplicable(`the key is younger than ${counted(unusedDays, 'day')}`)
    // Before that nobody wrote down uses, so that their absence proves nothing.
    const watchedFrom = Math.max(lastUse.trackedSince, createdAt) as EpochS
    if (wholeDays(watchedFrom, now) < unusedDays) return unjudged('kms:GetKeyLastUsage', 'NotTrackedLongEnough')
    return fail(`the key was never used since ${dayText(watchedFrom)}, for ${counted(wholeDays(watchedFrom, now), 'day')}`)
  },
})
