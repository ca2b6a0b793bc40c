import { createHmac, timingSafeEqual } from 'node:crypto'
import type { JsonObject } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { dryRun } from './cryptography.ts'
import { blob, choice, flag, required } from './input.ts'
import { MAC_ALGORITHMS, type MacAlgorithm } from './key-specs.ts'
import { requiredKeyName } from './key-names.ts'
import type { Operation, Stores } from './operation.ts'
import { accepted, type Checked, refuse, together } from './outcome.ts'
import { usableKey } from './usable-key.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html#KMS-GenerateMac-request-Message */
const MESSAGE_BYTES = { bytesMin: 1, bytesMax: 4096 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html#KMS-VerifyMac-request-Mac */
const MAC_BYTES = { bytesMin: 1, bytesMax: 6144 }
const HASHES: Readonly<Record<MacAlgorithm, string>> = {
  HMAC_SHA_224: 'sha224',
  HMAC_SHA_256: 'sha256',
  HMAC_SHA_384: 'sha384',
  HMAC_SHA_512: 'sha512',
}

type Made = { readonly keyArn: string; readonly algorithm: MacAlgorithm; readonly mac: Buffer; readonly isDryRun: boolean }

/** The MAC that a request's message has under its key. */
function madeMac(stores: Stores, call: ServiceCall): Checked<Made> {
  const { input } = call
  const request = together({
    name: requiredKeyName(input, 'KeyId'),
    message: required('Message', blob(input, 'Message', MESSAGE_BYTES)),
    algorithm: macAlgorithm(input),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const { name, message, algorithm, isDryRun } = request.value
  const found = usableKey(stores, call, name, { usage: 'GENERATE_VERIFY_MAC', algorithm })
  if (!found.ok) return found
  const mac = createHmac(HASHES[algorithm], found.value.material.secret).update(message).digest()
  return accepted({ keyArn: found.value.key.keyArn, algorithm, mac, isDryRun })
}

function macAlgorithm(input: JsonObject): Checked<MacAlgorithm> {
  return required('MacAlgorithm', choice(input, 'MacAlgorithm', MAC_ALGORITHMS))
}

export const generateMac: Operation = (stores, call) => {
  const made = madeMac(stores, call)
  if (!made.ok) return made
  const { keyArn, algorithm, mac, isDryRun } = made.value
  if (isDryRun) return dryRun([keyArn])
  return accepted({ output: { KeyId: keyArn, Mac: mac.toString('base64'), MacAlgorithm: algorithm }, resourceArns: [keyArn] })
}

export const verifyMac: Operation = (stores, call) => {
  const sent = required('Mac', blob(call.input, 'Mac', MAC_BYTES))
  if (!sent.ok) return sent
  const made = madeMac(stores, call)
  if (!made.ok) return made
  const { keyArn, algorithm, mac, isDryRun } = made.value
  if (sent.value.length !== mac.length || !timingSafeEqual(sent.value, mac)) return refuse('KMSInvalidMacException', '', [keyArn])
  if (isDryRun) return dryRun([keyArn])
  return accepted({ output: { KeyId: keyArn, MacValid: true, MacAlgorithm: algorithm }, resourceArns: [keyArn] })
}
