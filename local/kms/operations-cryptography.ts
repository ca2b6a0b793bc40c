import { algorithm, ciphertextBlob, dryRun, encrypted, encryptingKey, ignoresCiphertext, opened, withoutRecipient } from './cryptography.ts'
import { encryptionContext } from './encryption-context.ts'
import { blob, flag, required } from './input.ts'
import { keyNameText, requiredKeyName } from './key-names.ts'
import type { Operation } from './operation.ts'
import { accepted, type Checked, together, withResources } from './outcome.ts'
import { namedMaterial } from './usable-key.ts'

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
  const { name, plaintext, isDryRun, ...how } = request.value
  const found = encryptingKey(stores, call, name, how, plaintext.length)
  if (!found.ok) return found
  const { keyArn } = found.value.key
  if (isDryRun) return dryRun([keyArn])
  const ciphertext = encrypted(found.value, how, plaintext)
  return accepted({
    output: { CiphertextBlob: ciphertext.toString('base64'), KeyId: keyArn, EncryptionAlgorithm: how.algorithm },
    resourceArns: [keyArn],
    additionalEventData: namedMaterial('keyMaterialId', found.value),
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
  const { key, plaintext } = source.value
  if (request.value.isDryRun) return dryRun([key.keyArn])
  return accepted({
    output: {
      KeyId: key.keyArn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: request.value.algorithm,
      ...namedMaterial('KeyMaterialId', source.value),
    },
    resourceArns: [key.keyArn],
    additionalEventData: namedMaterial('keyMaterialId', source.value),
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
  const how = { context: destinationContext, algorithm: destinationAlgorithm }
  const destination = encryptingKey(stores, call, destinationName, how, source.value.plaintext.length)
  // A record names the source before the destination, so a destination never stands there alone.
  if (!destination.ok) return withResources(destination, [sourceArn, ...destination.refusal.resourceArns])
  const { keyArn } = destination.value.key
  const resourceArns = [sourceArn, keyArn]
  if (request.value.isDryRun) return dryRun(resourceArns)
  const ciphertext = encrypted(destination.value, how, source.value.plaintext)
  return accepted({
    output: {
      CiphertextBlob: ciphertext.toString('base64'),
      SourceKeyId: sourceArn,
      KeyId: keyArn,
      SourceEncryptionAlgorithm: request.value.algorithm,
      DestinationEncryptionAlgorithm: destinationAlgorithm,
      ...namedMaterial('SourceKeyMaterialId', source.value),
      ...namedMaterial('DestinationKeyMaterialId', destination.value),
    },
    resourceArns,
    additionalEventData: {
      ...namedMaterial('sourceKeyMaterialId', source.value),
      ...namedMaterial('destinationKeyMaterialId', destination.value),
    },
  })
}

function ciphertextUnless(ignored: Checked<boolean>, ciphertext: Checked<Buffer | null>): Checked<Buffer | null> {
  if (!ignored.ok) return ignored
  return ignored.value ? accepted(null) : required('CiphertextBlob', ciphertext)
}
