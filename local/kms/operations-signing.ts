import type { JsonObject } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { dryRun, withoutRecipient } from './cryptography.ts'
import { blob, choice, flag, required } from './input.ts'
import { digestBytesOf, digestOf, isSignature, publicKeyOf, sharedSecret, signDigest } from './key-pairs.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm, SPECIFICATIONS } from './key-specs.ts'
import { requiredKeyName } from './key-names.ts'
import { metadataAlgorithms } from './metadata.ts'
import { findKey, type Operation, type Stores } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'
import { type UsableKey, usableKey } from './usable-key.ts'

/** "Messages can be 0-4096 bytes." https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html#KMS-Sign-request-Message */
const MESSAGE_BYTES = { bytesMin: 0, bytesMax: 4096 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html#KMS-Verify-request-Signature */
const SIGNATURE_BYTES = { bytesMin: 1, bytesMax: 6144 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html#KMS-DeriveSharedSecret-request-PublicKey */
const PUBLIC_KEY_BYTES = { bytesMin: 1, bytesMax: 8192 }
const MESSAGE_TYPES = ['RAW', 'DIGEST', 'EXTERNAL_MU'] as const
const OTHER_SIGNING_ALGORITHMS = ['ED25519_SHA_512', 'ED25519_PH_SHA_512', 'ML_DSA_SHAKE_256', 'SM2DSA'] as const
const AGREEMENT = 'ECDH'

type SigningRequest = UsableKey & { readonly digest: Uint8Array; readonly algorithm: SigningAlgorithm; readonly isDryRun: boolean }

/** What Sign and Verify have in common: a key that signs, and the digest of the message. */
function signingRequest(stores: Stores, call: ServiceCall): Checked<SigningRequest> {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    message: required('Message', blob(input, 'Message', MESSAGE_BYTES)),
    messageType: choice(input, 'MessageType', MESSAGE_TYPES),
    algorithm: signingAlgorithm(input),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const { name, algorithm, isDryRun } = request.value
  const found = usableKey(stores, call, name, { usage: 'SIGN_VERIFY', algorithm })
  if (!found.ok) return found
  const digest = messageDigest(request.value.message, request.value.messageType ?? 'RAW', algorithm)
  return digest.ok ? accepted({ ...found.value, digest: digest.value, algorithm, isDryRun }) : digest
}

function signingAlgorithm(input: JsonObject): Checked<SigningAlgorithm> {
  const name = 'SigningAlgorithm'
  const chosen = required(name, choice<string>(input, name, [...SIGNING_ALGORITHMS, ...OTHER_SIGNING_ALGORITHMS]))
  if (!chosen.ok) return chosen
  const algorithm = SIGNING_ALGORITHMS.find((known) => known === chosen.value)
  return algorithm === undefined
    ? refuse('UnsupportedOperationException', `The local cloud has no keys for ${chosen.value}.`)
    : accepted(algorithm)
}

function messageDigest(message: Buffer, type: (typeof MESSAGE_TYPES)[number], algorithm: SigningAlgorithm): Checked<Uint8Array> {
  switch (type) {
    case 'RAW':
      return accepted(digestOf(algorithm, message))
    case 'DIGEST':
      // Message as recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/kms/test_kms.snapshot.json
      return message.length === digestBytesOf(algorithm)
        ? accepted(message)
        : refuseRequest('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`)
    case 'EXTERNAL_MU':
      return refuseRequest('ValidationException', 'MessageType EXTERNAL_MU is for ML-DSA keys only.')
  }
}

export const sign: Operation = (stores, call) => {
  const request = signingRequest(stores, call)
  if (!request.ok) return request
  const { key, material, digest, algorithm, isDryRun } = request.value
  const { keyArn } = key
  if (isDryRun) return dryRun([keyArn])
  const signature = signDigest(key.spec, material.secret, algorithm, digest)
  return accepted({
    output: { KeyId: keyArn, Signature: signature.toString('base64'), SigningAlgorithm: algorithm },
    resourceArns: [keyArn],
  })
}

export const verify: Operation = (stores, call) => {
  const signature = required('Signature', blob(call.input, 'Signature', SIGNATURE_BYTES))
  if (!signature.ok) return signature
  const request = signingRequest(stores, call)
  if (!request.ok) return request
  const { key, material, digest, algorithm, isDryRun } = request.value
  const { keyArn } = key
  if (!isSignature(key.spec, material.secret, { algorithm, digest, signature: signature.value })) {
    return refuse('KMSInvalidSignatureException', '', [keyArn])
  }
  if (isDryRun) return dryRun([keyArn])
  return accepted({ output: { KeyId: keyArn, SignatureValid: true, SigningAlgorithm: algorithm }, resourceArns: [keyArn] })
}

export const getPublicKey: Operation = (stores, call) => {
  const name = requiredKeyName(call.input, 'KeyId')
  if (!name.ok) return name
  const key = findKey(stores, call, name.value)
  if (!key.ok) return key
  const { keyArn, spec, usage, materialId } = key.value
  const { family } = SPECIFICATIONS[spec]
  const secret = materialId === null ? null : (stores.keys.materials.secret(keyArn, materialId)?.secret ?? null)
  if ((family !== 'rsa' && family !== 'ecc') || secret === null) {
    return refuse('UnsupportedOperationException', `${keyArn} key spec is ${spec} which is not valid for GetPublicKey.`, [keyArn])
  }
  const output = {
    KeyId: keyArn,
    PublicKey: publicKeyOf(secret).toString('base64'),
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    KeyUsage: usage,
    ...metadataAlgorithms(key.value),
  }
  return accepted({ output, resourceArns: [keyArn] })
}

export const deriveSharedSecret: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    algorithm: required('KeyAgreementAlgorithm', choice(input, 'KeyAgreementAlgorithm', [AGREEMENT])),
    publicKey: required('PublicKey', blob(input, 'PublicKey', PUBLIC_KEY_BYTES)),
    isDryRun: flag(input, 'DryRun'),
    recipient: withoutRecipient(input),
  })
  if (!request.ok) return request
  const { name, algorithm, publicKey, isDryRun } = request.value
  const found = usableKey(stores, call, name, { usage: 'KEY_AGREEMENT', algorithm })
  if (!found.ok) return found
  const { keyArn, origin } = found.value.key
  const secret = sharedSecret(found.value.material.secret, publicKey)
  if (secret === null) return refuseRequest('ValidationException', 'The public key is none of the same curve.')
  if (isDryRun) return dryRun([keyArn])
  return accepted({
    output: { KeyId: keyArn, SharedSecret: secret.toString('base64'), KeyAgreementAlgorithm: algorithm, KeyOrigin: origin },
    resourceArns: [keyArn],
  })
}
