import type { AccessRequest } from './access.ts'
import { callerOf } from './caller.ts'

/** Condition keys in small letters and their values: names of condition keys have no case. */
export type Context = ReadonlyMap<string, string | readonly string[]>

/**
 * What KMS tells of every call, whole: a key of these that is not there is absent from the request too. There is no attestation, so that
 * `kms:RecipientAttestation:…` is always absent. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
const KMS = wordsOf(`
  bypasspolicylockoutsafetycheck calleraccount datakeypairspec encryptionalgorithm encryptioncontextkeys expirationmodel
  grantconstrainttype grantisforawsresource grantoperations granteeprincipal keyagreementalgorithm keyorigin keyspec keyusage
  macalgorithm messagetype multiregion multiregionkeytype primaryregion reencryptonsamekey replicaregion requestalias
  resourcealiases retiringprincipal rotationperiodindays schedulekeydeletionpendingwindowindays signingalgorithm validto
  viaservice wrappingalgorithm wrappingkeyspec
`)

/**
 * Of S3, what follows from headers and query parameters that either were sent or were not.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
 */
const S3 = wordsOf(`
  delimiter max-keys prefix versionid locationconstraint x-amz-acl x-amz-copy-source x-amz-metadata-directive
  x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp x-amz-grant-write x-amz-grant-write-acp
  x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-customer-algorithm
  x-amz-storage-class x-amz-website-redirect-location
`)

const STS = ['externalid', 'rolesessionname', 'sourceidentity', 'transitivetagkeys']

/**
 * Keys that no call to the local cloud has unless they are told: it is in no organization and no VPC, and nobody calls as a service.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
const GLOBAL = wordsOf(`
  assumedroot chatbotsourcearn ec2instancesourceprivateipv4 ec2instancesourcevpc federatedprovider multifactorauthage
  multifactorauthpresent principalorgid principalorgpaths principalservicename principalservicenameslist resourceorgid
  resourceorgpaths sourceaccount sourcearn sourceidentity sourceorgid sourceorgpaths sourceowner sourcevpc sourcevpcarn
  sourcevpce tokenissuetime username vpceaccount vpceorgid vpceorgpaths vpcsourceip
`)

const ABSENT: ReadonlySet<string> = new Set([
  ...GLOBAL.map((key) => `aws:${key}`),
  ...KMS.map((key) => `kms:${key}`),
  ...S3.map((key) => `s3:${key}`),
  ...STS.map((key) => `sts:${key}`),
])
const ABSENT_PREFIXES = ['aws:principaltag/', 'kms:encryptioncontext:', 'kms:recipientattestation:']
/** Only the services that tell all tags of a request and its resource. */
const TAGS = /^aws:(?:requesttag\/.+|resourcetag\/.+|tagkeys)$/
const TELLS_TAGS = /^(?:kms|sts):/

/** Whether a key that is not in the context is known to be in no such request, rather than not told. */
export function isKnownAbsent(key: string, action: string, context: Context): boolean {
  if (ABSENT.has(key) || ABSENT_PREFIXES.some((prefix) => key.startsWith(prefix))) return true
  if (TAGS.test(key)) return TELLS_TAGS.test(action)
  return key.startsWith('aws:calledvia') && context.get('aws:viaawsservice') === 'false'
}

const USES_TIME = /aws:(?:currenttime|epochtime)/i

/** All that is known of a request; `conflicting` keys were told twice with different values, which only their case kept apart. */
export function contextOf(
  request: AccessRequest,
  parts: { readonly tags: Readonly<Record<string, string>>; readonly nowMs: number; readonly policies: readonly string[] },
): { readonly context: Context; readonly conflicting: ReadonlySet<string> } {
  const told: Record<string, string | readonly string[]> = { ...request.context, ...ofCaller(request, parts.tags) }
  // A verdict may be kept as long as nothing in it depends on the time.
  if (parts.policies.some((policy) => USES_TIME.test(policy))) {
    told['aws:CurrentTime'] = new Date(parts.nowMs).toISOString()
    told['aws:EpochTime'] = String(Math.floor(parts.nowMs / 1000))
  }
  const context = new Map<string, string | readonly string[]>()
  const conflicting = new Set<string>()
  for (const [name, value] of Object.entries(told)) {
    const key = name.toLowerCase()
    if (context.has(key) && JSON.stringify(context.get(key)) !== JSON.stringify(value)) conflicting.add(key)
    context.set(key, value)
  }
  return { context, conflicting }
}

function ofCaller({ principal, resourceAccountId }: AccessRequest, tags: Readonly<Record<string, string>>): Record<string, string> {
  const caller = callerOf(principal)
  const every = { 'aws:PrincipalIsAWSService': 'false', 'aws:ResourceAccount': resourceAccountId }
  if (caller.kind === 'anonymous') return { ...every, 'aws:PrincipalType': 'Anonymous', 'aws:userid': 'anonymous' }
  return {
    ...every,
    'aws:PrincipalAccount': principal.accountId,
    'aws:userid': principal.userId,
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
    ...(caller.kind === 'user'
      ? { 'aws:PrincipalType': 'User', 'aws:PrincipalArn': caller.arn, 'aws:username': caller.userName }
      : {
          'aws:PrincipalType': 'AssumedRole',
          'aws:PrincipalArn': caller.roleArn,
          'aws:MultiFactorAuthPresent': 'false',
          ...(caller.issuedAt === null ? {} : { 'aws:TokenIssueTime': caller.issuedAt }),
        }),
  }
}

function wordsOf(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
