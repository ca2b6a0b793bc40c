import type { DefaultEncryption, StateOf } from '../aspect.ts'
import { meansTheSame } from '../meaning.ts'
import type { Ground, Guarded, Planned, Planner } from '../planner.ts'
import { encryptionStateOf } from './states.ts'

/** What becomes of one rule of the default encryption. */
export type NextEncryption =
  | { readonly kind: 'to'; readonly value: DefaultEncryption }
  | { readonly kind: 'refused'; readonly reason: string }

/** What every bucket has that was never told otherwise. https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
const EVERY_BUCKET: DefaultEncryption = { algorithm: 'AES256', key: null, isBucketKeyEnabled: false, blockedTypes: [] }

type EncryptionPlan = {
  readonly facts: Planner['facts']
  /** Only what is wanted differs from what it was. */
  next(rule: DefaultEncryption, ground: Ground): NextEncryption
  summary(after: readonly DefaultEncryption[]): string
  guard?(after: StateOf<'bucket-encryption'>, ground: Ground, ports: Parameters<Planner['guard']>[2]): Promise<Guarded>
}

/** A planner that goes through all rules of a bucket's default encryption. */
export function encryptionPlanner({ facts, next, summary, guard }: EncryptionPlan): Planner {
  return {
    aspect: 'bucket-encryption',
    facts,
    plan(ground): Planned {
      const state = encryptionStateOf(ground.state)
      const rules = state.value.length === 0 ? [EVERY_BUCKET] : state.value
      const steps = rules.map((rule) => next(rule, ground))
      const refusal = steps.find((step) => step.kind === 'refused')
      if (refusal !== undefined) return refusal
      const value = steps.flatMap((step) => (step.kind === 'to' ? [step.value] : []))
      const after: StateOf<'bucket-encryption'> = { aspect: 'bucket-encryption', value }
      return meansTheSame(state, after) ? { kind: 'nothing' } : { kind: 'change', after, summary: summary(value) }
    },
    guard: (after, ground, ports) =>
      guard === undefined ? Promise.resolve({ kind: 'clear' }) : guard(encryptionStateOf(after), ground, ports),
  }
}

export function to(value: DefaultEncryption): NextEncryption {
  return { kind: 'to', value }
}

export function refused(reason: string): NextEncryption {
  return { kind: 'refused', reason }
}

/** The rule under another algorithm and key. A Bucket Key stays, and comes with SSE-KMS where it is wanted of new ones. */
export function encryptedWith(
  rule: DefaultEncryption,
  { algorithm, key, requiresBucketKey }: { readonly algorithm: string; readonly key: string | null; readonly requiresBucketKey: boolean },
): NextEncryption {
  // There are no Bucket Keys with SSE-S3, nor with DSSE-KMS. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
  const isBucketKeyEnabled = algorithm === 'aws:kms' && (rule.isBucketKeyEnabled || (rule.algorithm !== algorithm && requiresBucketKey))
  return to({ ...rule, algorithm, key, isBucketKeyEnabled })
}

/** Algorithms and keys, for people. */
export function encryptionsText(rules: readonly DefaultEncryption[]): string {
  return rules.map(({ algorithm, key }) => `${String(algorithm)}${key === null ? '' : ` under ${key}`}`).join(' and ')
}
