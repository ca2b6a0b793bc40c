import type { Tried } from '../tried.ts'
import type { Stage } from './stage.ts'

/**
 * A change of a policy, a grant or a key is known everywhere in seconds, in some cases after minutes.
 * https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
const USUAL = 'seconds, at times some minutes'
const WAIT_S_MAX = 5 * 60
const STEP_MS = 5000

/** All that was seen while a change took effect; the last of it is what it came to. */
export type Seen<Value> = { readonly last: Value; readonly all: readonly Value[] }

/**
 * Looks, and looks again while the change cannot be seen yet. What is seen after five minutes is what it came to: the lesson shows it.
 * `what` goes on from "waiting for".
 */
export async function whenInEffect<Value>(
  stage: Stage,
  what: string,
  look: () => Promise<Value>,
  isInEffect: (value: Value) => boolean,
): Promise<Seen<Value>> {
  const begun = await stage.time.now()
  const all: Value[] = []
  for (;;) {
    const last = await look()
    all.push(last)
    const soFarS = (await stage.time.now()) - begun
    if (isInEffect(last) || soFarS >= WAIT_S_MAX) return { last, all }
    stage.tell({ kind: 'waiting', what, usual: USUAL, soFarS })
    await stage.time.pass(STEP_MS)
  }
}

export const SUCCEEDED = 'succeeded'

/** What a call came to, in a word: `succeeded`, or the code of AWS's refusal. */
export function outcomeOf(tried: Tried<unknown>): string {
  return tried.ok ? SUCCEEDED : tried.code
}
