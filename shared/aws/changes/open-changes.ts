import type { Caller } from '../../workshop/stage.ts'
import { type AwsAccess, secureClientConfig } from '../access.ts'
import { stackParameter, stackResource } from '../stack.ts'
import { createStackChanges, type StackChanges } from './stack-changes.ts'

const NO_QUOTAS = 1000

/**
 * Changes over the tables of the stack that is deployed in the caller's account and Region; null: none is, or one that knows of no changes.
 * @throws what keeps that from being found out
 */
export async function openChanges(
  access: AwsAccess,
  caller: Caller,
  around: Parameters<typeof createStackChanges>[1],
): Promise<StackChanges | null> {
  const regional = { ...access, region: caller.region }
  const [controlTable, usageTable, findingsTable, findingsTopic, audited] = await Promise.all([
    stackResource(regional, 'ControlTable'),
    stackResource(regional, 'UsageTable'),
    stackResource(regional, 'FindingsTable'),
    stackResource(regional, 'FindingsTopic'),
    stackParameter(regional, 'AuditedAccounts'),
  ])
  if (controlTable === null || usageTable === null || findingsTable === null || findingsTopic === null || audited === null) return null
  const accounts = audited === '' ? [caller.accountId] : audited.split(',').map((account) => account.trim())
  return createStackChanges(
    {
      place: caller,
      controlTable,
      usageTable,
      findingsTable,
      findingsTopic,
      countedAccounts: new Set(accounts),
      // What stands in for AWS has no quotas.
      quotaShare: access.endpoint === undefined ? null : NO_QUOTAS,
      access: overTls(access),
    },
    around,
  )
}

/** A bucket that takes TLS alone, as Keytrail may have told it to, tells nothing to who comes without. */
function overTls(access: AwsAccess): AwsAccess {
  if (access.secure === undefined) return access
  const { requestHandler } = secureClientConfig(access)
  return { ...access, endpoint: access.secure.endpoint, ...(requestHandler === undefined ? {} : { requestHandler }) }
}
