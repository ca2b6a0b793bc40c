import type { KmsKeyArn } from '../arn.ts'
import type { EncryptionContext } from './encryption-context.ts'

type KmsRequest = {
  /** Its Region is the one to ask. */
  readonly keyArn: KmsKeyArn
  readonly encryptionContext: EncryptionContext
  readonly grantTokens: readonly string[]
}
/** The key that KMS says it used. */
type UsedKey = { readonly keyArn: string }

/**
 * The three calls of KMS that envelope encryption needs; `shared/aws/kms.ts` makes it of the AWS SDK. Rejects if a call fails: name and
 * message of the error are shown. Plaintext answers are overwritten after use.
 */
export type KmsClient = {
  generateDataKey(
    request: KmsRequest & { readonly bytes: number },
  ): Promise<UsedKey & { readonly plaintext: Uint8Array; readonly ciphertext: Uint8Array }>
  encrypt(request: KmsRequest & { readonly plaintext: Uint8Array }): Promise<UsedKey & { readonly ciphertext: Uint8Array }>
  decrypt(request: KmsRequest & { readonly ciphertext: Uint8Array }): Promise<UsedKey & { readonly plaintext: Uint8Array }>
}
