import type { Key } from './keys.ts'
import { stateCell } from './key-state-table.ts'
import { refuse, type Refused } from './outcome.ts'

/** Null if the key's state lets the operation be done on it. */
export function refusedByState({ keyArn, state }: Pick<Key, 'keyArn' | 'state'>, operation: string): Refused | null {
  const rule = stateCell(operation, state)?.rule
  switch (rule) {
    case undefined:
    case 'works':
      return null
    case 'disabled':
      return refuse('DisabledException', `${keyArn} is disabled.`, [keyArn])
    case 'pendingDeletion':
      return invalidState(keyArn, 'pending deletion')
    case 'pendingReplicaDeletion':
      return invalidState(keyArn, 'pending replica deletion')
    case 'notPendingDeletion':
      return invalidState(keyArn, 'not pending deletion')
    case 'pendingImport':
      return invalidState(keyArn, 'pending import')
    case 'unavailable':
      return invalidState(keyArn, 'unavailable')
    case 'creating':
      return invalidState(keyArn, 'creating')
    case 'updating':
      return invalidState(keyArn, 'updating')
    case 'external':
      return refuse('UnsupportedOperationException', `${keyArn} origin is EXTERNAL which is not valid for this operation.`, [keyArn])
    case 'customKeyStore':
      return refuse('UnsupportedOperationException', `${keyArn} is in a custom key store, where this operation is not valid.`, [keyArn])
  }
}

function invalidState(keyArn: string, state: string): Refused {
  return refuse('KMSInvalidStateException', `${keyArn} is ${state}.`, [keyArn])
}
