import type { AspectState, DefaultEncryption, RotationSetting } from '../../shared/changes/aspect.ts'
import type { Ground, Planner } from '../../shared/changes/planner.ts'
import type { GuardPort } from '../../shared/changes/ports.ts'
import { observed } from '../../shared/observed.ts'
import { DEFAULT_EXPECTATIONS, type Expectations } from '../../shared/rules/expectations.ts'
import type { BucketEncryptionRule, S3BucketFacts } from '../../shared/rules/facts.ts'
import { parsePolicy, type PolicyDocument } from '../../shared/rules/policy/document.ts'
import type { AnyFacts, Resource } from '../../shared/rules/rule.ts'
import { NOW } from '../rules/rule-cases.ts'
import { ACCOUNT, BUCKET, KEY_ARN, SSE_KMS, STANDING } from '../rules/s3/ordinary-bucket.ts'

export const BUCKET_RESOURCE: Resource = { kind: 's3_bucket', arn: BUCKET, accountId: ACCOUNT, region: 'eu-central-1' }

/** Nothing stands in the way. */
export const CLEAR: GuardPort = {
  stackOf: () => Promise.resolve(observed(null)),
  keyStanding: () => Promise.resolve(observed(STANDING)),
  keyPolicy: () => Promise.resolve(observed(JSON.stringify({ Statement: [] }))),
  isWebsite: () => Promise.resolve(observed(false)),
}

/** The text of a policy that is read as this. */
export function policyText({ statements }: PolicyDocument): string {
  const Statement = statements.map(({ sid, effect, principals, actions, resources, conditions }) => ({
    ...(sid === null ? {} : { Sid: sid }),
    Effect: effect,
    [principals.negated ? 'NotPrincipal' : 'Principal']: {
      ...(principals.aws.length > 0 ? { AWS: principals.aws } : {}),
      ...(principals.services.length > 0 ? { Service: principals.services } : {}),
      ...(principals.federated.length > 0 ? { Federated: principals.federated } : {}),
      ...(principals.canonicalUsers.length > 0 ? { CanonicalUser: principals.canonicalUsers } : {}),
    },
    [actions.negated ? 'NotAction' : 'Action']: actions.patterns,
    [resources.negated ? 'NotResource' : 'Resource']: resources.patterns,
    Condition: conditionsOf(conditions),
  }))
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

function conditionsOf(conditions: PolicyDocument['statements'][number]['conditions']): Readonly<Record<string, unknown>> {
  const written: Record<string, Record<string, readonly string[]>> = {}
  for (const { operator, key, values } of conditions) written[operator] = { ...written[operator], [key]: values }
  return written
}

/** What stands in AWS where these are its facts. */
export function stateOf({ aspect }: Planner, facts: AnyFacts): AspectState {
  switch (aspect) {
    case 'key-rotation':
      return { aspect, value: valueOf(facts, 'rotation') as RotationSetting }
    case 'bucket-encryption':
      return { aspect, value: valueOf(facts, 'encryption') as readonly BucketEncryptionRule[] }
    case 'bucket-policy': {
      const policy = valueOf(facts, 'policy') as S3BucketFacts['policy']
      return { aspect, value: policy === null ? null : policy === 'unreadable' ? 'no JSON' : policyText(policy) }
    }
  }
}

/** The facts once this stands in AWS. */
export function factsWith(facts: AnyFacts, state: AspectState): AnyFacts {
  switch (state.aspect) {
    case 'key-rotation':
      return { ...facts, rotation: observed({ ...state.value, nextAt: null }) }
    case 'bucket-encryption':
      return { ...facts, encryption: observed(state.value.map(ruleOf)) }
    case 'bucket-policy':
      return { ...facts, policy: observed(state.value === null ? null : (parsePolicy(state.value) ?? 'unreadable')) }
  }
}

function ruleOf({ algorithm, blockedTypes, ...rule }: DefaultEncryption): BucketEncryptionRule {
  return { ...rule, algorithm: algorithm ?? 'AES256', blockedTypes: blockedTypes.filter((type) => type !== 'NONE') }
}

function valueOf(facts: AnyFacts, name: string): unknown {
  const fact = facts[name]
  if (fact?.known !== true) throw new Error(`the fact ${name} is not known`)
  return fact.value
}

type BucketGround = {
  readonly facts?: Partial<S3BucketFacts>
  readonly expectations?: Partial<Expectations>
  readonly state: AspectState
}

/** A bucket under SSE-KMS with no policy, of which this differs. */
export function bucketGround({ facts = {}, expectations = {}, state }: BucketGround): Ground {
  const all: Partial<S3BucketFacts> = { encryption: [SSE_KMS], policy: null, isLogTarget: false, strongestSeen: null, ...facts }
  return {
    resource: BUCKET_RESOURCE,
    state,
    facts: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, observed(value)])),
    expectations: { ...DEFAULT_EXPECTATIONS, ...expectations },
    now: NOW,
  }
}

export function encryptionState(...value: readonly Partial<DefaultEncryption>[]): AspectState {
  const full = value.map((rule) => ({ algorithm: 'aws:kms', key: KEY_ARN, isBucketKeyEnabled: false, blockedTypes: [], ...rule }))
  return { aspect: 'bucket-encryption', value: full }
}
