import type { WritePorts } from './change-ports.ts'
import { differenceLines } from './meaning.ts'
import type { AspectRead } from './ports.ts'
import type { ChangeRecord } from './record.ts'

/** Whether a change can be taken back: `open` is not known yet, `over` was not written, or is undone, or something else took its place. */
export type Undoable = { readonly record: ChangeRecord } & (
  | { readonly kind: 'can' | 'open' | 'over' | 'gone' | 'unread' }
  | { readonly kind: 'differs'; readonly lines: readonly string[] }
)

/** Changes, newest first, each compared with what stands there now; read as far as it is asked for. */
export async function* listUndoable({ store, aspects }: Pick<WritePorts, 'store' | 'aspects'>): AsyncGenerator<Undoable, void, undefined> {
  const reads = new Map<string, AspectRead>()
  for await (const record of store.newestFirst()) {
    const { state, resource, after } = record
    if (state === 'writing') yield { kind: 'open', record }
    else if (state !== 'done') yield { kind: 'over', record }
    else {
      const place = JSON.stringify([resource.accountId, resource.region, resource.arn, after.aspect])
      const found = reads.get(place) ?? (await aspects.read(resource, after.aspect))
      if (reads.size < READS_MAX) reads.set(place, found)
      yield standing(record, found)
    }
  }
}

/** Several changes of one resource stand near each other. */
const READS_MAX = 10_000

function standing(record: ChangeRecord, found: AspectRead): Undoable {
  if (found.kind !== 'read') return { kind: found.kind, record }
  const lines = differenceLines(record.after, found.state)
  return lines.length === 0 ? { kind: 'can', record } : { kind: 'differs', record, lines }
}
