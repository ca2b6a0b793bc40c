import type { Unread } from '../observed.ts'
import type { WritePorts } from './change-ports.ts'
import { claimed } from './claimed.ts'
import type { Claim } from './control.ts'
import { finishEarlier } from './finish-earlier.ts'
import { differenceLines, meansTheSame } from './meaning.ts'
import type { ChangeRecord } from './record.ts'
import { newRecord, writeChange } from './write-change.ts'

export type UndoPorts = WritePorts & { readonly policyDigest: string }

export type UndoOutcome =
  | { readonly kind: 'undone' | 'refused' | 'lost'; readonly record: ChangeRecord }
  /** `record`: the undo; null: it is not kept any more. */
  | { readonly kind: 'undone-already'; readonly record: ChangeRecord | null }
  | { readonly kind: 'not-found' }
  /** It is not in force: it never was, or something else took its place. */
  | { readonly kind: 'not-done'; readonly record: ChangeRecord }
  /** Something else stands there than what it wrote. Lines for people; what strangers wrote is in them as it is. */
  | { readonly kind: 'differs'; readonly lines: readonly string[] }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unread'; readonly unread: Unread }
  /** To be tried again: somebody else changes the same just now; */
  | { readonly kind: 'busy' }
  /** or AWS may not show yet what was written; or something changed meanwhile. Nothing was overwritten. */
  | { readonly kind: 'later'; readonly record: ChangeRecord }

/**
 * Takes a change back, as long as what it wrote still stands there: exactly what stood there before is written. An undo is a change, and can
 * be taken back too. May be ended anywhere and called again. The kill switch holds back what Keytrail does by itself; an undo is what a
 * person does, most of all where Keytrail was stopped. @throws where the stores or AWS break on the way
 */
export async function undoChange(id: string, { by }: { readonly by: string }, ports: UndoPorts): Promise<UndoOutcome> {
  const record = await ports.store.find(id)
  if (record === null) return { kind: 'not-found' }
  return claimed(record.resource, ports, (claim) => undoClaimed(record, { by, claim }, ports))
}

async function undoClaimed(
  { id, resource, after: { aspect } }: ChangeRecord,
  { by, claim }: { readonly by: string; readonly claim: Claim },
  ports: UndoPorts,
): Promise<UndoOutcome> {
  const earlier = await finishEarlier({ resource, aspect }, ports)
  if (earlier.kind === 'unread') return earlier
  if (earlier.kind === 'settling') return { kind: 'later', record: earlier.record }
  const record = await ports.store.find(id)
  if (record === null) return { kind: 'not-found' }
  if (record.state === 'undone') {
    const undo = earlier.records.find(({ undoes, state }) => undoes === id && (state === 'done' || state === 'undone'))
    return { kind: 'undone-already', record: undo ?? null }
  }
  if (record.state !== 'done') return { kind: 'not-done', record }

  const found = await ports.aspects.read(resource, aspect)
  if (found.kind !== 'read') return found
  const lines = differenceLines(record.after, found.state)
  if (!meansTheSame(record.after, found.state)) return { kind: 'differs', lines }
  const summary = `takes back: ${record.summary}`
  const about = { resource, ruleId: record.ruleId, findingId: null, undoes: id, before: found.state, after: record.before, summary }
  const undo = await writeChange(newRecord({ ...about, by, policyDigest: ports.policyDigest }, ports), claim, ports)
  switch (undo.state) {
    case 'done':
    case 'undone':
      return { kind: 'undone', record: undo }
    case 'refused':
    case 'lost':
      return { kind: undo.state, record: undo }
    case 'dropped':
    case 'writing':
      return { kind: 'later', record: undo }
  }
}
