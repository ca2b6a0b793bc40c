import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKms } from '../../local/kms/service.ts'
import { memoryState } from '../../local/state.ts'
import { createKmsClient } from '../../shared/aws/kms.ts'
import { decrypt, encrypt, kmsKeyring } from '../../shared/envelope/index.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { errorOf, sampleBytes } from '../support/envelope-bytes.ts'

const PLAINTEXT = sampleBytes(1000)
let ground: Ground
let kms: KMSClient
let client: ReturnType<typeof createKmsClient>

/** The unmodified SDK, over HTTP, to the KMS of the local cloud. */
beforeAll(async () => {
  ground = await openGround({ services: [createKms(memoryState().db)] })
  const { endpoint, credentials, maxAttempts } = ground.client
  kms = new KMSClient(ground.client)
  client = createKmsClient({ endpoint, credentials, maxAttempts })
})
afterAll(async () => {
  client.close()
  kms.destroy()
  await ground.close()
})

async function newKey(): Promise<string> {
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
}

it('messages are written and read under keys of KMS', async () => {
  const [keyArn, second] = [await newKey(), await newKey()]
  const encryptionContext = { tenant: 'größe' }
  const writer = kmsKeyring({ client, keyArn, furtherKeyArns: [second] })
  const { message, header } = await encrypt(PLAINTEXT, { keyring: writer, encryptionContext })
  expect(header.encryptedDataKeys.map(({ providerInfo }) => Buffer.from(providerInfo).toString())).toEqual([keyArn, second])
  for (const reader of [keyArn, second]) {
    const { plaintext } = await decrypt(message, { keyring: kmsKeyring({ client, keyArn: reader }), encryptionContext })
    expect(plaintext.equals(PLAINTEXT)).toBe(true)
  }
})

it('what KMS refuses is told with the name of its error', async () => {
  const keyArn = await newKey()
  const keyring = kmsKeyring({ client, keyArn })
  const { message } = await encrypt(PLAINTEXT, { keyring })
  await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
  for (const operation of [() => encrypt(PLAINTEXT, { keyring }), () => decrypt(message, { keyring })]) {
    const { failures } = await errorOf(operation)
    expect(failures.map(({ key }) => key)).toEqual([keyArn])
    expect(failures[0]?.reason).toMatch(/^DisabledException/)
  }
})

it('a key of another Region is asked for in its Region', async () => {
  const keyArn = (await newKey()).replace('us-east-1', 'eu-west-1')
  const { rule } = await errorOf(() => encrypt(PLAINTEXT, { keyring: kmsKeyring({ client, keyArn }) }))
  expect(rule).toBe('generate-data-key')
  expect(ground.seen.at(-1)?.call).toMatchObject({ operation: 'GenerateDataKey', region: 'eu-west-1', input: { KeyId: keyArn } })
})
