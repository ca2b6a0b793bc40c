import type { Observed } from '../../observed.ts'
import { parsePolicy } from '../../rules/policy/document.ts'
import type { StateOf } from '../aspect.ts'
import type { Ground, Guarded } from '../planner.ts'
import type { GuardPort } from '../ports.ts'

/** With a Bucket Key the encryption context is the ARN of the bucket. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html */
const OBJECT_CONTEXT = 'kms:encryptioncontext:aws:s3:arn'

/** Whether a Bucket Key would shut out whom the key policy lets in by the object in the encryption context. */
export async function guardBucketKey(
  { value }: StateOf<'bucket-encryption'>,
  { resource }: Pick<Ground, 'resource'>,
  ports: Pick<GuardPort, 'keyStanding' | 'keyPolicy'>,
): Promise<Guarded> {
  const keys = [...new Set(value.flatMap(({ isBucketKeyEnabled, key }) => (isBucketKeyEnabled && key !== null ? [key] : [])))]
  const answers = await Promise.all(
    keys.map(async (key): Promise<Guarded> => {
      const standing = await ports.keyStanding(key, resource.region)
      if (!standing.known) return { kind: 'unread', unread: [standing] }
      if (standing.value === null) return { kind: 'held', reasons: [`KMS knows no key ${key}`] }
      return byPolicy(standing.value.keyArn, await ports.keyPolicy(standing.value.keyArn))
    }),
  )
  return together(answers)
}

/** A policy that names objects in the encryption context stops fitting: their readers would be refused. */
function byPolicy(keyArn: string, text: Observed<string>): Guarded {
  if (!text.known) return { kind: 'unread', unread: [text] }
  const policy = parsePolicy(text.value)
  if (policy === null) return { kind: 'held', reasons: [`the policy of ${keyArn} is not understood`] }
  const isBound = policy.statements.some(({ conditions }) => conditions.some(({ key }) => key === OBJECT_CONTEXT))
  return isBound
    ? { kind: 'held', reasons: [`the policy of ${keyArn} has a condition on kms:EncryptionContext:aws:s3:arn, which a Bucket Key changes`] }
    : { kind: 'clear' }
}

function together(answers: readonly Guarded[]): Guarded {
  const reasons = answers.flatMap((answer) => (answer.kind === 'held' ? answer.reasons : []))
  const unread = answers.flatMap((answer) => (answer.kind === 'unread' ? answer.unread : []))
  if (unread.length > 0) return { kind: 'unread', unread }
  return reasons.length > 0 ? { kind: 'held', reasons } : { kind: 'clear' }
}
