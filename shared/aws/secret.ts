import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** Reads a secret's text. @throws if it cannot be read or is none */
export async function readSecret(arn: string): Promise<string> {
  const client = new SecretsManagerClient({ requestHandler: { connectionTimeout: 2000, requestTimeout: 5000 } })
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }))
    if (SecretString === undefined || SecretString === '') throw new Error('the secret holds no text')
    return SecretString
  } catch (error) {
    throw new Error(`the secret ${arn} cannot be read`, { cause: error })
  } finally {
    client.destroy()
  }
}
