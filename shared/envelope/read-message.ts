import type { KeyObject } from 'node:crypto'
import { derivedKeys } from './derive.ts'
import { type EncryptionContext, mergedContext } from './encryption-context.ts'
import { EnvelopeError } from './errors.ts'
import { createFrameCrypt, type FrameCrypt } from './frames.ts'
import { type MessageHeader, type ParsedHeader, parseHeader } from './header.ts'
import { requireCommitment, requireHeaderTag } from './header-tag.ts'
import { requireFitting } from './keyring-materials.ts'
import type { DecryptPlan } from './options.ts'
import { requireMatchingPublicKey } from './signature.ts'
import { requireReadable } from './suites.ts'

const NO_PAIRS: EncryptionContext = {}

/** A header that nothing speaks against so far; its keys were not asked for. */
export type AdmittedHeader = {
  readonly parsed: ParsedHeader
  readonly encryptionContext: EncryptionContext
  /** Pairs the caller gave and the message does not store: its tag tells whether they are right. */
  readonly notStored: EncryptionContext
}

/** A message whose header is authentic. */
export type OpenedMessage = {
  readonly header: MessageHeader
  readonly frames: FrameCrypt
  readonly verificationKey: KeyObject | null
}

/**
 * All that can be refused without a key. `bytes` must be the caller's own copy.
 * @throws EnvelopeError `header`, `commitment-policy`, `signature-key`, `context-mismatch`
 */
export function admittedHeader({ policy, encryptionContext: given }: DecryptPlan, bytes: Buffer): AdmittedHeader {
  const parsed = parseHeader(bytes)
  requireReadable(parsed.suite, policy)
  const stored = parsed.encryptionContext
  requireMatchingPublicKey(parsed.suite, stored)
  let notStored = NO_PAIRS
  for (const key of Object.keys(given)) {
    if (!(key in stored)) notStored = mergedContext(notStored, { [key]: given[key] ?? '' })
    else if (stored[key] !== given[key]) {
      throw new EnvelopeError('context-mismatch', 'the encryption context of the message is not the one that was asked for')
    }
  }
  return { parsed, notStored, encryptionContext: notStored === NO_PAIRS ? stored : mergedContext(stored, notStored) }
}

/**
 * Gets the keys, then checks commitment and header tag: only now may the header be shown.
 * @throws EnvelopeError `materials`, `commitment`, `header-tag`, and what the source rejects with
 */
export async function openedMessage(plan: DecryptPlan, admitted: AdmittedHeader): Promise<OpenedMessage> {
  const { parsed, encryptionContext, notStored } = admitted
  const { suite, messageId, messageVersion, encryptedDataKeys, frameLength } = parsed
  const lease = await plan.source.forDecryption({ suite, encryptionContext, encryptedDataKeys })
  const { materials } = lease
  try {
    requireReadable(materials.suite, plan.policy)
    requireFitting(materials, parsed)
    const { contentKey, commitment } = derivedKeys(suite, materials.dataKey.bytes, messageId)
    requireCommitment(parsed, commitment)
    requireHeaderTag(parsed, contentKey, notStored)
    return {
      header: {
        messageVersion,
        suite: suite.id,
        messageId: messageId.toString('hex'),
        encryptionContext,
        encryptedDataKeys,
        frameLength,
      },
      frames: createFrameCrypt(suite, contentKey, messageId),
      verificationKey: materials.verificationKey,
    }
  } finally {
    lease.release()
  }
}
