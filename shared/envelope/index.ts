/**
 * Envelope encryption in the message format of the AWS Encryption SDK: what is written here, every AWS Encryption SDK reads, and the other
 * way round. https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
 */
export { cachingMaterials } from './caching-materials.ts'
export { decrypt } from './decrypt.ts'
export { decryptStream, type DecryptStreamOptions } from './decrypt-stream.ts'
export { encrypt } from './encrypt.ts'
export { encryptStream, type EncryptStreamOptions } from './encrypt-stream.ts'
export type { EncryptionContext } from './encryption-context.ts'
export { EnvelopeError, type EnvelopeRule, type KeyFailure } from './errors.ts'
export type { MessageHeader } from './header.ts'
export { kmsKeyring, type KmsClient, type KmsKeyringOptions } from './kms-keyring.ts'
export type { Keyring, MaterialsSource } from './materials.ts'
export type { MessageStream } from './message-stream.ts'
export type { DecryptOptions, EncryptOptions, OutputOptions } from './options.ts'
export { rawAesKeyring } from './raw-aes-keyring.ts'
export type { CommitmentPolicy, SuiteId, WrittenSuiteId } from './suites.ts'
