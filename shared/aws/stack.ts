import { CloudFormationClient, DescribeStackResourceCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { type AwsAccess, clientConfig } from './access.ts'
import { foundOrNull } from './tried.ts'

const STACK_NAME = 'keytrail'

/** What the deployed stack calls its resource; null: the stack, or the resource in it, is not there. */
export function stackResource(access: AwsAccess, logicalId: string): Promise<string | null> {
  return told(access, async (client) => {
    const { StackResourceDetail } = await client.send(
      new DescribeStackResourceCommand({ StackName: STACK_NAME, LogicalResourceId: logicalId }),
    )
    return StackResourceDetail?.PhysicalResourceId ?? null
  })
}

/** A parameter that the stack was deployed with; null: the stack, or the parameter, is not there. */
export function stackParameter(access: AwsAccess, name: string): Promise<string | null> {
  return told(access, async (client) => {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: STACK_NAME }))
    const parameter = stack?.Parameters?.find(({ ParameterKey }) => ParameterKey === name)
    return parameter === undefined ? null : (parameter.ParameterValue ?? '')
  })
}

async function told(access: AwsAccess, ask: (client: CloudFormationClient) => Promise<string | null>): Promise<string | null> {
  const client = new CloudFormationClient(clientConfig(access))
  try {
    return await foundOrNull(['ValidationError'], () => ask(client))
  } finally {
    client.destroy()
  }
}
