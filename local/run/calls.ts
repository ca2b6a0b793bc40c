import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'

const ALIAS = 'alias/keytrail-demo-start'
const CONTEXT = { purpose: 'keytrail start', tenant: 'demo' }
const TEXT = Buffer.from('attack at dawn')
const DATA_KEYS = 3

/** Makes a KMS key and uses it, as an application would. Answers its ARN and how often each operation was called. */
export async function makeCalls(kms: KMSClient): Promise<{ readonly keyArn: string; readonly made: Readonly<Record<string, number>> }> {
  const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Description: 'Keytrail shows itself' }))
  const keyArn = key?.Arn ?? ''
  await kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: keyArn }))
  const encrypted = await kms.send(new EncryptCommand({ KeyId: ALIAS, Plaintext: TEXT, EncryptionContext: CONTEXT }))
  const decrypted = await kms.send(new DecryptCommand({ CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: CONTEXT }))
  if (!TEXT.equals(decrypted.Plaintext ?? Buffer.alloc(0))) throw new Error('what was decrypted is not what was encrypted')
  for (let made = 0; made < DATA_KEYS; made++) {
    const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: CONTEXT }))
    await kms.send(new DecryptCommand({ CiphertextBlob: dataKey.CiphertextBlob, KeyId: keyArn, EncryptionContext: CONTEXT }))
  }
  await kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId: key?.KeyId ?? '', KeySpec: 'AES_256' }))
  return {
    keyArn,
    made: {
      CreateKey: 1,
      CreateAlias: 1,
      Encrypt: 1,
      Decrypt: 1 + DATA_KEYS,
      GenerateDataKey: DATA_KEYS,
      GenerateDataKeyWithoutPlaintext: 1,
    },
  }
}
