import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Claim } from '../cache/claims.ts'

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MESSAGE_BYTES_MAX = 1_048_576

/** A client that gives up on a silent queue before an invocation's time is over; it tries twice. */
export function createClaimsClient(): SQSClient {
  return new SQSClient({ maxAttempts: 2, requestHandler: { connectionTimeout: 1000, requestTimeout: 3000 } })
}

/**
 * Sends claims to a queue, one message each. Who sent them is attested by SQS (`SenderId`), not by what they say.
 * Rejects if the queue did not take a claim.
 */
export function createClaimsSender(client: SQSClient, queueUrl: string): (claim: Claim) => Promise<void> {
  return async (claim) => {
    const body = JSON.stringify(claim)
    if (Buffer.byteLength(body) > MESSAGE_BYTES_MAX)
      throw new RangeError(`a claim of ${claim.keys.length} keys is longer than a message may be`)
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }))
  }
}
