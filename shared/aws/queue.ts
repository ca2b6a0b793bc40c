import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type AwsAccess, clientConfig } from './access.ts'

/** A queue that is sent to. */
export type QueueSender = {
  /** @param delayS after how many seconds the message can be received, 900 at most */
  send(body: string, delayS?: number): Promise<void>
}

export function createQueueSender(access: AwsAccess, queueUrl: string): QueueSender {
  const client = new SQSClient(clientConfig(access))
  return {
    async send(body, delayS = 0) {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, DelaySeconds: delayS }))
    },
  }
}
