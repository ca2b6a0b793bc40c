import { cappedText } from '../text.ts'
import type { EncryptionContext } from './encryption-context.ts'
import type { KeyFailure } from './errors.ts'

const NAME_BYTES_MAX = 64
const REASON_BYTES_MAX = 512

/**
 * What may be told of a call of KMS that failed. Its message is shown only if it repeats nothing of the encryption context and no key:
 * KMS quotes what it does not accept.
 */
export function kmsFailure(key: string, thrown: unknown, context: EncryptionContext, dataKey: Uint8Array | null): KeyFailure {
  if (!(thrown instanceof Error)) return { key, reason: 'the call failed' }
  const name = cappedText(thrown.name, NAME_BYTES_MAX)
  const secrets = Object.entries(context).flat()
  if (dataKey !== null) secrets.push(Buffer.from(dataKey).toString('base64'))
  if (secrets.some((secret) => secret !== '' && thrown.name.includes(secret))) return { key, reason: 'the call failed' }
  if (thrown.message === '' || secrets.some((secret) => secret !== '' && thrown.message.includes(secret))) return { key, reason: name }
  return { key, reason: `${name}: ${cappedText(thrown.message, REASON_BYTES_MAX)}` }
}
