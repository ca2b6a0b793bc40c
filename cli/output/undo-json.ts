import { stateText } from '../../shared/changes/meaning.ts'
import type { Listed } from './undo-list.ts'
import { plain, reportText, type Target, targetJson, timeJson } from './target-json.ts'

/** What came of taking a change, or a retirement, back. */
export type Undone = {
  /** The change's record, or the key's ARN. */
  readonly id: string
  readonly outcome: 'undone' | 'undone-already' | 'refused' | 'not-found' | 'busy' | 'unread' | 'declined'
  /** A line for people. */
  readonly words: string
  /** The record of the undo; null: there is none. */
  readonly recordId: string | null
  /** What stood there before, and what stands there now; null: nothing was changed. */
  readonly was: string | null
  readonly is: string | null
  /** Of a retirement: steps that were taken, and what comes next; null: nothing. */
  readonly done: readonly string[]
  readonly next: string | null
  /** Lines on names that the key comes back without. */
  readonly names: readonly string[]
  /** What was expected to stand there, and what does. */
  readonly difference: readonly string[]
}

const FORMAT = 'keytrail.undo/1'
/** A bucket policy has 20 KB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
const STATE_BYTES_MAX = 64 * 1024

export function undoJson(target: Target, { id, outcome, words, recordId, was, is, done, next, names, difference }: Undone): string {
  return reportText({
    format: FORMAT,
    target: targetJson(target),
    changes: [],
    more: false,
    undo: {
      id: plain(id),
      outcome,
      words: plain(words),
      recordId,
      was: was === null ? null : plain(was, STATE_BYTES_MAX),
      is: is === null ? null : plain(is, STATE_BYTES_MAX),
      done: done.map((step) => plain(step)),
      next: next === null ? null : plain(next),
      names: names.map((line) => plain(line)),
      difference: difference.map((line) => plain(line, STATE_BYTES_MAX)),
    },
  })
}

export function undoListJson(target: Target, { rows, isCut }: Listed): string {
  return reportText({
    format: FORMAT,
    target: targetJson(target),
    changes: rows.map(({ id, kind, at, what, resourceArn, by, state, canUndo, why, difference, record }) => ({
      id,
      kind,
      at: timeJson(at),
      what: plain(what),
      resource: plain(resourceArn),
      by: plain(by),
      state,
      canUndo,
      why: plain(why),
      difference: difference.map((line) => plain(line, STATE_BYTES_MAX)),
      before: record === null ? null : plain(stateText(record.before), STATE_BYTES_MAX),
      after: record === null ? null : plain(stateText(record.after), STATE_BYTES_MAX),
      undoes: record?.undoes ?? null,
    })),
    more: isCut,
    undo: null,
  })
}
