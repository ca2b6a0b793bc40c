import { styleText } from 'node:util'
import { shown } from './shown.ts'

/** Writes the steps of a run, numbered, as they come. */
export function createStepWriter(write: (text: string) => void, isColored: boolean): (title: string, lines: readonly string[]) => void {
  let number = 0
  const styled = (style: 'bold' | 'dim', text: string): string => (isColored ? styleText(style, text, { validateStream: false }) : text)
  return (title, lines) => {
    number++
    write(`${styled('bold', `${number}. ${shown(title)}`)}\n`)
    for (const line of lines) write(`   ${styled('dim', shown(line))}\n`)
    write('\n')
  }
}
