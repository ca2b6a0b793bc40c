import type { Unread } from '../observed.ts'
import type { Resource } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Aspect } from './aspect.ts'
import type { WritePorts } from './change-ports.ts'
import { meansTheSame } from './meaning.ts'
import type { AspectRead } from './ports.ts'
import type { ChangeRecord } from './record.ts'
import { settle, SETTLING_S } from './write-change.ts'

/** As long as records are kept. */
const RECORDS_S = 400 * 86_400

export type Earlier =
  /**
   * None of the aspect's records is `writing`. All of them, newest first; `all`: those of the resource; `lost`: those of which it only now
   * turned out.
   */
  | {
      readonly kind: 'settled'
      readonly records: readonly ChangeRecord[]
      readonly all: readonly ChangeRecord[]
      readonly lost: readonly ChangeRecord[]
    }
  | { readonly kind: 'unread'; readonly unread: Unread }
  /** AWS may still show what stood there before. */
  | { readonly kind: 'settling'; readonly record: ChangeRecord }

/** Settles what runs left that broke off, by what stands there now. To be called by whoever has the claim. */
export async function finishEarlier(
  { resource, aspect }: { readonly resource: Resource; readonly aspect: Aspect },
  ports: WritePorts,
): Promise<Earlier> {
  const now = ports.now()
  const all = await ports.store.ofResource(resource, Math.max(0, now - RECORDS_S) as EpochS)
  const [records, lost] = [new Array<ChangeRecord>(), new Array<ChangeRecord>()]
  let found: AspectRead | null = null
  for (const record of all.filter(({ before }) => before.aspect === aspect)) {
    if (record.state !== 'writing') {
      records.push(record)
      continue
    }
    found ??= await ports.aspects.read(resource, aspect)
    const end = endOf(record, found, all, now)
    if (end.kind === 'unread') return end
    if (end.kind === 'settling') return { kind: 'settling', record }
    const settled = await settle(record, end.kind === 'done' ? 'done' : 'lost', end.reason, ports)
    records.push(settled)
    if (end.kind === 'lost') lost.push(settled)
  }
  return { kind: 'settled', records, all, lost }
}

type End =
  | { readonly kind: 'done' | 'lost' | 'maybe never written'; readonly reason: string }
  | { readonly kind: 'settling' }
  | { readonly kind: 'unread'; readonly unread: Unread }

function endOf(record: ChangeRecord, found: AspectRead, all: readonly ChangeRecord[], now: EpochS): End {
  // What it takes back is noted as such only once it was seen.
  if (record.undoes !== null && all.some(({ id, state }) => id === record.undoes && state === 'undone')) return { kind: 'done', reason: '' }
  switch (found.kind) {
    case 'unread':
      return found
    case 'gone':
      return { kind: 'lost', reason: 'the resource is gone' }
    case 'read':
      if (meansTheSame(found.state, record.after)) return { kind: 'done', reason: '' }
      if (!meansTheSame(found.state, record.before)) return { kind: 'lost', reason: 'something else stands there than was written' }
      if (now - record.since < SETTLING_S) return { kind: 'settling' }
      return {
        kind: 'maybe never written',
        reason: 'what stood there before stands there: it was never written, or somebody changed it back',
      }
  }
}
