import { randomBytes } from 'node:crypto'
import { type JsonObject, memberOf } from '../../shared/json.ts'
import { seal } from './ciphertext.ts'
import { dryRun, SYMMETRIC, usableKey, withoutRecipient } from './cryptography.ts'
import { encryptionContext } from './encryption-context.ts'
import { choice, flag, integer, required } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import type { Operation } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html#KMS-GenerateDataKey-request-NumberOfBytes */
const NUMBER_OF_BYTES = { min: 1, max: 1024 }
const DATA_KEY_BYTES = { AES_256: 32, AES_128: 16 } as const
const DATA_KEY_SPECS = ['AES_256', 'AES_128'] as const

/** `KeySpec` or `NumberOfBytes`, one of the two. */
function dataKeyBytes(input: JsonObject): Checked<number> {
  const keySpec = choice(input, 'KeySpec', DATA_KEY_SPECS)
  if (!keySpec.ok) return keySpec
  const numberOfBytes = integer(input, 'NumberOfBytes', NUMBER_OF_BYTES)
  if (!numberOfBytes.ok) return numberOfBytes
  if ((keySpec.value === null) === (numberOfBytes.value === null)) {
    return refuseRequest('ValidationException', 'Please specify either number of bytes or key spec.')
  }
  return accepted(keySpec.value === null ? (numberOfBytes.value ?? 0) : DATA_KEY_BYTES[keySpec.value])
}

function dataKeyMaker(answersPlaintext: boolean): Operation {
  return (stores, call) => {
    const { input } = call
    const request = together({
      name: requiredKeyName(input, 'KeyId'),
      bytes: dataKeyBytes(input),
      context: encryptionContext(input, 'EncryptionContext'),
      isDryRun: flag(input, 'DryRun'),
      recipient: withoutRecipient(input),
    })
    if (!request.ok) return request
    const found = usableKey(stores, call, request.value.name, SYMMETRIC)
    if (!found.ok) return found
    const { key, material } = found.value
    if (request.value.isDryRun) return dryRun([key.keyArn])
    const dataKey = randomBytes(request.value.bytes)
    const ciphertext = seal(key.keyArn, material, request.value.context, dataKey)
    return accepted({
      output: {
        CiphertextBlob: ciphertext.toString('base64'),
        ...(answersPlaintext ? { Plaintext: dataKey.toString('base64') } : {}),
        KeyId: key.keyArn,
        KeyMaterialId: material.materialId,
      },
      resourceArns: [key.keyArn],
      additionalEventData: { keyMaterialId: material.materialId },
    })
  }
}

export const generateDataKey = dataKeyMaker(true)
export const generateDataKeyWithoutPlaintext = dataKeyMaker(false)

export const generateRandom: Operation = (_stores, { input }) => {
  const request = together({
    numberOfBytes: required('NumberOfBytes', integer(input, 'NumberOfBytes', NUMBER_OF_BYTES)),
    recipient: withoutRecipient(input),
  })
  if (!request.ok) return request
  if ((memberOf(input, 'CustomKeyStoreId') ?? null) !== null) {
    return refuse('CustomKeyStoreNotFoundException', 'The local cloud has no custom key stores.')
  }
  return accepted({ output: { Plaintext: randomBytes(request.value.numberOfBytes).toString('base64') }, resourceArns: [] })
}
