import { isUtf8 } from 'node:buffer'

/** The lines of some bytes that are text at all. */
export function linesOf(bytes: Buffer): readonly string[] {
  const lines = bytes.toString('latin1').split('\n')
  return lines.map((line) => Buffer.from(line, 'latin1')).flatMap((line) => (isUtf8(line) ? [line.toString()] : []))
}
