import { EnvelopeError } from './errors.ts'
import type {
  DecryptionMaterials,
  DecryptionRequest,
  EncryptionMaterials,
  EncryptionRequest,
  Keyring,
  Lease,
  MaterialsSource,
} from './materials.ts'
import { newSigning, verificationKeyOf } from './signature.ts'

/** Asks the keyring every time. A data key serves one message and is overwritten when it is released. */
export function keyringMaterials(keyring: Keyring): MaterialsSource {
  return {
    forEncryption: async (request) => ownedLease(await newEncryptionMaterials(keyring, request)),
    forDecryption: async (request) => ownedLease(await newDecryptionMaterials(keyring, request)),
  }
}

/** A fresh data key, and a key pair if the suite signs. The caller owns the data key. */
export async function newEncryptionMaterials(
  keyring: Keyring,
  { suite, encryptionContext: pairs }: Omit<EncryptionRequest, 'plaintextBytes'>,
): Promise<EncryptionMaterials> {
  const { signingKey, encryptionContext } = await newSigning(suite, pairs)
  const { dataKey, encryptedDataKeys } = await keyring.generateDataKey({ suite, encryptionContext })
  return { suite, encryptionContext, dataKey, encryptedDataKeys, signingKey }
}

/** The data key of a message. What the header says of its signature is checked before the keyring is asked. The caller owns the data key. */
export async function newDecryptionMaterials(keyring: Keyring, request: DecryptionRequest): Promise<DecryptionMaterials> {
  const { suite, encryptionContext } = request
  const verificationKey = verificationKeyOf(suite, encryptionContext)
  const dataKey = await keyring.decryptDataKey(request)
  return { suite, encryptionContext, dataKey, verificationKey }
}

function ownedLease<Materials extends EncryptionMaterials | DecryptionMaterials>(materials: Materials): Lease<Materials> {
  return { materials, release: () => void materials.dataKey.bytes.fill(0) }
}

/** What a source answered must be what it was asked for. @throws EnvelopeError `materials` */
export function requireFitting(materials: EncryptionMaterials | DecryptionMaterials, { suite }: Pick<EncryptionRequest, 'suite'>): void {
  const key = 'signingKey' in materials ? materials.signingKey : materials.verificationKey
  if (materials.suite.id !== suite.id) throw unfit('another suite than was asked for')
  if (materials.dataKey.bytes.length !== suite.dataKeyBytes) throw unfit('a data key of a wrong length')
  if ((key !== null) !== (suite.signature !== null)) throw unfit('a signature key that does not suit the suite')
}

function unfit(what: string): EnvelopeError {
  return new EnvelopeError('materials', `the source of materials gave ${what}`)
}
