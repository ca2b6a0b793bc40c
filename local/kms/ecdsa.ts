import { createECDH, type KeyObject, randomBytes } from 'node:crypto'

/**
 * ECDSA over a digest that somebody else made, which node:crypto has no call for: it always hashes what it signs.
 * FIPS 186-5, section 6.4: https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.186-5.pdf. Points come from OpenSSL; the rest is modular
 * arithmetic that takes a different time for different keys, so it is for a local cloud only.
 */

/** The order of each curve's base point. NIST SP 800-186, section 3.2.1, and SEC 2, section 2.4.1: https://www.secg.org/sec2-v2.pdf */
const ORDERS: Readonly<Record<string, bigint>> = {
  prime256v1: 0xffff_ffff_0000_0000_ffff_ffff_ffff_ffff_bce6_faad_a717_9e84_f3b9_cac2_fc63_2551n,
  secp384r1: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_c763_4d81_f437_2ddf_581a_0db2_48b0_a77a_ecec_196a_ccc5_2973n,
  secp521r1:
    0x01ff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_fffa_5186_8783_bf2f_966b_7fcc_0148_f709_a5d0_3bb5_c9b8_899c_47ae_bb6f_b71e_9138_6409n,
  secp256k1: 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n,
}
const INTEGER_TAG = 0x02
const SEQUENCE_TAG = 0x30
const LONG_LENGTH = 0x80

type Curve = { readonly name: string; readonly order: bigint; readonly orderBits: number; readonly orderBytes: number }

function curveOf(name: string): Curve {
  const order = ORDERS[name]
  if (order === undefined) throw new Error(`no curve ${name}`)
  const orderBits = order.toString(2).length
  return { name, order, orderBits, orderBytes: Math.ceil(orderBits / 8) }
}

/** The signature in DER. */
export function signEcdsa(curveName: string, privateKey: KeyObject, digest: Uint8Array): Buffer {
  const curve = curveOf(curveName)
  const secret = secretOf(privateKey)
  for (;;) {
    // Twice the bytes leave no bias that matters (FIPS 186-5, A.3.1).
    const nonce = (integerOf(randomBytes(2 * curve.orderBytes)) % (curve.order - 1n)) + 1n
    const r = basePointTimes(curve, nonce)
    const s = mod(inverse(nonce, curve.order) * (messageOf(curve, digest) + r * secret), curve.order)
    if (r !== 0n && s !== 0n) return derOf(r, s)
  }
}

/** KMS has the private key, so one multiplication of the base point stands for the sum of two points. */
export function isEcdsaSignature(curveName: string, privateKey: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const curve = curveOf(curveName)
  const pair = pairOf(signature)
  if (pair === null) return false
  const [r, s] = pair
  if (r <= 0n || r >= curve.order || s <= 0n || s >= curve.order) return false
  const multiple = mod(inverse(s, curve.order) * (messageOf(curve, digest) + r * secretOf(privateKey)), curve.order)
  return multiple !== 0n && basePointTimes(curve, multiple) === r
}

function secretOf(privateKey: KeyObject): bigint {
  const { d } = privateKey.export({ format: 'jwk' })
  return integerOf(Buffer.from(d ?? '', 'base64url'))
}

/** The leftmost bits of the digest, as many as the order has. */
function messageOf({ orderBits }: Curve, digest: Uint8Array): bigint {
  const surplusBits = digest.length * 8 - orderBits
  return surplusBits > 0 ? integerOf(digest) >> BigInt(surplusBits) : integerOf(digest)
}

/** The x coordinate of a multiple of the base point, modulo the order. */
function basePointTimes({ name, order, orderBytes }: Curve, multiple: bigint): bigint {
  const ecdh = createECDH(name)
  ecdh.setPrivateKey(bytesOf(multiple, orderBytes))
  const compressed = ecdh.getPublicKey(null, 'compressed')
  return integerOf(compressed.subarray(1)) % order
}

function integerOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')
}

function mod(value: bigint, order: bigint): bigint {
  const rest = value % order
  return rest < 0n ? rest + order : rest
}

/** By Euclid's extended algorithm; the order is prime. */
function inverse(value: bigint, order: bigint): bigint {
  let [rest, next] = [mod(value, order), order]
  let [factor, nextFactor] = [1n, 0n]
  while (next !== 0n) {
    const quotient = rest / next
    ;[rest, next] = [next, rest - quotient * next]
    ;[factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  return mod(factor, order)
}

/** SEQUENCE of two INTEGERs. https://www.rfc-editor.org/rfc/rfc3279#section-2.2.3 */
function derOf(r: bigint, s: bigint): Buffer {
  const integers = Buffer.concat([r, s].map(derInteger))
  const length = integers.length < LONG_LENGTH ? [integers.length] : [LONG_LENGTH + 1, integers.length]
  return Buffer.concat([Buffer.from([SEQUENCE_TAG, ...length]), integers])
}

function derInteger(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
  const sign = (bytes[0] ?? 0) >= LONG_LENGTH ? [0] : []
  return Buffer.from([INTEGER_TAG, sign.length + bytes.length, ...sign, ...bytes])
}

/** Null unless the bytes are what `derOf` makes of a pair, to the bit. */
function pairOf(der: Uint8Array): readonly [r: bigint, s: bigint] | null {
  const start = der[1] === LONG_LENGTH + 1 ? 3 : 2
  const rLength = der[start + 1] ?? 0
  const sStart = start + 2 + rLength
  const r = integerOf(der.subarray(start + 2, sStart))
  const s = integerOf(der.subarray(sStart + 2))
  return derOf(r, s).equals(der) ? [r, s] : null
}
