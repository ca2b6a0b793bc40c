import type { Observed } from '../../observed.ts'
import type { BucketKeyStanding, S3BucketFacts } from '../../rules/facts.ts'
import { listed } from '../../rules/listed.ts'
import { principalsOf } from '../../rules/policy/principal.ts'
import type { PolicyDocument } from '../../rules/policy/document.ts'
import type { Resource } from '../../rules/rule.ts'
import { usesKms } from '../../rules/s3/algorithms.ts'
import type { StateOf } from '../aspect.ts'
import type { Ground, Guarded } from '../planner.ts'
import type { GuardPort } from '../ports.ts'
import { guardBucketKey } from './bucket-key-guard.ts'
import { bucketFact } from './facts.ts'

/** Whether a default encryption under a KMS key would shut out who reads or writes: SSE-S3 asks nobody for a key. */
export async function guardKms(after: StateOf<'bucket-encryption'>, ground: Ground, ports: GuardPort): Promise<Guarded> {
  const byKey = await guardKey(after, ground, ports)
  return byKey.kind === 'clear' ? guardBucketKey(after, ground, ports) : byKey
}

async function guardKey({ value }: StateOf<'bucket-encryption'>, { resource, facts }: Ground, ports: GuardPort): Promise<Guarded> {
  const rules = value.filter(({ algorithm }) => algorithm !== null && usesKms({ algorithm }))
  if (rules.length === 0) return { kind: 'clear' }
  const policy = bucketFact(facts, 'policy')
  const keys = [...new Set(rules.flatMap(({ key }) => (key === null ? [] : [key])))]
  const standings = await Promise.all(keys.map((key) => ports.keyStanding(key, resource.region)))
  const unread = [policy, ...standings].filter((fact) => !fact.known)
  if (unread.length > 0) return { kind: 'unread', unread }
  const reasons = [
    ...standings.flatMap((standing, index) => keyReasons(keys[index] ?? '', known(standing), resource)),
    ...strangerReasons(known(policy), resource),
    ...(keys.length < rules.length ? ['no key is named: the AWS managed key shuts out other accounts, and nobody can set its policy'] : []),
  ]
  return reasons.length > 0 ? { kind: 'held', reasons } : { kind: 'clear' }
}

function keyReasons(name: string, standing: BucketKeyStanding | null, { accountId, region }: Resource): readonly string[] {
  if (standing === null) return [`KMS knows no key ${name}`]
  return [
    ...(standing.state === 'Enabled' ? [] : [`the state of the key ${name} is ${standing.state}`]),
    ...(standing.spec === 'SYMMETRIC_DEFAULT' ? [] : [`the key ${name} is ${standing.spec}, and S3 takes symmetric encryption keys only`]),
    ...(standing.accountId === accountId ? [] : [`the key ${name} belongs to account ${standing.accountId}`]),
    ...(standing.region === region ? [] : [`the key ${name} is in ${standing.region}, the bucket in ${region}`]),
  ]
}

/** Everybody outside the account whom the bucket lets in would need the key too. */
function strangerReasons(policy: S3BucketFacts['policy'], resource: Resource): readonly string[] {
  if (policy === null) return []
  if (policy === 'unreadable') return ['the bucket policy is not understood']
  const strangers = strangersIn(policy, resource)
  return strangers.length === 0 ? [] : [`the bucket policy lets in ${listed(strangers)}, who may not use the key`]
}

function strangersIn(policy: PolicyDocument, { accountId }: Resource): readonly string[] {
  const named = policy.statements.filter(({ effect }) => effect === 'Allow').flatMap(({ principals }) => principalsOf(principals))
  const strangers = named.flatMap((principal) => {
    switch (principal.kind) {
      case 'everyone':
        return ['everybody']
      case 'service':
        return [principal.name]
      case 'account':
        return principal.accountId === accountId ? [] : [`account ${principal.accountId}`]
      case 'unrecognised':
        return ['a principal of unknown form']
      case 'gone':
        return []
    }
  })
  return [...new Set(strangers)]
}

/** @throws if it was not read: that was looked at before */
function known<Value>(fact: Observed<Value>): Value {
  if (fact.known) return fact.value
  throw new Error(`${fact.action} was not read`)
}
