import type { ChangeRecord } from '../../shared/changes/record.ts'
import { isUnderWay, type Retirement } from '../../shared/changes/retire/retirement.ts'
import type { Observed } from '../../shared/observed.ts'
import type { Undoable } from '../../shared/changes/undoable.ts'
import type { EpochS } from '../../shared/time.ts'
import { stageWords } from './retirement-words.ts'

/** A change or a retirement, as it is listed. */
export type ListedRow = {
  /** What `keytrail undo` takes: the record's ID, or the key's ARN. */
  readonly id: string
  readonly kind: 'change' | 'retirement'
  /** When it began. */
  readonly at: EpochS
  readonly what: string
  readonly resourceArn: string
  readonly by: string
  readonly state: ChangeRecord['state'] | Retirement['stage']
  readonly canUndo: 'yes' | 'no' | 'unknown'
  /** Why it cannot be taken back, or what that depends on; empty: it can. */
  readonly why: string
  /** What it wrote beside what stands there now. */
  readonly difference: readonly string[]
  /** Null: it is a retirement. */
  readonly record: ChangeRecord | null
}

export type Retired = {
  readonly all: readonly Retirement[]
  /** Reads the key: lines for people on how it stands otherwise than Keytrail left it. */
  difference(retirement: Retirement): Promise<Observed<readonly string[]>>
}

/** Newest first. */
export type Listed = { readonly rows: readonly ListedRow[]; readonly isCut: boolean }

/** Changes and retirements in one order, as many as are asked for; of both no more is read than that. */
export async function listRows(changes: AsyncIterable<Undoable>, { all, difference }: Retired, countMax: number): Promise<Listed> {
  const rows: ListedRow[] = []
  const retired = all.toSorted((one, other) => other.startedAt - one.startedAt || (one.keyArn < other.keyArn ? -1 : 1))
  const takeRetired = async (since: number): Promise<void> => {
    for (let first = retired[0]; first !== undefined && first.startedAt >= since && rows.length <= countMax; first = retired[0]) {
      rows.push(await retirementRow(first, difference))
      retired.shift()
    }
  }
  for await (const change of changes) {
    await takeRetired(change.record.plannedAt)
    if (rows.length > countMax) break
    rows.push(changeRow(change))
    if (rows.length > countMax) break
  }
  await takeRetired(0)
  return { rows: rows.slice(0, countMax), isCut: rows.length > countMax }
}

function changeRow(undoable: Undoable): ListedRow {
  const { record } = undoable
  const { id, resource, plannedAt, summary, by, state } = record
  return {
    id,
    kind: 'change',
    at: plannedAt,
    what: summary,
    resourceArn: resource.arn,
    by,
    state,
    ...standing(undoable),
    difference: undoable.kind === 'differs' ? undoable.lines : [],
    record,
  }
}

function standing({ kind, record }: Undoable): Pick<ListedRow, 'canUndo' | 'why'> {
  switch (kind) {
    case 'can':
      return { canUndo: 'yes', why: '' }
    case 'open':
      return { canUndo: 'unknown', why: 'it was begun, and nobody knows yet whether AWS wrote it' }
    case 'over':
      return { canUndo: 'no', why: whyOver(record) }
    case 'gone':
      return { canUndo: 'no', why: 'the resource is gone' }
    case 'unread':
      return { canUndo: 'unknown', why: 'what stands there now cannot be read' }
    case 'differs':
      return { canUndo: 'no', why: 'something else stands there now than what was written' }
  }
}

/** Why a change is not in force. */
export function whyOver({ state, reason }: ChangeRecord): string {
  const because = reason === '' ? '' : `: ${reason}`
  switch (state) {
    case 'undone':
      return 'it was taken back'
    case 'refused':
      return `AWS refused it${because}`
    case 'lost':
      return `something else took its place${because}`
    case 'dropped':
      return `it was never written${because}`
    case 'writing':
    case 'done':
      return ''
  }
}

async function retirementRow(retirement: Retirement, differenceOf: Retired['difference']): Promise<ListedRow> {
  const { keyArn, startedAt, by, stage, reason } = retirement
  const row = {
    id: keyArn,
    kind: 'retirement',
    at: startedAt,
    resourceArn: keyArn,
    by,
    state: stage,
    difference: [],
    record: null,
  } as const
  const what = `retires the key (${stageWords(stage)})`
  if (stage === 'saving') return { ...row, what, canUndo: 'no', why: `it is being given back: ${reason}` }
  if (!isUnderWay(retirement))
    return { ...row, what, canUndo: 'no', why: stage === 'saved' ? `it was given back: ${reason}` : 'the key is deleted' }
  const difference = await differenceOf(retirement)
  if (!difference.known) return { ...row, what, canUndo: 'unknown', why: `how the key stands now cannot be read (${difference.action})` }
  return difference.value.length === 0
    ? { ...row, what, canUndo: 'yes', why: '' }
    : { ...row, what, canUndo: 'no', why: 'the key does not stand as Keytrail left it', difference: difference.value }
}
