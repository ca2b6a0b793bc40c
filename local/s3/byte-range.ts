import { accepted, type Checked, refuse } from './outcome.ts'

/** From the first byte to before the last. */
export type ByteRange = { readonly start: number; readonly end: number }

const RANGE = /^bytes=(?<first>\d*)-(?<last>\d*)$/

/** The range that a header asks for of so many bytes; null for all of them: S3 passes over what is no single range. */
export function byteRange(header: string | null, size: number): Checked<ByteRange | null> {
  const { first = '', last = '' } = RANGE.exec(header ?? '')?.groups ?? {}
  if (first === '' && last === '') return accepted(null)
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? unsatisfiable() : accepted({ start: size - length, end: size })
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (start >= size) return unsatisfiable()
  return accepted(end <= start ? null : { start, end })
}

function unsatisfiable(): Checked<never> {
  return refuse('InvalidRange', 'The requested range is not satisfiable', 416)
}
