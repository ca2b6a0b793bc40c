import { CloudFormationClient, DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation'
import { type AwsAccess, clientConfig } from './access.ts'
import { foundOrNull } from './tried.ts'

const STACK_NAME = 'keytrail'

/** What the deployed stack calls its resource; null: the stack, or the resource in it, is not there. */
export async function stackResource(access: AwsAccess, logicalId: string): Promise<string | null> {
  const client = new CloudFormationClient(clientConfig(access))
  try {
    return await foundOrNull(['ValidationError'], async () => {
      const { StackResourceDetail } = await client.send(
        new DescribeStackResourceCommand({ StackName: STACK_NAME, LogicalResourceId: logicalId }),
      )
      return StackResourceDetail?.PhysicalResourceId ?? null
    })
  } finally {
    client.destroy()
  }
}
