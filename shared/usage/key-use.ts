import { type KmsKeyArn, kmsKeyArn, parseKmsKeyArn } from '../arn.ts'
import type { CloudTrailRecord } from '../cloudtrail/record.ts'
import { type JsonObject, textOf } from '../json.ts'
import { cappedText } from '../text.ts'
import { type CryptographicEvent, isCryptographicEvent, KMS_EVENT_SOURCE, type Operation } from './operations.ts'
import { type Scope, scopeOf } from './scope.ts'

/** `dryRun`: KMS only said whether the call would have been allowed; no key was used. */
export type Outcome = 'succeeded' | 'failed' | 'dryRun'

/** One use of one key, as one record tells it. */
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

/** What a caller sent, and an error's code, can be anything a stranger likes. */
const SENT_BYTES_MAX = 256
const ERROR_CODE_BYTES_MAX = 128
/** 64 hexadecimal digits. https://docs.aws.amazon.com/kms/latest/developerguide/ct-generatedatakey.html */
const KEY_MATERIAL_ID = /^[0-9a-f]{64}$/
const DRY_RUN_ERROR = 'DryRunOperationException'

/** A record of a cryptographic operation. Network activity is a second record of a call that is counted by its first. */
export function isCryptographicCall(record: CloudTrailRecord): record is CloudTrailRecord & { readonly eventName: CryptographicEvent } {
  return record.eventSource === KMS_EVENT_SOURCE && isCryptographicEvent(record.eventName) && !record.isNetworkActivity
}

/** The uses of keys that a record tells of: one, or two of a ReEncrypt; none if it is no cryptographic call. */
export function keyUsesOf(record: CloudTrailRecord): readonly KeyUse[] {
  if (!isCryptographicCall(record)) return []
  if (record.eventName !== 'ReEncrypt') {
    return [useOf(record, record.eventName, 0, ['keyId', 'encryptionContext', 'keyMaterialId'])]
  }
  // https://docs.aws.amazon.com/kms/latest/developerguide/ct-reencrypt.html: resources are the source key, then the destination key.
  return [
    useOf(record, 'ReEncryptFrom', 0, ['sourceKeyId', 'sourceEncryptionContext', 'sourceKeyMaterialId']),
    useOf(record, 'ReEncryptTo', 1, ['destinationKeyId', 'destinationEncryptionContext', 'destinationKeyMaterialId']),
  ]
}

type Names = readonly [keyId: string, encryptionContext: string, keyMaterialId: string]

function useOf(record: CloudTrailRecord, operation: Operation, resource: number, names: Names): KeyUse {
  const [keyIdName, contextName, materialName] = names
  const request: JsonObject = record.requestParameters ?? {}
  const material = record.additionalEventData === null ? null : textOf(record.additionalEventData, materialName)
  const keyId = textOf(request, keyIdName)
  const keyArn = record.keyArns[resource] ?? (record.errorCode === null && keyId !== null ? requestedKey(record, keyId) : null)
  return {
    operation,
    keyArn,
    sent: keyArn !== null || keyId === null ? null : cappedText(keyId, SENT_BYTES_MAX),
    isCallersCopy: record.recipientAccountId !== null && record.recipientAccountId === record.caller.accountId,
    caller: record.caller.name,
    service: record.caller.service,
    scope: scopeOf(Object.hasOwn(request, contextName) ? request[contextName] : undefined),
    keyMaterialId: material !== null && KEY_MATERIAL_ID.test(material) ? material : null,
    outcome: record.errorCode === null ? 'succeeded' : record.errorCode === DRY_RUN_ERROR ? 'dryRun' : 'failed',
    errorCode: record.errorCode === null ? null : cappedText(record.errorCode, ERROR_CODE_BYTES_MAX),
  }
}

/** The key that a call which succeeded asked for. An alias may point elsewhere by now: it names no key. */
function requestedKey(record: CloudTrailRecord, keyId: string): KmsKeyArn | null {
  if (keyId.startsWith('arn:')) return parseKmsKeyArn(keyId)
  if (record.region === null || record.recipientAccountId === null) return null
  return kmsKeyArn({ keyId, region: record.region, accountId: record.recipientAccountId })
}
