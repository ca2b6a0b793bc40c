import { createPublicKey, verify } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisabledException,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  EnableKeyRotationCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  KMSClient,
  KMSInvalidMacException,
  KMSInvalidSignatureException,
  NotFoundException,
  paginateListAliases,
  ScheduleKeyDeletionCommand,
  SignCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { Cloud, DAY_MS, REGION, START_MS } from './kms-calls.ts'

/** A client of the SDK whose requests go straight to the service, its answers written as AWS JSON 1.1. */
function clientOf(cloud: Cloud): KMSClient {
  return new KMSClient({
    region: REGION,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
    requestHandler: {
      handle: async ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
        const operation = headers['x-amz-target']?.split('.')[1] ?? ''
        const { answer } = await cloud.send(operation, JSON.parse(new TextDecoder().decode(body)) as JsonObject)
        const failed = 'failure' in answer
        const content = failed ? { __type: answer.failure.code, message: answer.failure.message } : answer.output
        const response = {
          statusCode: failed ? answer.failure.status : 200,
          headers: { 'content-type': 'application/x-amz-json-1.1' },
          body: Readable.from([Buffer.from(JSON.stringify(content))]),
        }
        return { response }
      },
    },
  })
}

it('the AWS SDK reads answers, dates, bytes, pages and errors', async () => {
  const client = clientOf(new Cloud())
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ Description: 'Orders at rest' }))
  const KeyId = KeyMetadata?.KeyId ?? ''
  expect(KeyMetadata?.CreationDate).toEqual(new Date(START_MS))
  for (const name of ['alias/a', 'alias/b', 'alias/c']) await client.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: KeyId }))
  const names: unknown[] = []
  for await (const page of paginateListAliases({ client, pageSize: 2 }, {}))
    names.push(...(page.Aliases ?? []).map((alias) => alias.AliasName))
  expect(names).toEqual(['alias/a', 'alias/b', 'alias/c'])

  const EncryptionContext = { tenant: 'northwind' }
  const plaintext = new TextEncoder().encode('orders')
  const sealed = await client.send(new EncryptCommand({ KeyId: 'alias/a', Plaintext: plaintext, EncryptionContext }))
  const opened = await client.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext }))
  expect(Buffer.from(opened.Plaintext ?? [])).toEqual(Buffer.from(plaintext))
  const dataKey = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
  expect(dataKey.Plaintext).toHaveLength(32)

  await client.send(new EnableKeyRotationCommand({ KeyId }))
  const status = await client.send(new GetKeyRotationStatusCommand({ KeyId }))
  expect(status.NextRotationDate).toEqual(new Date(START_MS + 365 * DAY_MS))

  const decrypt = async (input: { KeyId?: string }): Promise<unknown> =>
    client.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, ...input }))
  await expect(decrypt({})).rejects.toBeInstanceOf(InvalidCiphertextException)
  await expect(decrypt({ KeyId: 'alias/none' })).rejects.toBeInstanceOf(NotFoundException)
  const other = await client.send(new CreateKeyCommand({}))
  await expect(decrypt({ KeyId: other.KeyMetadata?.KeyId ?? '' })).rejects.toBeInstanceOf(IncorrectKeyException)
  await client.send(new DisableKeyCommand({ KeyId }))
  await expect(decrypt({})).rejects.toBeInstanceOf(DisabledException)
  const scheduled = await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  expect(scheduled).toMatchObject({ KeyState: 'PendingDeletion', DeletionDate: new Date(START_MS + 7 * DAY_MS) })
})

it('the AWS SDK signs, verifies and makes MACs', async () => {
  const client = clientOf(new Cloud())
  const signer = await client.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }))
  const message = new TextEncoder().encode('orders')
  const request = { KeyId: signer.KeyMetadata?.Arn, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' } as const
  const { Signature } = await client.send(new SignCommand(request))
  expect(await client.send(new VerifyCommand({ ...request, Signature }))).toMatchObject({ SignatureValid: true })
  const wrong = client.send(new VerifyCommand({ ...request, Signature: message }))
  await expect(wrong).rejects.toBeInstanceOf(KMSInvalidSignatureException)
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: signer.KeyMetadata?.Arn }))
  const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' })
  expect(verify('sha256', message, publicKey, Signature ?? new Uint8Array())).toBe(true)

  const hmac = await client.send(new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }))
  const mac = { KeyId: hmac.KeyMetadata?.Arn, Message: message, MacAlgorithm: 'HMAC_SHA_256' } as const
  const { Mac } = await client.send(new GenerateMacCommand(mac))
  expect(await client.send(new VerifyMacCommand({ ...mac, Mac }))).toMatchObject({ MacValid: true })
  await expect(client.send(new VerifyMacCommand({ ...mac, Mac: message }))).rejects.toBeInstanceOf(KMSInvalidMacException)
})
