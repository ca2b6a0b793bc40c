import type { Expectations } from './expectations.ts'
import type { Resource } from './rule.ts'

/** `unclear`: only an organization that is trusted could make it trusted, and which one an account belongs to is not to be seen from its ID. */
export type Trust = 'trusted' | 'untrusted' | 'unclear'

/** Whether the team trusts an account: it is the resource's own, or listed. */
export function trustIn(
  accountId: string,
  { resource, expectations: { trustedAccounts } }: { readonly resource: Resource; readonly expectations: Expectations },
): Trust {
  if (accountId === resource.accountId || trustedAccounts.includes(accountId)) return 'trusted'
  return trustedAccounts.some((id) => id.startsWith('o-')) ? 'unclear' : 'untrusted'
}

/** Code of what is unknown then. */
export const ORGANIZATION_NOT_KNOWN = 'OrganizationOfAccountNotKnown'
