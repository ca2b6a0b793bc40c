import { BatchImportFindingsCommand, SecurityHubClient } from '@aws-sdk/client-securityhub'
import type { SendPorts } from '../findings/send-ports.ts'
import { type AwsAccess, clientConfig } from './access.ts'

/** Imports findings into the Security Hub CSPM of the Region and the account whose credentials are used. */
export function createFindingImport(access: AwsAccess): { readonly importFindings: SendPorts['importFindings']; close(): void } {
  const client = new SecurityHubClient(clientConfig(access))
  return {
    async importFindings(batch) {
      try {
        const { FailedFindings = [] } = await client.send(new BatchImportFindingsCommand({ Findings: [...batch] }))
        return { refused: FailedFindings.flatMap(({ Id }) => Id ?? []) }
      } catch (error) {
        // An account that is not subscribed: https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
        if (error instanceof Error && error.name === 'InvalidAccessException') return 'not_enabled'
        throw error
      }
    },
    close: () => client.destroy(),
  }
}
