/** The two implementations that are compared, under the same wrapping key, each with its own cache of data keys. */
import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  getLocalCryptographicMaterialsCache,
  NodeCachingMaterialsManager,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from '@aws-crypto/client-node'
import { randomBytes } from 'node:crypto'
import { createDataKeyCache } from '../shared/cache/index.ts'
import { cachingMaterials, decrypt, encrypt, rawAesKeyring } from '../shared/envelope/index.ts'

export type SuiteId = '0478' | '0578'
export type Write = {
  readonly suite: SuiteId
  readonly frameLength: number
  readonly encryptionContext: Readonly<Record<string, string>>
}
export type Side = {
  /** Encrypts with options that were put together before, as a program in a hurry does. */
  writer(write: Write, into?: Buffer): (plaintext: Buffer) => Promise<{ readonly message: Buffer } | { readonly result: Buffer }>
  reader(into?: Buffer): (message: Buffer) => Promise<{ readonly plaintext: Buffer }>
}

export const CONTEXT = { tenant: 'tenant-0042', purpose: 'bench' } as const
export const CACHE = { capacity: 100, maxAgeMs: 3_600_000 } as const
const NAMES = { namespace: 'keytrail bench', name: 'wrapping key' } as const
const WRAPPING_KEY = randomBytes(32)

const ORACLE_SUITE = {
  '0478': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
  '0578': AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
} as const
const client = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
type Backing = ConstructorParameters<typeof NodeCachingMaterialsManager>[0]['backingMaterials']

export function keytrail(): Side {
  const keyring = rawAesKeyring({ ...NAMES, key: WRAPPING_KEY })
  const materials = cachingMaterials({ keyring, cache: createDataKeyCache({ capacity: CACHE.capacity }), maxAgeMs: CACHE.maxAgeMs })
  return {
    writer: (write, into) => {
      const options = into === undefined ? { materials, ...write } : { materials, ...write, into }
      return (plaintext) => encrypt(plaintext, options)
    },
    reader: (into) => {
      const options = into === undefined ? { materials } : { materials, into }
      return (message) => decrypt(message, options)
    },
  }
}

/** AWS's own SDK for JavaScript. It cannot write into a buffer that is there. */
export function oracle(): Side {
  return oracleOver(
    new RawAesKeyringNode({
      keyName: NAMES.name,
      keyNamespace: NAMES.namespace,
      unencryptedMasterKey: new Uint8Array(WRAPPING_KEY),
      wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      // Without it, this SDK orders keys by the locale, and no other SDK reads it.
      utf8Sorting: true,
    }),
  )
}

export function oracleOver(backingMaterials: Backing): Side {
  const cache = getLocalCryptographicMaterialsCache(CACHE.capacity)
  const materials = new NodeCachingMaterialsManager({ backingMaterials, cache, maxAge: CACHE.maxAgeMs })
  return {
    // Its options are an object for each call: it writes to them.
    writer: ({ suite, frameLength, encryptionContext }) => {
      return (plaintext) => client.encrypt(materials, plaintext, { suiteId: ORACLE_SUITE[suite], frameLength, encryptionContext })
    },
    reader: () => (message) => client.decrypt(materials, message),
  }
}

export async function messageOf(side: Side, plaintext: Buffer, write: Write): Promise<Buffer> {
  const written = await side.writer(write)(plaintext)
  return 'message' in written ? written.message : written.result
}

/** @throws unless each side reads what the other wrote, and finds the data key of its second message in its cache */
export async function requireAgreement(sides: readonly Side[], plaintext: Buffer, write: Write): Promise<void> {
  for (const writer of sides) {
    const [first, second] = [await messageOf(writer, plaintext, write), await messageOf(writer, plaintext, write)]
    if (!keysOf(first).equals(keysOf(second))) throw new Error('the cache was not used')
    for (const reader of sides)
      if (!(await reader.reader()(first)).plaintext.equals(plaintext)) throw new Error('what was written is not what was read')
  }
}

const COMMITMENT_BYTES = 32
const TAG_BYTES = 16

/** Length of a header of message version 2, its tag included. */
export function headerBytesOf(message: Buffer): number {
  let at = 3 + 32
  at += 2 + message.readUInt16BE(at)
  const keys = message.readUInt16BE(at)
  at += 2
  for (let field = 0; field < 3 * keys; field++) at += 2 + message.readUInt16BE(at)
  return at + 1 + 4 + COMMITMENT_BYTES + TAG_BYTES
}

/** Encryption context and encrypted data keys, as they stand in a message. */
function keysOf(message: Buffer): Buffer {
  return message.subarray(3 + 32, headerBytesOf(message) - TAG_BYTES - COMMITMENT_BYTES)
}
