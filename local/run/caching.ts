import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { createKmsClient } from '../../shared/aws/kms.ts'
import { createDataKeyCache, totalStatistics } from '../../shared/cache/index.ts'
import { cachingMaterials, decrypt, encrypt, kmsKeyring } from '../../shared/envelope/index.ts'
import type { RunReport } from '../../shared/usage/run-report.ts'
import { LOCAL_CREDENTIALS } from '../clients.ts'
import type { LocalCloud } from '../cloud.ts'

const MESSAGES = ['first message', 'second message']
const CONTEXT = { purpose: 'keytrail start' }
const LIMITS = { maxAgeMs: 5 * 60_000, maxMessages: 100 }

/** Encrypts and decrypts messages under one cached data key, as an application with data key caching would. */
export async function encryptUnderCache(cloud: LocalCloud): Promise<Omit<RunReport['caching'], 'counted'>> {
  const { KeyMetadata: key } = await cloud.clients.kms.send(new CreateKeyCommand({ Description: 'Keytrail shows data key caching' }))
  const keyArn = key?.Arn ?? ''
  const client = createKmsClient({ endpoint: cloud.url, credentials: LOCAL_CREDENTIALS })
  try {
    const cache = createDataKeyCache({ capacity: 10 })
    const materials = cachingMaterials({ keyring: kmsKeyring({ client, keyArn }), cache, ...LIMITS })
    const messages: Uint8Array[] = []
    for (const text of MESSAGES) {
      const { message } = await encrypt(Buffer.from(text), { materials, encryptionContext: CONTEXT })
      messages.push(message)
    }
    for (const [index, message] of messages.entries()) {
      const { plaintext } = await decrypt(message, { materials, encryptionContext: CONTEXT })
      if (Buffer.from(plaintext).toString() !== MESSAGES[index]) throw new Error('what was decrypted is not what was encrypted')
    }
    const { hits, misses } = totalStatistics(cache.snapshot())
    cache.clear()
    return { keyArn, encrypted: messages.length, decrypted: messages.length, hits, misses }
  } finally {
    client.close()
  }
}
