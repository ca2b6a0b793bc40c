import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { readUsage } from '../../usage/read-usage.ts'
import { WorkshopObstacle } from '../../workshop/make.ts'
import type { Caller, Stage } from '../../workshop/stage.ts'
import { type AwsAccess, clientConfig } from '../access.ts'
import { stackResource } from '../stack.ts'
import { createTable } from '../table.ts'
import { createUsageTable } from '../usage-table.ts'
import { registryTable } from './registry-table.ts'
import { createWorkshopAws } from './workshop-aws.ts'

export type OpenStage = { readonly stage: Stage; close(): void }

/**
 * The stage of a use case on AWS, or on what stands in for it: Keytrail's own stack there keeps the registry and counts the calls.
 * @throws WorkshopObstacle if the stack is not deployed
 */
export async function openStage(
  access: AwsAccess,
  caller: Caller,
  around: Pick<Stage, 'useCase' | 'files' | 'time' | 'submits' | 'newId' | 'tell'>,
): Promise<OpenStage> {
  const regional = { ...access, region: caller.region }
  const [control, usage] = [await stackResource(regional, 'ControlTable'), await stackResource(regional, 'UsageTable')]
  if (control === null || usage === null) {
    throw new WorkshopObstacle(
      `Keytrail is not deployed in account ${caller.accountId}, Region ${caller.region}: it keeps the registry of what the use case makes, and counts its calls. docs/deploy.md says how.`,
    )
  }
  const dynamodb = new DynamoDBClient(clientConfig(regional))
  const { aws, close } = createWorkshopAws(regional, caller)
  const counted = createUsageTable(createTable(dynamodb, usage))
  return {
    stage: {
      ...around,
      caller,
      aws,
      registry: registryTable(createTable(dynamodb, control)),
      countedUse: (query) => readUsage(counted, query),
    },
    close() {
      close()
      dynamodb.destroy()
    },
  }
}
