/** What benches print, and whether their limits hold. */

export type Verdict = { readonly title: string; readonly holds: boolean; readonly text: string }

export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** A figure against its limit. */
export function within(title: string, figure: number, limit: { readonly most: number } | { readonly least: number }): Verdict {
  const [word, bound, holds] =
    'most' in limit ? ['at most', limit.most, figure <= limit.most] : ['at least', limit.least, figure >= limit.least]
  return { title, holds, text: `${figure.toLocaleString('en', { maximumSignificantDigits: 4 })}   (${word} ${bound.toLocaleString('en')})` }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
