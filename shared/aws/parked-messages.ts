import { createHash } from 'node:crypto'
import { DAY_S, type EpochS, hourText } from '../time.ts'
import { numberAttribute, type Table, textAttribute } from './table.ts'

/** A message that was set aside, and why. */
type Parked = {
  readonly messageId: string
  readonly sentAt: EpochS
  readonly kind: string
  readonly reason: string
  readonly body: string
}

const PARKED_S = 35 * DAY_S
const REASON_LENGTH_MAX = 256

/** Keeps reason, size and digest of a message under `parked#<day>` `<message ID>`; again without effect. */
export async function parkMessage(table: Table, { messageId, sentAt, kind, reason, body }: Parked): Promise<void> {
  await table.put({
    pk: textAttribute(`parked#${hourText(sentAt).slice(0, 10)}`),
    sk: textAttribute(messageId),
    kind: textAttribute(kind),
    reason: textAttribute(reason.slice(0, REASON_LENGTH_MAX)),
    bodyBytes: numberAttribute(Buffer.byteLength(body)),
    bodySha256: textAttribute(createHash('sha256').update(body).digest('hex')),
    expiresAt: numberAttribute(sentAt + PARKED_S),
  })
}
