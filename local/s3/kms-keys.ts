import { randomUUID } from 'node:crypto'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import type { HttpRequest } from '../http.ts'
import { callService, type ServiceRoom } from '../json-protocol.ts'
import { arnOfAlias, arnOfKey } from '../kms/key-names.ts'
import type { Principal, Service, ServiceAnswer, ServiceFailure } from '../service.ts'
import type { AskedEncryption } from './asked-encryption.ts'
import type { KeptEncryption } from './object-records.ts'
import { accepted, type Checked, damaged, refuse, type Refused } from './outcome.ts'
import { arnOf, type Place } from './place.ts'
import type { Settings } from './tables.ts'

export type AskedOfKms = Extract<AskedEncryption, { readonly keyId: string | null }>
export type KeptByKms = Extract<KeptEncryption, { readonly keyArn: string }>
export type DataKey = { readonly plaintext: Buffer; readonly kept: KeptByKms }

/** Data keys of KMS, asked for in the caller's name. */
export type KmsKeys = {
  generate(request: HttpRequest, place: Place, asked: AskedOfKms): Promise<Checked<DataKey>>
  decrypt(request: HttpRequest, kept: KeptByKms): Promise<Checked<Buffer>>
}

const S3_PRINCIPAL = 's3.amazonaws.com'
const CONTEXT_KEY = 'aws:s3:arn'
const MANAGED_ALIAS = 'alias/aws/s3'
/**
 * "S3 creates a bucket-level key … time-limited … S3 gets it at least once per requester" and tells no number.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
 */
const BUCKET_KEY_MS = 5 * 60_000
const BUCKET_KEYS_MAX = 1000

type HeldKey<Value> = { readonly untilMs: number; readonly value: Promise<Checked<Value>> }

export function createKmsKeys(parts: { readonly kms: Service; readonly room: ServiceRoom; readonly settings: Settings }): KmsKeys {
  const { kms, room, settings } = parts
  // Writing and reading need permissions of their own, so neither lends its key to the other.
  const writing = new Map<string, HeldKey<DataKey>>()
  const reading = new Map<string, HeldKey<Buffer>>()

  async function call(request: HttpRequest, operation: string, input: JsonObject): Promise<Checked<JsonObject>> {
    // S3's call has an ID of its own.
    const own = { ...request, requestId: randomUUID() }
    const answer = await callService({ service: kms, room, request: own, operation, input, via: S3_PRINCIPAL })
    return 'failure' in answer ? kmsRefusal(answer.failure) : accepted(answer.output)
  }

  function held<Value>(keys: Map<string, HeldKey<Value>>, name: string, get: () => Promise<Checked<Value>>): Promise<Checked<Value>> {
    const nowMs = room.nowMs()
    const found = keys.get(name)
    if (found !== undefined && found.untilMs > nowMs) return found.value
    keys.delete(name)
    const value = get()
    keys.set(name, { untilMs: nowMs + BUCKET_KEY_MS, value })
    const [oldest] = keys.keys()
    if (keys.size > BUCKET_KEYS_MAX && oldest !== undefined) keys.delete(oldest)
    const drop = (): void => {
      if (keys.get(name)?.value === value) keys.delete(name)
    }
    value.then((checked) => (checked.ok ? undefined : drop()), drop)
    return value
  }

  async function generated(request: HttpRequest, asked: AskedOfKms, context: Readonly<Record<string, string>>): Promise<Checked<DataKey>> {
    const keyName = asked.keyId === null ? await managedKey(request) : accepted(keyNameFor(request, asked.keyId))
    if (!keyName.ok) return keyName
    const answer = await call(request, 'GenerateDataKey', { KeyId: keyName.value, KeySpec: 'AES_256', EncryptionContext: context })
    if (!answer.ok) return answer
    const plaintext = textOf(answer.value, 'Plaintext')
    const encryptedKey = textOf(answer.value, 'CiphertextBlob')
    const keyArn = textOf(answer.value, 'KeyId')
    if (plaintext === null || encryptedKey === null || keyArn === null) return damaged()
    const kept: KeptByKms = { kind: asked.kind, keyArn, encryptedKey, context, usesBucketKey: asked.usesBucketKey }
    return accepted({ plaintext: Buffer.from(plaintext, 'base64'), kept })
  }

  /**
   * On AWS the key behind `alias/aws/s3` is made when it is first needed, in nobody's name. Where the local KMS does not have that alias, an
   * ordinary key with the policy of the AWS managed one stands for it.
   * https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
   */
  async function managedKey(request: HttpRequest): Promise<Checked<string>> {
    const { region } = request.scope
    const { accountId } = request.principal
    const name = `managed-key:${accountId}:${region}`
    const kept = settings.get(name)
    if (kept !== null) return accepted(kept)
    const alias = arnOfAlias(MANAGED_ALIAS, { accountId, region })
    const there = await asItself(request, 'DescribeKey', { KeyId: alias })
    if (!('failure' in there)) return accepted(alias)
    const made = await asItself(request, 'CreateKey', {
      Description: 'Default key that protects my S3 objects when no other key is defined',
      Policy: managedKeyPolicy(accountId, region),
      BypassPolicyLockoutSafetyCheck: true,
    })
    if ('failure' in made) return kmsRefusal(made.failure)
    const metadata = memberOf(made.output, 'KeyMetadata')
    const keyArn = isJsonObject(metadata) ? textOf(metadata, 'Arn') : null
    if (keyArn === null) return damaged()
    settings.set(name, keyArn)
    return accepted(keyArn)
  }

  /** A call that nobody sees. */
  async function asItself(request: HttpRequest, operation: string, input: JsonObject): Promise<ServiceAnswer> {
    const { scope, principal } = request
    return kms.call({
      operation,
      input,
      region: scope.region,
      accountId: principal.accountId,
      principal: rootOf(principal),
      via: S3_PRINCIPAL,
      isSecure: true,
      requestId: randomUUID(),
      timeMs: room.nowMs(),
    })
  }

  return {
    generate(request, place, asked) {
      const own = { [CONTEXT_KEY]: arnOf(asked.usesBucketKey ? { bucket: place.bucket, key: '' } : place, request) }
      const context = { ...asked.context, ...own }
      const get = (): Promise<Checked<DataKey>> => generated(request, asked, context)
      if (!asked.usesBucketKey) return get()
      return held(writing, JSON.stringify([requesterOf(request.principal), request.scope.region, asked.keyId, context]), get)
    },
    decrypt(request, kept) {
      const get = async (): Promise<Checked<Buffer>> => {
        // Without a key: CloudTrail shows S3's Decrypt with nothing but the context.
        // https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html
        const answer = await call(request, 'Decrypt', { CiphertextBlob: kept.encryptedKey, EncryptionContext: kept.context })
        return answer.ok ? accepted(Buffer.from(textOf(answer.value, 'Plaintext') ?? '', 'base64')) : answer
      }
      return kept.usesBucketKey ? held(reading, JSON.stringify([requesterOf(request.principal), kept.encryptedKey]), get) : get()
    },
  }
}

/** A bare key ID is one of the caller's account in the bucket's Region, an alias name likewise. */
function keyNameFor({ scope, principal }: HttpRequest, keyId: string): string {
  const place = { region: scope.region, accountId: principal.accountId }
  if (keyId.startsWith('arn:')) return keyId
  return keyId.startsWith('alias/') ? arnOfAlias(keyId, place) : (arnOfKey(keyId, place) ?? keyId)
}

/** All sessions of a role are one requester. */
function requesterOf({ arn, userIdentity }: Principal): string {
  const context = memberOf(userIdentity, 'sessionContext')
  const issuer = isJsonObject(context) ? memberOf(context, 'sessionIssuer') : null
  return (isJsonObject(issuer) ? textOf(issuer, 'arn') : null) ?? arn
}

function rootOf({ accountId }: Principal): Principal {
  const arn = `arn:aws:iam::${accountId}:root`
  return { accessKeyId: '', accountId, arn, userId: accountId, userIdentity: { type: 'Root', principalId: accountId, arn, accountId } }
}

function managedKeyPolicy(accountId: string, region: string): string {
  const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:CreateGrant', 'kms:DescribeKey']
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'auto-s3-2',
    Statement: [
      {
        Sid: 'Allow access through S3 for all principals in the account that are authorized to use S3',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: actions,
        Resource: '*',
        Condition: { StringEquals: { 'kms:CallerAccount': accountId, 'kms:ViaService': `s3.${region}.amazonaws.com` } },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'],
        Resource: '*',
      },
    ],
  })
}

/** As S3 hands on what KMS refuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function kmsRefusal({ code, message, status }: ServiceFailure): Refused {
  if (code === 'AccessDeniedException') return refuse('AccessDenied', message, 403)
  return status >= 500 ? refuse('InternalError', message, 500) : refuse(`KMS.${code}`, message)
}
