import { CloudWatchEventsClient, PutEventsCommand } from '@aws-sdk/client-cloudwatch-events'
import type { SendPorts } from '../findings/send-ports.ts'
import { type AwsAccess, clientConfig } from './access.ts'

/** Puts events on the default bus of the Region and the account. */
export function createAnnouncements(access: AwsAccess): { readonly putEvents: SendPorts['putEvents']; close(): void } {
  const client = new CloudWatchEventsClient(clientConfig(access))
  return {
    async putEvents(batch) {
      const { Entries = [] } = await client.send(
        new PutEventsCommand({
          Entries: batch.map(({ source, detailType, time, resources, detail }) => ({
            Source: source,
            DetailType: detailType,
            Time: new Date(1000 * time),
            Resources: [...resources],
            Detail: detail,
          })),
        }),
      )
      // Entries are answered in their order. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
      return { refused: Array.from(batch.keys()).filter((index) => Entries[index]?.EventId === undefined) }
    },
    close: () => client.destroy(),
  }
}
