import type { AnyFacts, Resource } from '../rules/rule.ts'
import { matchesPattern } from '../text-pattern.ts'
import type { EpochS } from '../time.ts'
import type { ChangePolicy } from './change-ports.ts'
import type { ChangeRecord } from './record.ts'

const DAY_S = 86_400
/** So many writes of a rule on one resource in a day; a third one would be a fight with whoever changes it back. */
const WRITES_A_DAY = 2
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html */
const STACK_TAG = 'aws:cloudformation:stack-name'

/** Who else sets the resource, by `keytrail.yml` and by its tags, if they were read; null: nobody known. */
export function ownerOf({ arn }: Resource, facts: AnyFacts, owners: ChangePolicy['owners']): string | null {
  const owner = owners.find(({ resource }) => matchesPattern(resource, arn))
  if (owner !== undefined) return `owned by ${owner.tool}${owner.place === null ? '' : `, change it at ${owner.place}`}`
  const tags = facts['tags']
  if (tags?.known !== true || typeof tags.value !== 'object' || tags.value === null) return null
  const stack = Object.entries(tags.value).find(([name]) => name === STACK_TAG)?.[1]
  return typeof stack === 'string' ? ownerStack(stack) : null
}

export function ownerStack(stack: string): string {
  return `owned by the CloudFormation stack ${stack}, change it in its template`
}

/** What earlier changes of the aspect say against one more. */
export type HistoryHold =
  | { readonly kind: 'disputed'; readonly reason: string }
  /** AWS refused it less than a day ago, and would again. */
  | { readonly kind: 'refused'; readonly record: ChangeRecord }

/** @param records those of the aspect, newest first */
export function historyHold(
  records: readonly ChangeRecord[],
  { ruleId, policyDigest, now }: { readonly ruleId: string; readonly policyDigest: string; readonly now: EpochS },
): HistoryHold | null {
  const own = records.filter((record) => record.ruleId === ruleId && record.undoes === null)
  for (const record of own) {
    const undo = undoOf(record, records)
    if (undo !== null && [record.policyDigest, undo.policyDigest].includes(policyDigest))
      return {
        kind: 'disputed',
        reason: `${undo.by} took this change back (${undo.id}): Keytrail makes it again once keytrail.yml changes`,
      }
  }
  const lately = own.filter(({ plannedAt }) => plannedAt > now - DAY_S)
  if (lately.filter(({ state }) => mayBeWritten(state)).length >= WRITES_A_DAY)
    return { kind: 'disputed', reason: `Keytrail wrote it ${WRITES_A_DAY} times within a day, and somebody or something changed it back` }
  const [last] = lately
  return last?.state === 'refused' && last.policyDigest === policyDigest ? { kind: 'refused', record: last } : null
}

/** The undo of it that stands: not taken back in its turn. */
function undoOf({ id }: ChangeRecord, records: readonly ChangeRecord[]): ChangeRecord | null {
  return records.find((each) => each.undoes === id && mayBeWritten(each.state) && undoOf(each, records) === null) ?? null
}

function mayBeWritten(state: ChangeRecord['state']): boolean {
  switch (state) {
    case 'writing':
    case 'done':
    case 'undone':
    case 'lost':
      return true
    case 'refused':
    case 'dropped':
      return false
  }
}
