import { DescribeStackResourcesCommand, type StackResource } from '@aws-sdk/client-cloudformation'
import { GetKeyPolicyCommand } from '@aws-sdk/client-kms'
import { GetBucketWebsiteCommand } from '@aws-sdk/client-s3'
import type { GuardPort } from '../../changes/ports.ts'
import { unread } from '../../observed.ts'
import type { Resource } from '../../rules/rule.ts'
import { readKeyStanding } from '../facts/account-view.ts'
import { asked, askedBeside, present } from '../facts/asked.ts'
import type { FactClients } from '../facts/clients.ts'
import { ownBucket } from '../facts/s3-bucket-facts.ts'

/** Of a stack that let go of it, or is deleted: told for 90 days. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html */
const LET_GO = ['DELETE_COMPLETE', 'DELETE_SKIPPED']

/** What decides whether something may be changed, read anew each time. */
export function createGuardPort(clients: Pick<FactClients, 'kms' | 's3' | 'cloudFormation'>): GuardPort {
  return {
    stackOf: (resource) =>
      askedBeside('cloudformation:DescribeStackResources', async () => {
        const PhysicalResourceId = physicalId(resource)
        try {
          const command = new DescribeStackResourcesCommand({ PhysicalResourceId })
          const { StackResources = [] } = await clients.cloudFormation(resource.region).send(command)
          return stackIn(StackResources, PhysicalResourceId)
        } catch (error) {
          if (isOfNoStack(error)) return null
          throw error
        }
      }),
    keyStanding: (key, region) => readKeyStanding(clients, key, region),
    keyPolicy: (keyArn) => readKeyPolicy(clients, keyArn),
    async isWebsite(bucket) {
      const action = 's3:GetBucketWebsite'
      const answer = await asked(
        action,
        async () => {
          await clients.s3(bucket.region).send(new GetBucketWebsiteCommand(ownBucket(bucket)))
          return true
        },
        { absent: false },
      )
      return typeof answer === 'string' ? unread(action, 'failed', answer === 'gone' ? 'NoSuchBucket' : 'BeingChanged') : answer
    },
  }
}

/** The text of a key's policy. */
export function readKeyPolicy(clients: Pick<FactClients, 'kms'>, keyArn: string): ReturnType<GuardPort['keyPolicy']> {
  const client = clients.kms(keyArn.split(':')[3] ?? '')
  return askedBeside('kms:GetKeyPolicy', async () => present((await client.send(new GetKeyPolicyCommand({ KeyId: keyArn }))).Policy))
}

/**
 * What a template's `Ref` gives: the name of a bucket, the ID of a key (of other kinds Keytrail changes nothing).
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html and the page of buckets beside it
 */
function physicalId(resource: Resource): string {
  return resource.kind === 's3_bucket' ? ownBucket(resource).Bucket : resource.arn.slice(resource.arn.indexOf('/') + 1)
}

/** The first 100 resources of the stack are told, and the one that was asked for need not be among them. */
function stackIn(resources: readonly StackResource[], physicalResourceId: string): string | null {
  const own = resources.filter((resource) => resource.PhysicalResourceId === physicalResourceId)
  const [holding = null] = own.length === 0 ? resources : own.filter(({ ResourceStatus }) => !LET_GO.includes(present(ResourceStatus)))
  return holding === null ? null : present(holding.StackName)
}

/**
 * The name says no more than that the request is not valid; AWS's own tools go by these words too:
 * https://github.com/aws-cloudformation/cloudformation-languageserver/blob/27f9c655457cf46561d2ef9e6bf343cb64c381e5/src/resourceState/StackManagementInfoProvider.ts
 */
function isOfNoStack(error: unknown): boolean {
  return error instanceof Error && error.name === 'ValidationError' && /^Stack for .* does not exist$/.test(error.message)
}
