import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { text } from './input.ts'
import { partitionOf, type Place } from './key-names.ts'
import { accepted, type Checked, refuse } from './outcome.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const POLICY_BYTES_MAX = 32_768
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html#KMS-PutKeyPolicy-request-Policy */
const POLICY_LENGTH_MAX = 131_072
const POLICY_CHARACTERS = /^[\t\n\r\u0020-\u00FF]+$/

/** `Policy` of a request; null if it has none. Who may do what is not judged here: the text is kept. */
export function keyPolicy(input: JsonObject): Checked<string | null> {
  const policy = text(input, 'Policy', { lengthMax: POLICY_LENGTH_MAX, pattern: POLICY_CHARACTERS })
  if (!policy.ok || policy.value === null) return policy
  if (Buffer.byteLength(policy.value, 'utf8') > POLICY_BYTES_MAX) {
    return refuse('LimitExceededException', `A key policy can have ${POLICY_BYTES_MAX} bytes at most.`)
  }
  return isPolicy(policy.value) ? policy : refuse('MalformedPolicyDocumentException', 'The new key policy is no policy document.')
}

function isPolicy(policy: string): boolean {
  try {
    const document: unknown = JSON.parse(policy)
    const statement = isJsonObject(document) ? memberOf(document, 'Statement') : undefined
    return isJsonObject(statement) || Array.isArray(statement)
  } catch {
    return false
  }
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html: the account, and with it its IAM policies, may do all. */
export function defaultKeyPolicy(place: Place): string {
  const policy = {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:${partitionOf(place)}:iam::${place.accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  }
  return JSON.stringify(policy, null, 2)
}

/** The only name a key policy can have. */
export const POLICY_NAME = 'default'
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html#KMS-GetKeyPolicy-request-PolicyName */
const POLICY_NAME_LENGTH_MAX = 128

export function policyName(input: JsonObject): Checked<null> {
  const name = text(input, 'PolicyName', { lengthMax: POLICY_NAME_LENGTH_MAX, pattern: /^\w+$/ })
  if (!name.ok) return name
  return name.value === null || name.value === POLICY_NAME ? accepted(null) : refuse('NotFoundException', 'No such policy exists')
}
