import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { HttpRequest } from '../http.ts'
import type { AskedEncryption } from './asked-encryption.ts'
import type { CustomerKey } from './customer-key.ts'
import type { AskedOfKms, KmsKeys } from './kms-keys.ts'
import { newKey, type ObjectKeys, unwrapKey, wrapKey } from './object-cipher.ts'
import type { EncryptedKeys, KeptEncryption } from './object-records.ts'
import { accepted, type Checked, damaged, refuse } from './outcome.ts'
import type { Place } from './place.ts'

/** Keys of objects: made for new ones, and brought back for those that are there. */
export type ObjectKeyring = {
  make(
    request: HttpRequest,
    place: Place,
    asked: AskedEncryption,
  ): Promise<Checked<{ readonly keys: ObjectKeys; readonly kept: EncryptedKeys }>>
  open(request: HttpRequest, place: Place, kept: EncryptedKeys, customer: CustomerKey | null): Promise<Checked<ObjectKeys>>
  /** The same keys under another KMS key: the object's bytes stay as they are. */
  rewrap(request: HttpRequest, place: Place, keys: ObjectKeys, asked: AskedOfKms): Promise<Checked<EncryptedKeys>>
}

const SALT_BYTES = 32

/**
 * Each object has keys of its own. They lie under S3's own key (SSE-S3), a data key or bucket-level key of KMS (SSE-KMS), or the customer's
 * (SSE-C). DSSE-KMS has a second layer, with a key under S3's own:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html
 */
export function createKeyring({ root, kmsKeys }: { readonly root: Buffer; readonly kmsKeys: KmsKeys }): ObjectKeyring {
  async function wrap(request: HttpRequest, place: Place, keys: ObjectKeys, asked: AskedEncryption): Promise<Checked<EncryptedKeys>> {
    const sealing = await sealingKey(request, place, asked)
    if (!sealing.ok) return sealing
    const { wrapping, encryption } = sealing.value
    const wrappedKeys = keys.map((key, layer) => wrapKey(layer === 0 ? wrapping : root, nameOf(place, layer), key))
    return accepted({ encryption, wrappedKeys })
  }

  type Sealing = { readonly wrapping: Buffer; readonly encryption: KeptEncryption }

  async function sealingKey(request: HttpRequest, place: Place, asked: AskedEncryption): Promise<Checked<Sealing>> {
    switch (asked.kind) {
      case 'AES256':
        return accepted({ wrapping: root, encryption: { kind: 'AES256' } })
      case 'aws:kms':
      case 'aws:kms:dsse': {
        const dataKey = await kmsKeys.generate(request, place, asked)
        return dataKey.ok ? accepted({ wrapping: dataKey.value.plaintext, encryption: dataKey.value.kept }) : dataKey
      }
      case 'customer': {
        const salt = randomBytes(SALT_BYTES).toString('base64')
        const encryption: KeptEncryption = { kind: 'customer', salt, mac: macOf(asked.key, salt).toString('base64') }
        return accepted({ wrapping: asked.key.bytes, encryption })
      }
    }
  }

  async function openingKey(request: HttpRequest, encryption: KeptEncryption, customer: CustomerKey | null): Promise<Checked<Buffer>> {
    if (encryption.kind === 'customer') return customersOwn(encryption, customer)
    if (customer !== null) return refuse('InvalidRequest', 'The encryption parameters are not applicable to this object.')
    return encryption.kind === 'AES256' ? accepted(root) : kmsKeys.decrypt(request, encryption)
  }

  return {
    async make(request, place, asked) {
      const keys = asked.kind === 'aws:kms:dsse' ? [newKey(), newKey()] : [newKey()]
      const kept = await wrap(request, place, keys, asked)
      return kept.ok ? accepted({ keys, kept: kept.value }) : kept
    },
    async open(request, place, { encryption, wrappedKeys }, customer) {
      const opening = await openingKey(request, encryption, customer)
      if (!opening.ok) return opening
      const keys = wrappedKeys.map((wrapped, layer) => unwrapKey(layer === 0 ? opening.value : root, nameOf(place, layer), wrapped))
      const opened = keys.filter((key) => key !== null)
      return opened.length === keys.length && keys.length > 0 ? accepted(opened) : damaged()
    },
    rewrap: wrap,
  }
}

/** Only that it is the key is kept, not the key. https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-c-encryption.html */
function customersOwn({ salt, mac }: Extract<KeptEncryption, { kind: 'customer' }>, customer: CustomerKey | null): Checked<Buffer> {
  if (customer === null) {
    return refuse(
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  }
  if (isKeyOf({ salt, mac }, customer)) return accepted(customer.bytes)
  return refuse(
    'AccessDenied',
    'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.',
    403,
  )
}

/** Whether a customer's key is the one that something was encrypted under. */
export function isKeyOf({ salt, mac }: { readonly salt: string; readonly mac: string }, key: CustomerKey): boolean {
  const kept = Buffer.from(mac, 'base64')
  const given = macOf(key, salt)
  return kept.length === given.length && timingSafeEqual(kept, given)
}

function macOf(key: CustomerKey, salt: string): Buffer {
  return createHmac('sha256', Buffer.from(salt, 'base64')).update(key.bytes).digest()
}

/** What an object's bytes and keys are bound to. */
export function nameOf({ bucket, key }: Pick<Place, 'bucket' | 'key'>, layer = 0): string {
  return JSON.stringify([bucket, key, layer])
}
