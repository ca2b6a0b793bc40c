import { CloudTrailClient } from '@aws-sdk/client-cloudtrail'
import { CloudWatchEventsClient } from '@aws-sdk/client-cloudwatch-events'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KMSClient } from '@aws-sdk/client-kms'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'

/** Clients of the unmodified SDK that speak to a local cloud. */
export type Clients = {
  readonly cloudTrail: CloudTrailClient
  readonly dynamodb: DynamoDBClient
  readonly events: CloudWatchEventsClient
  readonly kms: KMSClient
  readonly sns: SNSClient
  readonly sqs: SQSClient
  destroy(): void
}

/** No secret is checked; what the key ID says is who calls. */
export const LOCAL_SECRET = 'no-secret-is-checked'
export const LOCAL_CREDENTIALS = { accessKeyId: 'AKIALOCALCLOUDUSER00', secretAccessKey: LOCAL_SECRET }

export function createClients(cloud: { readonly url: string; readonly region: string }): Clients {
  const config = {
    endpoint: cloud.url,
    region: cloud.region,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
  }
  const clients = {
    cloudTrail: new CloudTrailClient(config),
    dynamodb: new DynamoDBClient(config),
    events: new CloudWatchEventsClient(config),
    kms: new KMSClient(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
  }
  return {
    ...clients,
    destroy() {
      for (const client of Object.values(clients)) client.destroy()
    },
  }
}
