import { createInterface } from 'node:readline/promises'

/** Whether somebody can be asked. */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY
}

/** Asks on standard error for a word to be typed in full: a habit of pressing y is no answer. */
export async function isTyped(question: string, word: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(`${question} Type ${word}: `)).trim() === word
  } finally {
    lines.close()
  }
}
