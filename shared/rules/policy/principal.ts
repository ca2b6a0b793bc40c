import type { Principals } from './document.ts'

/** Whom a policy or a grant names. */
export type Principal =
  | { readonly kind: 'everyone' }
  /** `arn`: one user, role or session; null: the account, which passes it on by its own IAM policies. */
  | { readonly kind: 'account'; readonly accountId: string; readonly arn: string | null }
  | { readonly kind: 'service'; readonly name: string }
  /** A user or role that was deleted: its unique ID stands where its ARN stood, and nobody can have it again. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unrecognised' }

const ACCOUNT_ID_LENGTH = 12
const [ZERO, NINE] = [0x30, 0x39]
/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes */
const UNIQUE_ID = /^A[A-Z]{3}[A-Z0-9]{12,124}$/
const SERVICE = /^[\w.-]+\.(?:amazonaws\.com(?:\.cn)?|internal)$/

/** A principal as `AWS` in a policy, or as grantee of a grant. */
export function principalOf(text: string): Principal {
  if (text === '*') return EVERYONE
  if (text.startsWith('arn:')) return arnPrincipal(text)
  if (isAccountId(text)) return { kind: 'account', accountId: text, arn: null }
  if (UNIQUE_ID.test(text)) return { kind: 'gone' }
  return SERVICE.test(text) ? { kind: 'service', name: text } : { kind: 'unrecognised' }
}

const ROOT = ':root'

function isAccountId(text: string): boolean {
  if (text.length !== ACCOUNT_ID_LENGTH) return false
  for (let at = 0; at < ACCOUNT_ID_LENGTH; at++) {
    const digit = text.charCodeAt(at)
    if (digit < ZERO || digit > NINE) return false
  }
  return true
}

/** `arn:<partition>:iam::<account>:<name>`, or `sts`. Read by position: every sweep reads each principal of each policy. */
function arnPrincipal(arn: string): Principal {
  const partitionEnd = arn.indexOf(':', 'arn:'.length)
  const accountAt = partitionEnd + ':iam::'.length
  const accountEnd = arn.indexOf(':', accountAt)
  const isGlobal = arn.startsWith(':iam::', partitionEnd) || arn.startsWith(':sts::', partitionEnd)
  if (!isGlobal || accountEnd < 0 || accountEnd + 1 === arn.length) return { kind: 'unrecognised' }
  const account = arn.slice(accountAt, accountEnd)
  if (isAccountId(account))
    return {
      kind: 'account',
      accountId: account,
      arn: arn.startsWith(ROOT, accountEnd) && arn.length === accountEnd + ROOT.length ? null : arn,
    }
  // CloudFront's identities. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
  if (account === 'cloudfront') return { kind: 'service', name: 'cloudfront.amazonaws.com' }
  // AWS takes no pattern for an account; should one stand there, it is read as the most it could mean.
  return account.includes('*') ? { kind: 'everyone' } : { kind: 'unrecognised' }
}

/**
 * Whom a statement names. `NotPrincipal` names everyone: whom it leaves out is not looked at, so that nobody is missed. Federated
 * identities of an account are that account's; a public identity provider has users everywhere.
 */
export function principalsOf(principals: Principals): readonly Principal[] {
  if (principals.negated) return [EVERYONE]
  const named = principals.aws.map(principalOf)
  for (const name of principals.services) named.push({ kind: 'service', name })
  for (const provider of principals.federated) named.push(federatedOf(provider))
  // Which account a canonical user ID belongs to is not to be seen from it.
  if (principals.canonicalUsers.length > 0) named.push({ kind: 'unrecognised' })
  return named
}

/** Whether a statement names everybody, and be it among others. */
export function namesEveryone({ negated, aws, federated }: Principals): boolean {
  return negated || aws.some(isEveryone) || federated.some((provider) => federatedOf(provider).kind === 'everyone')
}

function isEveryone(text: string): boolean {
  return text === '*' || (text.includes('*') && principalOf(text).kind === 'everyone')
}

const EVERYONE: Principal = { kind: 'everyone' }

function federatedOf(provider: string): Principal {
  const named = principalOf(provider)
  return named.kind === 'account' ? named : EVERYONE
}
