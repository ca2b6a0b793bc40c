import type { JsonObject } from '../../shared/json.ts'
import { choice, text } from './input.ts'
import { KEY_ORIGINS, KEY_SPECS, KEY_USAGES, type KeyKind, type KeySpec, SYMMETRIC, usagesOf } from './key-specs.ts'
import { accepted, type Checked, refuse, type Refused, refuseRequest, together } from './outcome.ts'

/** What AWS has and the local cloud has not. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html */
export const OTHER_KEY_SPECS = [
  'ECC_NIST_EDWARDS25519',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ML_KEM_512',
  'ML_KEM_768',
  'ML_KEM_1024',
  'SM2',
] as const
const OTHER_KEY_USAGES = ['ENCAPSULATE_DECAPSULATE'] as const
const OTHER_ORIGINS = ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const
/** XksKeyId, the longer of the two. */
const STORE_LENGTH = { lengthMax: 128 }

/** The kind of key that CreateKey is to make. */
export function newKeyKind(input: JsonObject): Checked<KeyKind> {
  const request = together({
    spec: requestedSpec(input),
    usage: ours(input, 'KeyUsage', KEY_USAGES, OTHER_KEY_USAGES),
    origin: ours(input, 'Origin', KEY_ORIGINS, OTHER_ORIGINS),
    keyStore: nothing(input, 'CustomKeyStoreId'),
    externalKey: nothing(input, 'XksKeyId'),
  })
  if (!request.ok) return request
  const { spec, usage: requestedUsage } = request.value
  const origin = request.value.origin ?? 'AWS_KMS'
  const usages = usagesOf(spec)
  const usage = requestedUsage ?? (spec === SYMMETRIC ? usages[0] : undefined)
  // As recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json
  if (usage === undefined) {
    return refuseRequest('ValidationException', 'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.')
  }
  if (!usages.includes(usage)) return refuseRequest('ValidationException', `KeyUsage ${usage} is not compatible with KeySpec ${spec}`)
  if (origin === 'EXTERNAL' && spec !== SYMMETRIC) {
    return refuse('UnsupportedOperationException', `The local cloud imports no key material of KeySpec ${spec}.`)
  }
  return accepted({ spec, usage, origin })
}

/** `KeySpec`, or `CustomerMasterKeySpec` as it was called. */
function requestedSpec(input: JsonObject): Checked<KeySpec> {
  const request = together({
    spec: ours(input, 'KeySpec', KEY_SPECS, OTHER_KEY_SPECS),
    formerSpec: ours(input, 'CustomerMasterKeySpec', KEY_SPECS, OTHER_KEY_SPECS),
  })
  if (!request.ok) return request
  const { spec, formerSpec } = request.value
  if (spec !== null && formerSpec !== null) {
    return refuseRequest('ValidationException', 'You cannot specify KeySpec and CustomerMasterKeySpec in the same request.')
  }
  return accepted(spec ?? formerSpec ?? SYMMETRIC)
}

function ours<Known extends string>(
  input: JsonObject,
  member: string,
  known: readonly Known[],
  others: readonly string[],
): Checked<Known | null> {
  const chosen = choice<string>(input, member, [...known, ...others])
  if (!chosen.ok) return chosen
  const found = known.find((each) => each === chosen.value) ?? null
  return found === null && chosen.value !== null ? notHere(member, chosen.value) : accepted(found)
}

function nothing(input: JsonObject, member: string): Checked<null> {
  const value = text(input, member, STORE_LENGTH)
  if (!value.ok) return value
  return value.value === null ? accepted(null) : notHere(member, value.value)
}

function notHere(member: string, value: string): Refused {
  return refuse('UnsupportedOperationException', `The local cloud has no keys with ${member} ${value}.`)
}
