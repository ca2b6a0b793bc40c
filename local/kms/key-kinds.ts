import { SYMMETRIC } from './key-specs.ts'
import type { Key } from './keys.ts'
import { type Checked, refuse, type Refused } from './outcome.ts'

/** The key, unless it is of a kind that the operation is not for. */
export function suited(key: Checked<Key>, unsuited: (key: Key) => Refused | null): Checked<Key> {
  return key.ok ? (unsuited(key.value) ?? key) : key
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, notes [6], [7] and [9]; the message is AWS's own. */
export function ofOtherOrigin(key: Key, origin: Key['origin']): Refused | null {
  return key.origin === origin ? null : unsupported(key, `origin is ${key.origin} which is not valid for this operation.`)
}

export function notSymmetric(key: Key): Refused | null {
  return key.spec === SYMMETRIC ? null : unsupported(key, `key spec is ${key.spec} which is not valid for this operation.`)
}

/** Of a key whose settings come from its primary. https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html */
export function replica(key: Key): Refused | null {
  return key.multiRegion?.role === 'REPLICA' ? unsupported(key, 'is not a multi-Region primary key.') : null
}

export function notPrimary(key: Key): Refused | null {
  return key.multiRegion?.role === 'PRIMARY' ? null : unsupported(key, 'is not a multi-Region primary key.')
}

function unsupported({ keyArn }: Key, message: string): Refused {
  return refuse('UnsupportedOperationException', `${keyArn} ${message}`, [keyArn])
}
