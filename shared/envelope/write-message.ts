import { derivedKeys } from './derive.ts'
import { EnvelopeError } from './errors.ts'
import { createFrameCrypt, type FrameCrypt } from './frames.ts'
import { headerLength, MESSAGE_ID_AT, MESSAGE_ID_BYTES, type MessageHeader, TAG_BYTES, writeHeader } from './header.ts'
import { headerTag } from './header-tag.ts'
import { requireFitting } from './keyring-materials.ts'
import type { EncryptionMaterials, Lease } from './materials.ts'
import type { EncryptPlan } from './options.ts'
import { writeRandom } from './random.ts'

/** A message whose header is written. */
export type WrittenHeader = { readonly header: MessageHeader; readonly frames: FrameCrypt }

/** Keys for one message. @throws EnvelopeError `materials`, `encrypted-data-keys`, and what the source rejects with */
export async function leaseForWriting(plan: EncryptPlan, plaintextBytes: number | null): Promise<Lease<EncryptionMaterials>> {
  const { suite, encryptionContext, encryptedDataKeysMax } = plan
  const lease = await plan.source.forEncryption({ suite, encryptionContext, plaintextBytes })
  try {
    requireFitting(lease.materials, plan)
    const count = lease.materials.encryptedDataKeys.length
    if (count === 0) throw new EnvelopeError('materials', 'the source of materials gave no encrypted data key')
    if (count > encryptedDataKeysMax) {
      throw new EnvelopeError('encrypted-data-keys', `there are ${count} encrypted data keys, and ${encryptedDataKeysMax} are allowed`)
    }
    return lease
  } catch (error) {
    lease.release()
    throw error
  }
}

/** Writes the header to the first `headerLength(materials)` bytes of `target`. The data key is not needed any more then. */
export function writtenHeader(plan: EncryptPlan, materials: EncryptionMaterials, target: Buffer): WrittenHeader {
  const { suite, frameLength } = plan
  writeRandom(target, MESSAGE_ID_AT, MESSAGE_ID_BYTES)
  const messageId = target.subarray(MESSAGE_ID_AT, MESSAGE_ID_AT + MESSAGE_ID_BYTES)
  const { contentKey, commitment } = derivedKeys(suite, materials.dataKey.bytes, messageId)
  if (commitment === null) throw new EnvelopeError('suite', 'only suites that commit to their key are written')
  writeHeader(target, materials, frameLength, commitment)
  const tagAt = headerLength(materials) - TAG_BYTES
  target.set(headerTag(suite, contentKey, target.subarray(0, tagAt)), tagAt)
  const { encryptionContext, encryptedDataKeys } = materials
  return {
    header: {
      messageVersion: suite.messageVersion,
      suite: suite.id,
      messageId: messageId.toString('hex'),
      encryptionContext,
      encryptedDataKeys,
      frameLength,
    },
    frames: createFrameCrypt(suite, contentKey, messageId),
  }
}
