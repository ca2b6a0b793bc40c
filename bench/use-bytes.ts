import { createUseLedger } from '../shared/usage/use-ledger.ts'
import { ENTRY_WORDS, ROW_WORD, rowText } from '../shared/usage/use-batch.ts'
import { parseKmsKeyArn } from '../shared/arn.ts'

const BATCH_ENTRIES = 10_000

/** Bytes that the ledger holds per distinct identity, once `identities` are in it. */
export function useBytes(identities: number): number {
  const ledger = createUseLedger()
  const rows = [
    rowText({
      operation: 'Decrypt',
      keyArn: parseKmsKeyArn('arn:aws:kms:eu-central-1:111122223333:key/0379314b-eb29-4ff3-b3c0-83d2ecf8f941'),
      sent: null,
      isCallersCopy: true,
      caller: null,
      service: null,
      scope: 'none',
      keyMaterialId: null,
      outcome: 'succeeded',
      errorCode: null,
    }),
  ]
  const before = process.memoryUsage().arrayBuffers
  let state = 1
  for (let done = 0; done < identities; done += BATCH_ENTRIES) {
    const entries = new Uint32Array(BATCH_ENTRIES * ENTRY_WORDS)
    for (let word = 0; word < entries.length; word++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      entries[word] = word % ENTRY_WORDS === ROW_WORD ? 0 : state
    }
    ledger.add({ rows, entries })
  }
  globalThis.gc?.()
  const bytes = process.memoryUsage().arrayBuffers - before
  // The ledger is asked last: it must be there while its bytes are counted.
  const counted = ledger.tally({ byHour: false }).tallies.reduce((total, tally) => total + tally.count, 0)
  if (counted !== identities) throw new Error('identities are not distinct')
  return bytes / identities
}
