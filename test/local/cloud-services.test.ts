import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { ListStackResourcesCommand } from '@aws-sdk/client-cloudformation'
import { CreateKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { ListTrainingJobsCommand } from '@aws-sdk/client-sagemaker'
import { DescribeHubCommand, EnableSecurityHubCommand } from '@aws-sdk/client-securityhub'
import { PublishCommand, SubscribeCommand } from '@aws-sdk/client-sns'
import { describe, expect, it } from 'vitest'
import { refOf, startCloud } from '../support/local-cloud.ts'
import { temporaryFolder } from './ground.ts'

const MINUTE_MS = 60_000

function queryOf(Operation: string, KeyArn: string) {
  const Dimensions = Object.entries({ KeyArn, Operation }).map(([Name, Value]) => ({ Name, Value }))
  const Metric = { Namespace: 'AWS/KMS', MetricName: 'SuccessfulRequest', Dimensions }
  return { Id: Operation.toLowerCase(), MetricStat: { Metric, Period: 3600, Stat: 'Sum' } }
}

describe('the local cloud', () => {
  it('counts in CloudWatch what CloudTrail lost and what S3 called for, over a restart', async () => {
    const place = temporaryFolder()
    const delivery = { delayMs: { p50: 90_000, p99: 600_000 }, duplicateShare: 0.3, lossShare: 0.5 }
    const options = { folder: place.folder, delivery, seed: 5 }
    const first = await startCloud(options)
    const key = (await first.clients.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const CALLS = 12
    for (let calls = 0; calls < CALLS; calls++) {
      await first.clients.kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.from('a') }))
      await first.clock.advance(MINUTE_MS)
    }
    const Bucket = 'documents'
    await first.clients.s3.send(new CreateBucketCommand({ Bucket }))
    await first.clients.s3.send(
      new PutObjectCommand({ Bucket, Key: 'one', Body: 'text', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key }),
    )
    await first.clock.advance(MINUTE_MS)
    expect(first.delivery.lost().filter(({ eventName }) => eventName === 'Encrypt').length).toBeGreaterThan(2)
    expect(first.faults).toEqual([])
    await first.close()
    const second = await startCloud(options)
    const nowMs = second.clock.nowMs()
    const { MetricDataResults = [] } = await second.clients.cloudWatch.send(
      new GetMetricDataCommand({
        MetricDataQueries: ['Encrypt', 'GenerateDataKey'].map((operation) => queryOf(operation, key)),
        StartTime: new Date(nowMs - 60 * MINUTE_MS),
        EndTime: new Date(nowMs),
      }),
    )
    expect(MetricDataResults.map(({ Id, Values }) => [Id, Values])).toEqual([
      ['encrypt', [CALLS]],
      ['generatedatakey', [1]],
    ])
    await second.close()
    place.remove()
  })

  it('tells of its stack, sends mail and has what else stands beside it', async () => {
    const cloud = await startCloud()
    const { cloudFormation, sageMaker, securityHub, sns } = cloud.clients
    const { StackResourceSummaries = [] } = await cloudFormation.send(new ListStackResourcesCommand({ StackName: 'keytrail' }))
    const idOf = (logicalId: string) => StackResourceSummaries.find(({ LogicalResourceId }) => LogicalResourceId === logicalId)
    for (const logicalId of ['UsageTable', 'KeyUsageQueue', 'KeyUsageRule', 'CountKeyUsageLambdaFunction'])
      expect(idOf(logicalId)?.PhysicalResourceId).toBe(refOf(cloud, logicalId))
    const TopicArn = StackResourceSummaries.find(({ ResourceType }) => ResourceType === 'AWS::SNS::Topic')?.PhysicalResourceId
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'me@example.com' }))
    await sns.send(new PublishCommand({ TopicArn, Subject: 'Hello', Message: 'text' }))
    expect(cloud.mail()).toMatchObject([
      { to: 'me@example.com', subject: 'Hello', body: 'text', sentAt: expect.stringMatching(/^2026-10-20/) as unknown },
    ])
    await securityHub.send(new EnableSecurityHubCommand({}))
    expect(await securityHub.send(new DescribeHubCommand({}))).toMatchObject({
      HubArn: `arn:aws:securityhub:${cloud.region}:${cloud.accountId}:hub/default`,
    })
    expect((await sageMaker.send(new ListTrainingJobsCommand({}))).TrainingJobSummaries).toEqual([])
    expect(cloud.faults).toEqual([])
    await cloud.close()
  })
})
