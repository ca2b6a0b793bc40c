import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { CloudWatchEventsClient } from '@aws-sdk/client-cloudwatch-events'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IAMClient } from '@aws-sdk/client-iam'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import { SecurityHubClient } from '@aws-sdk/client-securityhub'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { STSClient } from '@aws-sdk/client-sts'

/** Clients of the unmodified SDK that speak to a local cloud. */
export type Clients = {
  readonly cloudFormation: CloudFormationClient
  readonly cloudTrail: CloudTrailClient
  readonly cloudWatch: CloudWatchClient
  readonly dynamodb: DynamoDBClient
  readonly events: CloudWatchEventsClient
  readonly iam: IAMClient
  readonly kms: KMSClient
  readonly s3: S3Client
  readonly sageMaker: SageMakerClient
  readonly securityHub: SecurityHubClient
  readonly sns: SNSClient
  readonly sqs: SQSClient
  readonly sts: STSClient
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
    cloudFormation: new CloudFormationClient(config),
    cloudTrail: new CloudTrailClient(config),
    cloudWatch: new CloudWatchClient(config),
    dynamodb: new DynamoDBClient(config),
    events: new CloudWatchEventsClient(config),
    iam: new IAMClient(config),
    kms: new KMSClient(config),
    s3: new S3Client(config),
    sageMaker: new SageMakerClient(config),
    securityHub: new SecurityHubClient(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
    sts: new STSClient(config),
  }
  return {
    ...clients,
    destroy() {
      for (const client of Object.values(clients)) client.destroy()
    },
  }
}
