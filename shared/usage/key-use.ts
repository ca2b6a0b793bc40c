import { type KmsKeyArn, kmsKeyArn, parseKmsKeyArn } from '../arn.ts'
import type { Brand } from '../brand.ts'
import type { CallAttributes, CallFacts, CloudTrailRecord } from '../cloudtrail/record.ts'
import { type JsonObject, memberOf, textOf } from '../json.ts'
import { cappedText } from '../text.ts'
import { CRYPTOGRAPHIC_EVENTS, type CryptographicEvent, isCryptographicEvent, KMS_EVENT_SOURCE, type Operation } from './operations.ts'
import { type Scope, scopeOf } from './scope.ts'

/** `dryRun`: KMS only said whether the call would have been allowed; no key was used. */
export type Outcome = 'succeeded' | 'failed' | 'dryRun'

/** One use of one key, as one record tells it, and many others may. */
export type KeyUse = {
  readonly operation: Operation
  /** The key; null if the record does not name one that can be relied on. */
  readonly keyArn: KmsKeyArn | null
  /** Without a key: what the caller sent in its place, 256 bytes at most; null if nothing was. */
  readonly sent: string | null
  /** The record was delivered to the caller's own account, where the caller is told in full. */
  readonly isCallersCopy: boolean
  readonly caller: string | null
  readonly service: string | null
  readonly scope: Scope
  /** Which of the key's materials (rotations) was used. */
  readonly keyMaterialId: string | null
  readonly outcome: Outcome
  /** The error's code of a failed call. */
  readonly errorCode: string | null
}

/** Stands for an encryption context's content: 24 hexadecimal digits. */
export type ContextDigest = Brand<string, 'ContextDigest'>
/** What stands for an encryption context; null: nothing does. */
export type ContextDigester = (encryptionContext: unknown) => ContextDigest | null

/** The uses that a record tells of, and the digest of each one's encryption context, which may be another in every record. */
export type ToldUses = { readonly uses: readonly KeyUse[]; readonly contextDigests: readonly (ContextDigest | null)[] }

/** What a caller sent, and an error's code, can be anything a stranger likes. */
export const SENT_BYTES_MAX = 256
const ERROR_CODE_BYTES_MAX = 128
/** 64 hexadecimal digits. https://docs.aws.amazon.com/kms/latest/developerguide/ct-generatedatakey.html */
const KEY_MATERIAL_ID = /^[0-9a-f]{64}$/
const DRY_RUN_ERROR = 'DryRunOperationException'

/** A cryptographic operation. Network activity is a second record of a call that is counted by its first. */
export function isCryptographicCall<Facts extends CallFacts>(facts: Facts): facts is Facts & { readonly eventName: CryptographicEvent } {
  return facts.eventSource === KMS_EVENT_SOURCE && isCryptographicEvent(facts.eventName) && !facts.isNetworkActivity
}

/** The uses of keys that a record tells of: one, or two of a ReEncrypt; none if it is no cryptographic call. */
export function keyUsesOf(record: CloudTrailRecord): readonly KeyUse[] {
  return isCryptographicCall(record) ? keyUses(record, keyRequestsOf(record, record.requestParameters)) : []
}

/** The same, with digests. */
export function toldUsesOf(record: CloudTrailRecord, digestOf: ContextDigester): ToldUses {
  if (!isCryptographicCall(record)) return { uses: [], contextDigests: [] }
  const requests = keyRequestsOf(record, record.requestParameters)
  return { uses: keyUses(record, requests), contextDigests: requests.map(({ encryptionContext }) => digestOf(encryptionContext)) }
}

/** What a call asked of one key; `keyId` only where `resources` does not name the key. */
export type KeyRequest = { readonly keyId: string | null; readonly scope: Scope; readonly encryptionContext: unknown }

type UseNames = {
  readonly operation: Operation
  readonly keyId: string
  readonly encryptionContext: string
  readonly keyMaterialId: string
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/ct-reencrypt.html: resources are the source key, then the destination key. */
const RE_ENCRYPT: readonly UseNames[] = [
  { operation: 'ReEncryptFrom', keyId: 'sourceKeyId', encryptionContext: 'sourceEncryptionContext', keyMaterialId: 'sourceKeyMaterialId' },
  {
    operation: 'ReEncryptTo',
    keyId: 'destinationKeyId',
    encryptionContext: 'destinationEncryptionContext',
    keyMaterialId: 'destinationKeyMaterialId',
  },
]

/** The uses of each event, in the order in which `resources` names their keys, and the names of what belongs to each. */
const USES_OF_EVENT: ReadonlyMap<CryptographicEvent, readonly UseNames[]> = new Map(
  CRYPTOGRAPHIC_EVENTS.map((eventName) => [
    eventName,
    eventName === 'ReEncrypt'
      ? RE_ENCRYPT
      : [{ operation: eventName, keyId: 'keyId', encryptionContext: 'encryptionContext', keyMaterialId: 'keyMaterialId' }],
  ]),
)

function usesOfEvent(eventName: CryptographicEvent): readonly UseNames[] {
  return USES_OF_EVENT.get(eventName) ?? []
}

/** What an event asked of each key it uses, in the order of `keyUses`. */
export function keyRequestsOf(
  { eventName, keyArns }: CallFacts & { readonly eventName: CryptographicEvent },
  requestParameters: JsonObject | null,
): readonly KeyRequest[] {
  const request = requestParameters ?? {}
  return usesOfEvent(eventName).map((names, index) => {
    const encryptionContext = memberOf(request, names.encryptionContext)
    const keyId = keyArns[index] === undefined ? textOf(request, names.keyId) : null
    return { keyId, scope: scopeOf(encryptionContext), encryptionContext }
  })
}

/** The uses of a call with these attributes, each with what was asked of its key. */
export function keyUses(
  call: CallAttributes & { readonly eventName: CryptographicEvent },
  requests: readonly Pick<KeyRequest, 'keyId' | 'scope'>[],
): readonly KeyUse[] {
  return usesOfEvent(call.eventName).map((names, index) => {
    const { keyId, scope } = requests[index] ?? { keyId: null, scope: 'none' }
    const material = call.additionalEventData === null ? null : textOf(call.additionalEventData, names.keyMaterialId)
    const keyArn = call.keyArns[index] ?? (call.errorCode === null && keyId !== null ? requestedKey(call, keyId) : null)
    return {
      operation: names.operation,
      keyArn,
      sent: keyArn !== null || keyId === null ? null : cappedText(keyId, SENT_BYTES_MAX),
      isCallersCopy: call.recipientAccountId !== null && call.recipientAccountId === call.caller.accountId,
      caller: call.caller.name,
      service: call.caller.service,
      scope,
      keyMaterialId: material !== null && KEY_MATERIAL_ID.test(material) ? material : null,
      outcome: call.errorCode === null ? 'succeeded' : call.errorCode === DRY_RUN_ERROR ? 'dryRun' : 'failed',
      errorCode: call.errorCode === null ? null : cappedText(call.errorCode, ERROR_CODE_BYTES_MAX),
    }
  })
}

/** The key that a call which succeeded asked for. An alias may point elsewhere by now: it names no key. */
function requestedKey(call: CallAttributes, keyId: string): KmsKeyArn | null {
  if (keyId.startsWith('arn:')) return parseKmsKeyArn(keyId)
  if (call.region === null || call.recipientAccountId === null) return null
  return kmsKeyArn({ keyId, region: call.region, accountId: call.recipientAccountId })
}
