import type { Known } from './condition.ts'

/**
 * Condition keys that tie a request to somebody: to an account, an organization, a network. A value that is fixed keeps outsiders out.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
type Tie = 'account' | 'arn' | 'organization' | 'organization_path' | 'network' | 'address' | 'user_id'

const TIES: Readonly<Record<string, Tie>> = {
  'aws:principalaccount': 'account',
  'aws:sourceaccount': 'account',
  'aws:sourceowner': 'account',
  'aws:vpceaccount': 'account',
  // https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account
  'kms:calleraccount': 'account',
  's3:dataaccesspointaccount': 'account',
  'aws:principalarn': 'arn',
  'aws:sourcearn': 'arn',
  's3:dataaccesspointarn': 'arn',
  'aws:principalorgid': 'organization',
  'aws:sourceorgid': 'organization',
  'aws:vpceorgid': 'organization',
  'aws:principalorgpaths': 'organization_path',
  'aws:sourceorgpaths': 'organization_path',
  'aws:vpceorgpaths': 'organization_path',
  'aws:sourcevpc': 'network',
  'aws:sourcevpce': 'network',
  'aws:sourceip': 'address',
  'aws:userid': 'user_id',
}

/**
 * Keys whose value any caller can have: what he sends, when and how, what he puts on principals of his own (`aws:PrincipalTag`), or what
 * belongs to the resource and not to him (`aws:ResourceAccount`).
 */
const FREE_KEYS = new Set(
  [
    'aws:calledvia aws:calledviafirst aws:calledvialast aws:currenttime aws:epochtime aws:multifactorauthage aws:multifactorauthpresent',
    'aws:principaltype aws:referer aws:requestedregion aws:resourceaccount aws:resourceorgid aws:resourceorgpaths aws:securetransport',
    'aws:tagkeys aws:tokenissuetime aws:useragent aws:username aws:viaawsservice',
  ].flatMap((keys) => keys.split(' ')),
)
const FREE_PREFIXES = ['aws:principaltag/', 'aws:requesttag/', 'aws:resourcetag/', 'kms:', 's3:']

const ACCOUNT = /^\d{12}$/
const ORGANIZATION = /^o-[a-z0-9]{10,32}$/
const ORGANIZATION_PATH = /^(?<organization>o-[a-z0-9]{10,32})\//
const NETWORK = /^vpce?-[0-9a-f]+$/
/** The account ID, or a bucket, which has a name of its own and no account in its ARN. */
const ARN = /^arn:[\w*?-]+:(?:s3:::[^*?:/]+(?:\/.*)?|[^:]*:[^:]*:(?<account>\d{12}):.*)$/
const USER_ID = /^(?:\d{12}|A[A-Z]{3}[A-Z0-9]{12,})(?::.*)?$/
const CIDR = /^(?<address>[0-9a-f.:]+)(?:\/(?<bits>\d{1,3}))?$/i
/** A wider block is nobody's own: a /8 is the most that one holder ever got. https://www.iana.org/assignments/ipv4-address-space */
const IPV4_PREFIX_BITS_MIN = 8
const IPV6_PREFIX_BITS_MIN = 32

const ANY: Known = { kind: 'any' }
const FOREIGN: ReadonlyMap<string, Known> = new Map(
  Object.entries(TIES).map(([key, tie]) => [key, { kind: 'foreign', isFixed: (value, hasWildcards) => isFixed(tie, value, hasWildcards) }]),
)

/** What a key is to somebody of whom nothing is known; undefined: this code does not know the key. */
export function foreignKey(key: string): Known | undefined {
  return FOREIGN.get(key) ?? (isFree(key) ? ANY : undefined)
}

/** What a key is to somebody whose account is known, as far as it does not say whose he is. */
export function insideKey(key: string): Known | undefined {
  return FOREIGN.has(key) || isFree(key) ? ANY : undefined
}

/** The accounts and organizations that values of this key name; null: the key is no tie to any, such as a network. */
export function namedBy(key: string, values: readonly string[]): readonly string[] | null {
  switch (tieOf(key)) {
    case 'account':
    case 'organization':
      return values
    case 'arn':
      return everyOne(values.map((value) => ARN.exec(value)?.groups?.['account']))
    case 'organization_path':
      return everyOne(values.map((value) => ORGANIZATION_PATH.exec(value)?.groups?.['organization']))
    case 'network':
    case 'address':
    case 'user_id':
    case undefined:
      return null
  }
}

/** The same for keys that say who calls, and not which way he comes, such as through an endpoint of somebody's (`aws:VpceAccount`). */
export function callersNamedBy(key: string, values: readonly string[]): readonly string[] | null {
  return key.startsWith('aws:principal') || key === 'kms:calleraccount' ? namedBy(key, values) : null
}

function everyOne(texts: readonly (string | undefined)[]): readonly string[] | null {
  return texts.every((text) => text !== undefined) ? texts : null
}

function tieOf(key: string): Tie | undefined {
  return Object.hasOwn(TIES, key) ? TIES[key] : undefined
}

function isFree(key: string): boolean {
  return FREE_KEYS.has(key) || FREE_PREFIXES.some((prefix) => key.startsWith(prefix))
}

/** Where an operator knows no wildcards, `*` is a plain character that no request has. */
function isFixed(tie: Tie, value: string, hasWildcards: boolean): boolean {
  if (!hasWildcards && tie !== 'address') return true
  switch (tie) {
    case 'account':
      return ACCOUNT.test(value)
    case 'organization':
      return ORGANIZATION.test(value)
    case 'organization_path':
      return ORGANIZATION_PATH.test(value)
    case 'network':
      return NETWORK.test(value)
    case 'arn':
      return ARN.test(value)
    case 'user_id':
      return USER_ID.test(value)
    case 'address':
      return isNarrow(value)
  }
}

function isNarrow(value: string): boolean {
  const { address = '', bits } = CIDR.exec(value)?.groups ?? {}
  if (address === '') return false
  return bits === undefined || Number(bits) >= (address.includes(':') ? IPV6_PREFIX_BITS_MIN : IPV4_PREFIX_BITS_MIN)
}
