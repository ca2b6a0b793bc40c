import { cutText, timeText } from '../../shared/findings/plain-text.ts'
import { labelled } from './labelled.ts'
import { shown } from './shown.ts'
import { commandAt, type Target } from './target-json.ts'
import type { Undone } from './undo-json.ts'
import type { Listed, ListedRow } from './undo-list.ts'

/** In a list, a bucket policy is told by its beginning. */
const LINE_BYTES_MAX = 400
const ANSWERS = { yes: 'yes', no: 'no', unknown: 'not known' } as const

export function undoListText(target: Pick<Target, 'kind'>, { rows, isCut }: Listed): string {
  if (rows.length === 0) return 'Keytrail has changed nothing in the last 400 days.\n'
  const last = rows.some(({ canUndo }) => canUndo === 'yes') ? [`Next: ${commandAt(target, 'undo <record or key ARN>')}`] : []
  return `${[...rows.map(rowText), ...(isCut ? ['and more; --limit lists them'] : []), ...last].join('\n\n')}\n`
}

function rowText({ id, at, what, resourceArn, by, state, canUndo, why, difference }: ListedRow): string {
  return [
    shown(id),
    ...labelled('when', [timeText(at)]),
    ...labelled('what', [what]),
    ...(resourceArn === id ? [] : labelled('resource', [resourceArn])),
    ...labelled('by', [by]),
    ...labelled('state', [state]),
    ...labelled('undo', [`${ANSWERS[canUndo]}${why === '' ? '' : `: ${why}`}`]),
    ...labelled(
      '',
      difference.map((line) => cutText(line, LINE_BYTES_MAX)),
    ),
  ].join('\n')
}

export function undoneText(target: Pick<Target, 'kind'>, { id, words, recordId, was, is, done, next, names, difference }: Undone): string {
  return `${[
    shown(words),
    ...labelled('was', was === null ? [] : [was]),
    ...labelled('is', is === null ? [] : [is]),
    ...labelled('done', done),
    ...labelled('names', names),
    ...labelled('next', next === null ? [] : [next]),
    ...difference.map((line) => `  ${shown(line)}`),
    ...labelled('record', recordId === null || recordId === id ? [] : [recordId]),
    ...(recordId === null ? [] : ['', `To take that back: ${commandAt(target, `undo ${shown(recordId)}`)}`]),
  ].join('\n')}\n`
}
