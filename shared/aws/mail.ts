import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import type { SendPorts } from '../findings/send-ports.ts'
import { type AwsAccess, clientConfig } from './access.ts'

/** Publishes to a topic whose subscribers read e-mail. */
export function createTopicMail(access: AwsAccess, topicArn: string): { readonly mail: SendPorts['mail']; close(): void } {
  const client = new SNSClient(clientConfig(access))
  return {
    async mail({ subject, body }) {
      await client.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message: body }))
    },
    close: () => client.destroy(),
  }
}
