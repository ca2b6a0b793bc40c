import { type KmsKeyArn, parseKmsKeyArn } from '../arn.ts'
import { EnvelopeError } from './errors.ts'

/** Which keys of other people's messages may be asked: without a filter, a message would choose whose KMS is called. */
export type Discovery = {
  /** Such as `aws`. */
  readonly partition: string
  /** Account IDs, one at least. */
  readonly accounts: readonly string[]
  /** Only keys of this Region are asked, and multi-Region keys through their replica in it. */
  readonly region?: string
}

/** The key to ask for a data key whose message names `named`; null: none. */
export type KeyChoice = (named: KmsKeyArn) => KmsKeyArn | null

type ArnParts = { readonly partition: string; readonly region: string; readonly accountId: string; readonly resource: string }

/** Related by https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html: replicas share ID and key material. */
const MULTI_REGION_PREFIX = 'key/mrk-'
const ACCOUNT_ID = /^\d{12}$/
const NAME = /^[a-z][a-z0-9-]*$/

/** @throws EnvelopeError `key-arn`: Decrypt can only be held to a key by its ARN, and an alias may point elsewhere tomorrow */
export function requireKeyArn(option: string, value: unknown): KmsKeyArn {
  const arn = parseKmsKeyArn(value)
  if (arn !== null) return arn
  const alias = typeof value === 'string' && /(?:^|:)alias\//.test(value)
  throw new EnvelopeError('key-arn', `${option} must be the ARN of a KMS key (arn:…:key/…)${alias ? ', not an alias' : ''}`)
}

/** The keys that were named, or replicas of theirs that the message names. */
export function strictChoice(keyArns: readonly KmsKeyArn[]): KeyChoice {
  return (named) => keyArns.find((own) => own === named) ?? keyArns.find((own) => related(own, named)) ?? null
}

/** @throws EnvelopeError `options` for a filter that filters nothing */
export function discoveryChoice({ partition, accounts, region }: Discovery): KeyChoice {
  if (!NAME.test(partition)) throw new EnvelopeError('options', 'discovery needs a partition, such as aws')
  if (accounts.length === 0 || !accounts.every((account) => ACCOUNT_ID.test(account))) {
    throw new EnvelopeError('options', 'discovery needs account IDs of twelve digits, one at least')
  }
  if (region !== undefined && !NAME.test(region))
    throw new EnvelopeError('options', 'the region of discovery must be a Region, such as eu-central-1')
  return (named) => {
    const parts = partsOf(named)
    if (parts.partition !== partition || !accounts.includes(parts.accountId)) return null
    if (region === undefined || parts.region === region) return named
    return isMultiRegion(parts) ? parseKmsKeyArn(`arn:${partition}:kms:${region}:${parts.accountId}:${parts.resource}`) : null
  }
}

function related(a: KmsKeyArn, b: KmsKeyArn): boolean {
  const [one, other] = [partsOf(a), partsOf(b)]
  const same = one.partition === other.partition && one.accountId === other.accountId && one.resource === other.resource
  return same && isMultiRegion(one)
}

function isMultiRegion({ resource }: ArnParts): boolean {
  return resource.startsWith(MULTI_REGION_PREFIX)
}

function partsOf(arn: KmsKeyArn): ArnParts {
  const [, partition = '', , region = '', accountId = '', resource = ''] = arn.split(':')
  return { partition, region, accountId, resource }
}
