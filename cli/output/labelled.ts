import { shown } from './shown.ts'

const LABEL_WIDTH = 10

/** Lines below a heading, each value behind its label; the second and later values of a label stand below the first. */
export function labelled(label: string, values: readonly string[]): readonly string[] {
  return values.map((value, index) => `  ${(index === 0 ? label : '').padEnd(LABEL_WIDTH)} ${shown(value)}`)
}
