/** Longer words are not compared: what a stranger wrote costs no more than this. */
const LENGTH_MAX = 100

/** The known word that somebody who wrote this may have meant; null: none is near. Of equally near ones the first. */
export function nearest(written: string, known: readonly string[]): string | null {
  if (written.length > LENGTH_MAX) return null
  let best: { readonly word: string; readonly distance: number } | null = null
  for (const word of known) {
    // A third of the letters may be wrong, and more makes it another word.
    const distanceMax = Math.max(1, Math.floor(Math.max(word.length, written.length) / 3))
    const distance = editDistance(written.toLowerCase(), word.toLowerCase())
    if (distance <= distanceMax && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { word, distance }
  }
  return best?.word ?? null
}

/** Insertions, deletions, replacements and swaps of neighbours that make one word the other (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
