import { isJsonObject, type JsonObject, parsedJson } from '../../json.ts'
import type { Resource } from '../../rules/rule.ts'
import { meansTheSame } from '../meaning.ts'
import type { Planned, Planner } from '../planner.ts'
import { policyStateOf } from './states.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html: "Bucket policies are limited to 20 KB in size." */
const POLICY_BYTES_MAX = 20_480
const SID = 'KeytrailDenyPlainHttp'
const VERSION = '2012-10-17'

/** Adds one statement to the bucket policy, and leaves all others as they are. */
export const tlsOnlyPlanner: Planner = {
  aspect: 'bucket-policy',
  facts: [],
  plan({ state, resource }): Planned {
    const { value: text } = policyStateOf(state)
    const document = text === null ? { Version: VERSION, Statement: [] } : parsedJson(text)
    if (!isJsonObject(document) || !('Statement' in document)) return refused('the bucket policy is not understood')
    const found = document['Statement']
    const statements: readonly unknown[] = Array.isArray(found) ? found : [found]
    const own = statements.filter((statement) => isJsonObject(statement) && statement['Sid'] === SID)
    const written = { ...document, Statement: [denialFor(resource)] }
    if (own.length > 0 && isSame({ ...document, Statement: own }, written)) return { kind: 'nothing' }
    // It stands there and does not do what it did: somebody meant that.
    if (own.length > 0) return refused(`somebody changed the statement ${SID} that Keytrail wrote: change it back, or take it out`)
    const value = JSON.stringify({ ...document, Statement: [...statements, denialFor(resource)] })
    const bytes = Buffer.byteLength(value)
    return bytes > POLICY_BYTES_MAX
      ? refused(`the bucket policy would have ${bytes} bytes, of ${POLICY_BYTES_MAX} that S3 takes: shorten it first`)
      : {
          kind: 'change',
          after: { aspect: 'bucket-policy', value },
          summary: `denies plain HTTP by the statement ${SID} in the bucket policy`,
        }
  },
  async guard(_, { resource }, ports) {
    const isWebsite = await ports.isWebsite(resource)
    if (!isWebsite.known) return { kind: 'unread', unread: [isWebsite] }
    return isWebsite.value
      ? {
          kind: 'held',
          reasons: ['the bucket answers as a website, which speaks plain HTTP only: say requiresTls: false for it in keytrail.yml'],
        }
      : { kind: 'clear' }
  },
}

/**
 * Services do not tell how their requests came, so that a denial without the second condition shuts them out.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
 * Of anonymous requests it is not told whether a service makes them, so that only IfExists binds them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
 */
function denialFor({ arn }: Resource): JsonObject {
  return {
    Sid: SID,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' }, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } },
  }
}

function isSame(one: JsonObject, other: JsonObject): boolean {
  return meansTheSame({ aspect: 'bucket-policy', value: JSON.stringify(one) }, { aspect: 'bucket-policy', value: JSON.stringify(other) })
}

function refused(reason: string): Planned {
  return { kind: 'refused', reason }
}
