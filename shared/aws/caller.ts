import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Caller } from '../workshop/stage.ts'
import { type AwsAccess, clientConfig } from './access.ts'

const SESSION = /^arn:(?<partition>[^:]+):sts::(?<account>\d{12}):assumed-role\/(?<role>[^/]+)\//

/** Who calls, and in which Region. A session of a role counts as the role: another session of it is the same owner. */
export async function readCaller(access: AwsAccess): Promise<Caller> {
  const client = new STSClient(clientConfig(access))
  try {
    const { Arn: arn = '', Account: accountId = '' } = await client.send(new GetCallerIdentityCommand({}))
    const { partition = arn.split(':')[1] ?? 'aws', account, role } = SESSION.exec(arn)?.groups ?? {}
    const stable = role === undefined ? arn : `arn:${partition}:iam::${account ?? accountId}:role/${role}`
    return { arn: stable, accountId, region: await client.config.region(), partition }
  } finally {
    client.destroy()
  }
}
