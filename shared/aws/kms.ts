import { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms'
import type { KmsClient } from '../envelope/kms-client.ts'

/** Far more than AWS has: only ARNs that somebody made up can reach it. */
const REGIONS_MAX = 100

/**
 * The calls of KMS that envelope encryption needs, each sent to the Region of its key: one client of the SDK for each Region, made when
 * it is first needed. `close` gives their connections back.
 */
export function createKmsClient(config: Omit<KMSClientConfig, 'region'> = {}): KmsClient & { close(): void } {
  const clients = new Map<string, KMSClient>()

  function clientOf(keyArn: string): KMSClient {
    const region = keyArn.split(':')[3] ?? ''
    const known = clients.get(region)
    if (known !== undefined) return known
    if (clients.size >= REGIONS_MAX) throw new Error(`keys of more than ${REGIONS_MAX} Regions were asked for`)
    const client = new KMSClient({ maxAttempts: 3, requestHandler: { connectionTimeout: 2000, requestTimeout: 5000 }, ...config, region })
    clients.set(region, client)
    return client
  }

  return {
    generateDataKey: async ({ keyArn, bytes, encryptionContext, grantTokens }) => {
      const answer = await clientOf(keyArn).send(
        new GenerateDataKeyCommand({ KeyId: keyArn, NumberOfBytes: bytes, ...sent(encryptionContext, grantTokens) }),
      )
      return { keyArn: answer.KeyId ?? '', plaintext: present(answer.Plaintext), ciphertext: present(answer.CiphertextBlob) }
    },
    encrypt: async ({ keyArn, plaintext, encryptionContext, grantTokens }) => {
      const answer = await clientOf(keyArn).send(
        new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext, ...sent(encryptionContext, grantTokens) }),
      )
      return { keyArn: answer.KeyId ?? '', ciphertext: present(answer.CiphertextBlob) }
    },
    decrypt: async ({ keyArn, ciphertext, encryptionContext, grantTokens }) => {
      const answer = await clientOf(keyArn).send(
        new DecryptCommand({ KeyId: keyArn, CiphertextBlob: ciphertext, ...sent(encryptionContext, grantTokens) }),
      )
      return { keyArn: answer.KeyId ?? '', plaintext: present(answer.Plaintext) }
    },
    close: () => {
      for (const client of clients.values()) client.destroy()
      clients.clear()
    },
  }
}

function sent(
  encryptionContext: Readonly<Record<string, string>>,
  grantTokens: readonly string[],
): { readonly EncryptionContext: Record<string, string>; readonly GrantTokens: string[] } {
  return { EncryptionContext: { ...encryptionContext }, GrantTokens: [...grantTokens] }
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error('KMS answered without the bytes it was asked for')
  return bytes
}
