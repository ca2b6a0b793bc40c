import type { StoredUsage } from '../../usage/usage-store.ts'
import type { SeenStore } from './seen-store.ts'

/** Stands for an error of AWS: where Keytrail's table is may not be asked. */
class TableNotKnown extends Error {
  override readonly name = 'TableNotKnown'
  readonly $metadata = {}
}

function notKnown(): Promise<never> {
  return Promise.reject(new TableNotKnown('where Keytrail keeps that may not be asked'))
}

function nothingToNote(): Promise<void> {
  return Promise.resolve()
}

async function* none(): AsyncGenerator<never> {
  // Yields nothing.
}

const WITHOUT_NOTES = {
  noteKey: nothingToNote,
  noteCode: nothingToNote,
  noteEncryption: nothingToNote,
  noteDefaultKey: nothingToNote,
  forgetBucket: nothingToNote,
  noteLogSource: nothingToNote,
  forgetLogSource: nothingToNote,
  noteLoggingWhole: nothingToNote,
  noteLoggingUnread: nothingToNote,
  noteLoggingRead: nothingToNote,
}

/** The same store, in which nothing is noted. */
export function readOnly(seen: SeenStore): SeenStore {
  return { ...seen, ...WITHOUT_NOTES }
}

/** What stands in for tables that there are none of: Keytrail is not deployed, and never saw or counted anything. */
export const NOWHERE: { readonly seen: SeenStore; readonly usage: StoredUsage } = {
  seen: {
    ...WITHOUT_NOTES,
    remembersNothing: true,
    firstKeys: async () => [],
    codes: async () => [],
    bucket: async () => ({ strongest: null, keyArn: null }),
    bucketsUnder: async () => [],
    logSources: async () => [],
    logging: async () => ({ isWhole: false, unread: [] }),
  },
  usage: { segments: none, markedHours: async () => [], rollUp: async () => null, rolledUpHours: async () => new Set() },
}

/** What stands in for tables that cannot be found: what was seen and counted is unknown. */
export const UNKNOWN: typeof NOWHERE = {
  seen: {
    ...WITHOUT_NOTES,
    firstKeys: notKnown,
    codes: notKnown,
    bucket: notKnown,
    bucketsUnder: notKnown,
    logSources: notKnown,
    logging: notKnown,
  },
  usage: {
    segments: () => ({ [Symbol.asyncIterator]: () => ({ next: notKnown }) }),
    markedHours: notKnown,
    rollUp: notKnown,
    rolledUpHours: notKnown,
  },
}
