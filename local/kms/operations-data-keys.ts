import { randomBytes } from 'node:crypto'
import { type JsonObject, memberOf } from '../../shared/json.ts'
import { seal } from './ciphertext.ts'
import { dryRun, withoutRecipient } from './cryptography.ts'
import { encryptionContext } from './encryption-context.ts'
import { choice, flag, integer, required } from './input.ts'
import { requiredKeyName } from './key-names.ts'
import { publicKeyOf } from './key-pairs.ts'
import { newSecret } from './key-secrets.ts'
import { KEY_SPECS, type KeySpec, SPECIFICATIONS, SYMMETRIC } from './key-specs.ts'
import { OTHER_KEY_SPECS } from './new-key-kind.ts'
import type { Operation } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'
import { namedMaterial, usableKey } from './usable-key.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html#KMS-GenerateDataKey-request-NumberOfBytes */
const NUMBER_OF_BYTES = { min: 1, max: 1024 }
const DATA_KEY_BYTES = { AES_256: 32, AES_128: 16 } as const
/** Only symmetric encryption keys seal data keys. */
const SEALING = { usage: 'ENCRYPT_DECRYPT', algorithm: SYMMETRIC } as const
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html#KMS-GenerateDataKeyPair-request-KeyPairSpec */
const KEY_PAIR_SPECS = KEY_SPECS.filter((spec) => ['rsa', 'ecc'].includes(SPECIFICATIONS[spec].family))
const OTHER_KEY_PAIR_SPECS = OTHER_KEY_SPECS.filter((spec) => !spec.startsWith('ML_DSA'))
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
    const found = usableKey(stores, call, request.value.name, SEALING)
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
        ...namedMaterial('KeyMaterialId', found.value),
      },
      resourceArns: [key.keyArn],
      additionalEventData: namedMaterial('keyMaterialId', found.value),
    })
  }
}

export const generateDataKey = dataKeyMaker(true)
export const generateDataKeyWithoutPlaintext = dataKeyMaker(false)

/** `KeyPairSpec`; pairs of HMAC keys there are none. */
function keyPairSpec(input: JsonObject): Checked<KeySpec> {
  const chosen = required('KeyPairSpec', choice<string>(input, 'KeyPairSpec', [...KEY_PAIR_SPECS, ...OTHER_KEY_PAIR_SPECS]))
  if (!chosen.ok) return chosen
  const spec = KEY_PAIR_SPECS.find((known) => known === chosen.value)
  if (spec !== undefined) return accepted(spec)
  return refuse('UnsupportedOperationException', `The local cloud has no key pairs with KeyPairSpec ${chosen.value}.`)
}

function dataKeyPairMaker(answersPlaintext: boolean): Operation {
  return (stores, call) => {
    const { input } = call
    const request = together({
      name: requiredKeyName(input, 'KeyId'),
      spec: keyPairSpec(input),
      context: encryptionContext(input, 'EncryptionContext'),
      isDryRun: flag(input, 'DryRun'),
      recipient: withoutRecipient(input),
    })
    if (!request.ok) return request
    const { name, spec, context, isDryRun } = request.value
    const found = usableKey(stores, call, name, SEALING)
    if (!found.ok) return found
    const { key, material } = found.value
    if (isDryRun) return dryRun([key.keyArn])
    const privateKey = newSecret(spec)
    return accepted({
      output: {
        PrivateKeyCiphertextBlob: seal(key.keyArn, material, context, privateKey).toString('base64'),
        ...(answersPlaintext ? { PrivateKeyPlaintext: Buffer.from(privateKey).toString('base64') } : {}),
        PublicKey: publicKeyOf(privateKey).toString('base64'),
        KeyId: key.keyArn,
        KeyPairSpec: spec,
        ...namedMaterial('KeyMaterialId', found.value),
      },
      resourceArns: [key.keyArn],
      additionalEventData: namedMaterial('keyMaterialId', found.value),
    })
  }
}

export const generateDataKeyPair = dataKeyPairMaker(true)
export const generateDataKeyPairWithoutPlaintext = dataKeyPairMaker(false)

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
