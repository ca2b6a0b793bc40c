/** `*` stands for any text, `?` for any one character, as in the actions and resources of a policy. */

/** More steps than any two patterns of a real policy take; past it two patterns are said to overlap, which never hides anything. */
const OVERLAP_STEPS_MAX = 1_000_000

/** Whether `outer` matches whatever `inner` matches; `inner` may be a plain text. Where it cannot tell it says no. */
export function coversPattern(outer: string, inner: string): boolean {
  if (outer === '*' || outer === inner) return true
  const wildcardAt = outer.indexOf('*')
  if (!outer.includes('?')) {
    // Nearly all patterns are a text, or the beginning of one.
    if (wildcardAt < 0) return false
    if (wildcardAt === outer.length - 1) return inner.startsWith(outer.slice(0, -1))
  }
  return coversStepwise(outer, inner)
}

function coversStepwise(outer: string, inner: string): boolean {
  let at = 0
  let innerAt = 0
  let star = -1
  let resumeAt = 0
  while (innerAt < inner.length) {
    const wanted = outer[at]
    const found = inner[innerAt]
    if (wanted === '*') {
      star = at++
      resumeAt = innerAt
    } else if (wanted !== undefined && (wanted === '?' ? found !== '*' : wanted === found)) {
      at++
      innerAt++
    } else if (star >= 0) {
      at = star + 1
      innerAt = ++resumeAt
    } else {
      return false
    }
  }
  while (outer[at] === '*') at++
  return at === outer.length
}

/** Whether some text matches both. */
export function overlaps(one: string, other: string): boolean {
  if (one === '*' || other === '*' || one.length * other.length > OVERLAP_STEPS_MAX) return true
  // reachable[i]: some text matches the first i of `one` and what was read of `other`.
  let reachable = reach(one, null, [true])
  for (const character of other) reachable = reach(one, character, reachable)
  return reachable[one.length] === true
}

function reach(one: string, character: string | null, before: readonly boolean[]): readonly boolean[] {
  const after: boolean[] = Array.from({ length: one.length + 1 }, (_, at) => (character === null ? at === 0 : false))
  for (let at = 0; at <= one.length; at++) {
    const wanted = one[at - 1]
    if (character === '*') after[at] = before[at] === true || (at > 0 && after[at - 1] === true)
    else if (character !== null && at > 0) {
      const isSame = wanted === '?' || character === '?' || wanted === character
      after[at] = (isSame && before[at - 1] === true) || (wanted === '*' && before[at] === true)
    }
    if (wanted === '*' && after[at - 1] === true) after[at] = true
  }
  return after
}
