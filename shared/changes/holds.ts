import type { AnyFacts, Resource } from '../rules/rule.ts'
import { matchesPattern } from '../text-pattern.ts'
import { DAY_S, type EpochS } from '../time.ts'
import type { ChangePolicy } from './change-ports.ts'
import type { ChangeRecord } from './record.ts'
import { STACK_TAG } from './stack-tag.ts'

/** So many writes on one resource in a day, of all rules: more may be a fight with whoever changes it back. */
const WRITES_A_DAY = 2

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

/** What earlier changes say against one more. */
export type HistoryHold =
  | { readonly kind: 'disputed'; readonly reason: string }
  /** AWS refused it less than a day ago, and would again. */
  | { readonly kind: 'refused'; readonly record: ChangeRecord }

export type History = {
  /** Records of the aspect, newest first. */
  readonly records: readonly ChangeRecord[]
  /** Of the whole resource, newest first. */
  readonly all: readonly ChangeRecord[]
}

/** @param policySince asked only where a person took something back: since when the policy is surely in force */
export async function historyHold(
  { records, all }: History,
  { ruleId, policyDigest, now }: { readonly ruleId: string; readonly policyDigest: string; readonly now: EpochS },
  policySince: () => Promise<EpochS>,
): Promise<HistoryHold | null> {
  const undo = lastDispute(records)
  if (undo !== null && undo.plannedAt >= (await policySince()))
    return {
      kind: 'disputed',
      reason: `${undo.by} took a change of this back (${undo.id}): Keytrail changes it again once keytrail.yml changes`,
    }
  const lately = all.filter(({ undoes, plannedAt }) => undoes === null && plannedAt > now - DAY_S)
  if (lately.filter(({ state }) => mayBeWritten(state)).length >= WRITES_A_DAY)
    return {
      kind: 'disputed',
      reason: `Keytrail changed this resource ${WRITES_A_DAY} times within a day, and stops at that: see whether somebody or something changes it back`,
    }
  const last = records.find((record) => record.ruleId === ruleId && record.undoes === null && record.plannedAt > now - DAY_S)
  return last?.state === 'refused' && last.policyDigest === policyDigest ? { kind: 'refused', record: last } : null
}

/** The last word of a person who took a change of Keytrail back, whatever rule it was made for; null: nobody did, or it was given back. */
function lastDispute(records: readonly ChangeRecord[]): ChangeRecord | null {
  const ids = new Set(records.map(({ id }) => id))
  const disputes = records.flatMap((record) => {
    if (record.undoes === null) return disputeOf(record, records) ?? []
    // What it takes back is so old that it is not kept any more.
    const isLone = !ids.has(record.undoes) && mayBeWritten(record.state)
    return isLone && disputeOf(record, records) === null ? lastWord(record, records) : []
  })
  return disputes.reduce<ChangeRecord | null>((last, each) => (last === null || each.plannedAt > last.plannedAt ? each : last), null)
}

function disputeOf(record: ChangeRecord, records: readonly ChangeRecord[]): ChangeRecord | null {
  const undo = undosOf(record, records).find((each) => disputeOf(each, records) === null)
  return undo === undefined ? null : lastWord(undo, records)
}

/** Who takes back that it was taken back twice, says it again. */
function lastWord(undo: ChangeRecord, records: readonly ChangeRecord[]): ChangeRecord {
  const [later] = undosOf(undo, records)
  return later === undefined ? undo : lastWord(later, records)
}

function undosOf({ id }: ChangeRecord, records: readonly ChangeRecord[]): readonly ChangeRecord[] {
  return records.filter((each) => each.undoes === id && mayBeWritten(each.state))
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
