import { seal } from './ciphertext.ts'
import { algorithm, ciphertextBlob, dryRun, ignoresCiphertext, opened, SYMMETRIC, usableKey, withoutRecipient } from './cryptography.ts'
import { encryptionContext } from './encryption-context.ts'
import { blob, flag, required } from './input.ts'
import { keyNameText, requiredKeyName } from './key-names.ts'
import type { Operation } from './operation.ts'
import { accepted, type Checked, together, withResources } from './outcome.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html#KMS-Encrypt-request-Plaintext */
const PLAINTEXT_BYTES = { bytesMin: 1, bytesMax: 4096 }

export const encrypt: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    plaintext: required('Plaintext', blob(input, 'Plaintext', PLAINTEXT_BYTES)),
    context: encryptionContext(input, 'EncryptionContext'),
    algorithm: algorithm(input, 'EncryptionAlgorithm'),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const found = usableKey(stores, call, request.value.name, request.value.algorithm)
  if (!found.ok) return found
  const { key, material } = found.value
  if (request.value.isDryRun) return dryRun([key.keyArn])
  const ciphertext = seal(key.keyArn, material, request.value.context, request.value.plaintext)
  return accepted({
    output: { CiphertextBlob: ciphertext.toString('base64'), KeyId: key.keyArn, EncryptionAlgorithm: SYMMETRIC },
    resourceArns: [key.keyArn],
    additionalEventData: { keyMaterialId: material.materialId },
  })
}

export const decrypt: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    blob: ciphertextUnless(ignoresCiphertext(input), ciphertextBlob(input)),
    name: keyNameText(input, 'KeyId'),
    context: encryptionContext(input, 'EncryptionContext'),
    algorithm: algorithm(input, 'EncryptionAlgorithm'),
    isDryRun: flag(input, 'DryRun'),
    recipient: withoutRecipient(input),
  })
  if (!request.ok) return request
  const source = opened(stores, call, request.value)
  if (!source.ok) return source
  const { key, material, plaintext } = source.value
  if (request.value.isDryRun) return dryRun([key.keyArn])
  return accepted({
    output: {
      KeyId: key.keyArn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: SYMMETRIC,
      KeyMaterialId: material.materialId,
    },
    resourceArns: [key.keyArn],
    additionalEventData: { keyMaterialId: material.materialId },
  })
}

export const reEncrypt: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    blob: ciphertextUnless(ignoresCiphertext(input), ciphertextBlob(input)),
    name: keyNameText(input, 'SourceKeyId'),
    context: encryptionContext(input, 'SourceEncryptionContext'),
    algorithm: algorithm(input, 'SourceEncryptionAlgorithm'),
    destinationName: requiredKeyName(input, 'DestinationKeyId'),
    destinationContext: encryptionContext(input, 'DestinationEncryptionContext'),
    destinationAlgorithm: algorithm(input, 'DestinationEncryptionAlgorithm'),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const { destinationName, destinationContext, destinationAlgorithm } = request.value
  const source = opened(stores, call, request.value)
  if (!source.ok) return source
  const sourceArn = source.value.key.keyArn
  const destination = usableKey(stores, call, destinationName, destinationAlgorithm)
  // A record names the source before the destination, so a destination never stands there alone.
  if (!destination.ok) return withResources(destination, [sourceArn, ...destination.refusal.resourceArns])
  const { key, material } = destination.value
  const resourceArns = [sourceArn, key.keyArn]
  if (request.value.isDryRun) return dryRun(resourceArns)
  const ciphertext = seal(key.keyArn, material, destinationContext, source.value.plaintext)
  const sourceMaterialId = source.value.material.materialId
  return accepted({
    output: {
      CiphertextBlob: ciphertext.toString('base64'),
      SourceKeyId: sourceArn,
      KeyId: key.keyArn,
      SourceEncryptionAlgorithm: SYMMETRIC,
      DestinationEncryptionAlgorithm: SYMMETRIC,
      SourceKeyMaterialId: sourceMaterialId,
      DestinationKeyMaterialId: material.materialId,
    },
    resourceArns,
    additionalEventData: { sourceKeyMaterialId: sourceMaterialId, destinationKeyMaterialId: material.materialId },
  })
}

function ciphertextUnless(ignored: Checked<boolean>, ciphertext: Checked<Buffer | null>): Checked<Buffer | null> {
  if (!ignored.ok) return ignored
  return ignored.value ? accepted(null) : required('CiphertextBlob', ciphertext)
}
