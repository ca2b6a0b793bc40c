import { randomBytes } from 'node:crypto'
import type { EncryptionContext } from '../../shared/envelope/encryption-context.ts'
import type { Keyring } from '../../shared/envelope/materials.ts'

export const KEY_ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555'

/** What a keyring was asked, and every data key it handed out: the very bytes, so that a test sees what became of them. */
export type FakeKeyring = Keyring & {
  readonly generated: { readonly encryptionContext: EncryptionContext }[]
  readonly decrypted: { readonly encryptionContext: EncryptionContext }[]
  readonly handedOut: Buffer[]
  /** What each call waits for before it answers, or fails with. */
  before: () => Promise<void>
}

/** A keyring in memory: it "wraps" a data key by remembering it under a number. Calls are counted, and wait or fail as a test wants. */
export function createFakeKeyring({ identity = 'fake', keyArn = KEY_ARN } = {}): FakeKeyring {
  const secrets = new Map<string, Buffer>()
  const handedOut: Buffer[] = []
  function handOut(secret: Buffer): { bytes: Buffer; wrappedBy: string } {
    const bytes = Buffer.from(secret)
    handedOut.push(bytes)
    return { bytes, wrappedBy: keyArn }
  }
  const keyring: FakeKeyring = {
    identity,
    generated: [],
    decrypted: [],
    handedOut,
    before: async () => {},
    async generateDataKey({ suite, encryptionContext }) {
      keyring.generated.push({ encryptionContext })
      await keyring.before()
      const secret = randomBytes(suite.dataKeyBytes)
      const ciphertext = Buffer.from(`${identity} ${secrets.size}`)
      secrets.set(ciphertext.toString('latin1'), secret)
      const encrypted = { providerId: 'aws-kms', providerInfo: Buffer.from(keyArn), ciphertext }
      return { dataKey: handOut(secret), encryptedDataKeys: [encrypted] }
    },
    async decryptDataKey({ encryptionContext, encryptedDataKeys }) {
      keyring.decrypted.push({ encryptionContext })
      await keyring.before()
      for (const { ciphertext } of encryptedDataKeys) {
        const secret = secrets.get(Buffer.from(ciphertext).toString('latin1'))
        if (secret !== undefined) return handOut(secret)
      }
      throw new Error('none of these data keys is known here')
    },
  }
  return keyring
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
