import Table from 'cli-table3'
import { styleText } from 'node:util'
import type { Check, CheckResult, Lesson, Table as Rows } from '../../shared/workshop/use-case.ts'
import type { WorkshopNews } from '../../shared/workshop/stage.ts'
import { durationText } from '../../shared/workshop/waiting.ts'
import { createStepWriter } from './run-steps.ts'
import { shown } from './shown.ts'

const ERASE_LINE = '\r\u001b[K'
/** Without a terminal, one line a minute tells that it still waits. */
const QUIET_EVERY_S = 60

/** Shows steps on standard output, and on stderr what is waited for. */
export function createScreen(isColored: boolean): { tell(news: WorkshopNews): void; endWait(): void } {
  const step = createStepWriter((text) => process.stdout.write(text), isColored)
  let toldS = -QUIET_EVERY_S
  const endWait = (): void => {
    if (process.stderr.isTTY) process.stderr.write(ERASE_LINE)
    toldS = -QUIET_EVERY_S
  }
  return {
    endWait,
    tell(news) {
      switch (news.kind) {
        case 'step':
          endWait()
          step(news.title, news.lines)
          return
        case 'waiting': {
          const line = `waiting for ${shown(news.what)} (${news.usual}; ${durationText(news.soFarS)} so far)`
          if (process.stderr.isTTY) process.stderr.write(`${ERASE_LINE}${line.slice(0, process.stderr.columns - 1)}`)
          else if (news.soFarS - toldS >= QUIET_EVERY_S) {
            toldS = news.soFarS
            process.stderr.write(`${line}\n`)
          }
        }
      }
    },
  }
}

/** The final screen of a check. */
export function checkText({ checks, lessons, tables = [] }: CheckResult, isColored: boolean): string {
  return [
    ...tables.map((table) => tableText(table, isColored)),
    checks.map((check) => checkLine(check, isColored)).join('\n'),
    ...lessons.map((lesson) => lessonText(lesson, isColored)),
  ].join('\n\n')
}

const MARKS = { pass: 'ok     ', fail: 'FAILED ', unknown: 'unknown' } as const

function checkLine({ what, expected, seen, verdict }: Check, isColored: boolean): string {
  const mark = isColored && verdict !== 'pass' ? styleText('red', MARKS[verdict], { validateStream: false }) : MARKS[verdict]
  return `${mark} ${shown(what)}: ${shown(seen)}${verdict === 'pass' ? '' : ` (expected ${shown(expected)})`}`
}

function lessonText({ question, answer }: Lesson, isColored: boolean): string {
  return `${isColored ? styleText('bold', question, { validateStream: false }) : question}\n${shown(answer)}`
}

/** Six columns of this width still stand beside each other on a wide screen. */
const COLUMN_WIDTH_MAX = 24
const PADDING = 2

function tableText({ title, rows }: Rows, isColored: boolean): string {
  const [head = [], ...body] = rows.map((row) => row.map(shown))
  const colWidths = head.map((_, column) => columnWidth([head, ...body].map((row) => row[column] ?? '')))
  const table = new Table({ head, colWidths, style: isColored ? {} : { head: [], border: [] }, wordWrap: true })
  table.push(...body)
  return `${shown(title)}\n${table.toString()}`
}

/** Words that are longer stay whole. */
function columnWidth(cells: readonly string[]): number {
  const longestWord = Math.max(...cells.flatMap((cell) => cell.split(' ')).map(({ length }) => length))
  const longest = Math.max(...cells.map(({ length }) => length))
  return PADDING + Math.max(longestWord, Math.min(longest, COLUMN_WIDTH_MAX))
}
