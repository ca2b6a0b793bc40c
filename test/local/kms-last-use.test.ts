import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { CreateKeyCommand, EncryptCommand, GetKeyLastUsageCommand } from '@aws-sdk/client-kms'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { isCryptographicEvent } from '../../shared/usage/operations.ts'
import type { JsonObject } from '../../shared/json.ts'
import { startCloud } from '../support/local-cloud.ts'
import { Cloud, START_MS, trailOf } from './kms-calls.ts'

const WEST = 'eu-west-1'
const UNUSED = { KeyLastUsage: {} }

async function lastUseOf(cloud: Cloud, keyId: string, region?: string): Promise<JsonObject> {
  return cloud.do('GetKeyLastUsage', { KeyId: keyId }, region)
}

describe('the last use of a key', () => {
  it('is none of a new key', async () => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const start = START_MS / 1000
    expect(await lastUseOf(cloud, keyId)).toEqual({ KeyId: keyId, ...UNUSED, TrackingStartDate: start, KeyCreationDate: start })
  })

  it('begins to be kept no earlier than AWS did', async () => {
    const cloud = new Cloud()
    cloud.timeMs = Date.parse('2026-01-01T00:00:00Z')
    const { keyId } = await cloud.createKey()
    expect(await lastUseOf(cloud, keyId)).toMatchObject({
      TrackingStartDate: Date.parse('2026-04-23T00:00:00Z') / 1000,
      KeyCreationDate: cloud.timeMs / 1000,
    })
  })

  const USES: readonly (readonly [operation: string, input: (keyId: string, blob: string) => JsonObject])[] = [
    ['Encrypt', (KeyId) => ({ KeyId, Plaintext: 'YQ==' })],
    ['Decrypt', (_KeyId, CiphertextBlob) => ({ CiphertextBlob })],
    ['GenerateDataKey', (KeyId) => ({ KeyId, KeySpec: 'AES_256' })],
    ['GenerateDataKeyWithoutPlaintext', (KeyId) => ({ KeyId, KeySpec: 'AES_256' })],
    ['ReEncrypt', (DestinationKeyId, CiphertextBlob) => ({ CiphertextBlob, DestinationKeyId })],
  ]
  it.each(USES)('is told of %s, with the event ID of its record', async (operation, input) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    cloud.timeMs += 1500
    const sent = await cloud.send(operation, input(keyId, blob))
    const { eventId } = trailOf(sent)
    expect(eventId).toMatch(/^[0-9a-f-]{36}$/)
    const use = { Operation: operation, Timestamp: START_MS / 1000 + 1.5, CloudTrailEventId: eventId, KmsRequestId: sent.call.requestId }
    expect(await lastUseOf(cloud, keyId)).toMatchObject({ KeyLastUsage: use })
  })

  const NO_USES: readonly (readonly [what: string, operation: string, input: (keyId: string, blob: string) => JsonObject])[] = [
    ['a dry run', 'Encrypt', (KeyId) => ({ KeyId, Plaintext: 'YQ==', DryRun: true })],
    ['a failed call', 'Decrypt', (KeyId, CiphertextBlob) => ({ KeyId, CiphertextBlob, EncryptionContext: { tenant: 'other' } })],
    ['a request that breaks the form', 'GenerateDataKey', (KeyId) => ({ KeyId })],
    ['a look at it', 'DescribeKey', (KeyId) => ({ KeyId })],
    ['a change of it', 'EnableKeyRotation', (KeyId) => ({ KeyId })],
    ['a use that names no key', 'GenerateRandom', () => ({ NumberOfBytes: 8 })],
  ]
  it.each(NO_USES)('is not %s', async (_what, operation, input) => {
    const cloud = new Cloud()
    const { keyId } = await cloud.createKey()
    const blob = await cloud.encrypt(keyId, 'a')
    const before = await lastUseOf(cloud, keyId)
    cloud.timeMs += 1000
    const { answer } = await cloud.send(operation, input(keyId, blob))
    expect(isCryptographicEvent(operation) && 'output' in answer).toBe(false)
    expect(await lastUseOf(cloud, keyId)).toEqual(before)
  })

  it('is kept for both keys of ReEncrypt, and for each of related keys by itself, over a restart', async () => {
    const db = new DatabaseSync(':memory:')
    const cloud = new Cloud(db)
    const { keyId } = await cloud.createKey({ MultiRegion: true })
    const { keyId: other } = await cloud.createKey()
    await cloud.do('ReplicateKey', { KeyId: keyId, ReplicaRegion: WEST })
    const blob = await cloud.encrypt(keyId, 'a')
    await cloud.do('ReEncrypt', { CiphertextBlob: blob, DestinationKeyId: other })
    const restarted = new Cloud(db)
    const moved = { KeyLastUsage: { Operation: 'ReEncrypt' } }
    expect([await lastUseOf(restarted, keyId), await lastUseOf(restarted, other)]).toMatchObject([moved, moved])
    expect(await lastUseOf(restarted, keyId, WEST)).toMatchObject(UNUSED)
  })

  it('leads the AWS SDK to the event in CloudTrail', async () => {
    const { clients, close } = await startCloud()
    const { KeyMetadata } = await clients.kms.send(new CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId
    const { $metadata } = await clients.kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('a') }))
    const { KeyLastUsage } = await clients.kms.send(new GetKeyLastUsageCommand({ KeyId }))
    expect(KeyLastUsage).toMatchObject({ Operation: 'Encrypt', KmsRequestId: $metadata.requestId })
    const LookupAttributes = [{ AttributeKey: 'EventId' as const, AttributeValue: KeyLastUsage?.CloudTrailEventId }]
    const { Events = [] } = await clients.cloudTrail.send(new LookupEventsCommand({ LookupAttributes }))
    expect(Events.map(({ EventName }) => EventName)).toEqual(['Encrypt'])
    expect(Events[0]?.CloudTrailEvent).toContain(`"requestID":"${$metadata.requestId}"`)
    await close()
  })
})
