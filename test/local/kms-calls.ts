import { DatabaseSync } from 'node:sqlite'
import type { ServiceEvent } from '../../local/cloudtrail/service-event.ts'
import { createKms, type KmsParts } from '../../local/kms/service.ts'
import type { ServiceAnswer, ServiceCall, Trail } from '../../local/service.ts'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import { type CloudTrailRecord, parseRecord } from '../../shared/cloudtrail/record.ts'
import type { JsonObject } from '../../shared/json.ts'
import { type KeyUse, keyUsesOf } from '../../shared/usage/key-use.ts'

export const REGION = 'eu-central-1'
export const ACCOUNT = accountId('111122223333')
export const START_MS = Date.parse('2026-10-20T07:04:39Z')
export const DAY_MS = 86_400_000

const CALLER_ARN = 'arn:aws:iam::111122223333:role/OrdersService'

function accountId(text: string): AccountId {
  const account = parseAccountId(text)
  if (account === null) throw new Error(`${text} is no account ID`)
  return account
}

export type Answered = { readonly answer: ServiceAnswer; readonly call: ServiceCall }

/** A KMS to call, with a clock that tests set. */
export class Cloud {
  timeMs = START_MS
  /** What KMS told that it did by itself. */
  readonly events: ServiceEvent[] = []
  readonly #kms

  constructor(db: DatabaseSync = new DatabaseSync(':memory:'), parts: KmsParts = {}) {
    this.#kms = createKms(db, { onServiceEvent: (event) => void this.events.push(event), ...parts })
  }

  async send(operation: string, input: JsonObject = {}, region = REGION): Promise<Answered> {
    const call: ServiceCall = {
      operation,
      input,
      region,
      accountId: ACCOUNT,
      principal: {
        accessKeyId: 'AKIAEXAMPLE',
        accountId: ACCOUNT,
        arn: CALLER_ARN,
        userId: 'AROAEXAMPLE',
        userIdentity: { type: 'AssumedRole', accountId: ACCOUNT, arn: CALLER_ARN },
      },
      via: null,
      isSecure: false,
      requestId: '12345126-30d5-4b28-98b9-9153da559963',
      timeMs: this.timeMs,
    }
    return { answer: await this.#kms.call(call), call }
  }

  /** The output of a call that has to succeed. */
  async do(operation: string, input: JsonObject = {}, region = REGION): Promise<JsonObject> {
    const { answer } = await this.send(operation, input, region)
    if ('failure' in answer) throw new Error(`${operation}: ${answer.failure.code} ${answer.failure.message}`)
    return answer.output
  }

  /** The error code of a call; null if it succeeded. */
  async codeOf(operation: string, input: JsonObject = {}, region = REGION): Promise<string | null> {
    const { answer } = await this.send(operation, input, region)
    return 'failure' in answer ? answer.failure.code : null
  }

  async createKey(input: JsonObject = {}, region = REGION): Promise<{ readonly keyId: string; readonly keyArn: string }> {
    const metadata = (await this.do('CreateKey', input, region))['KeyMetadata'] as JsonObject
    return { keyId: textOf(metadata, 'KeyId'), keyArn: textOf(metadata, 'Arn') }
  }

  async encrypt(keyId: string, plaintext: string, context?: JsonObject): Promise<string> {
    const input = { KeyId: keyId, Plaintext: base64(plaintext), ...(context === undefined ? {} : { EncryptionContext: context }) }
    return textOf(await this.do('Encrypt', input), 'CiphertextBlob')
  }
}

export function textOf(object: JsonObject, name: string): string {
  const value = object[name]
  if (typeof value !== 'string') throw new Error(`${name} is no text`)
  return value
}

export function base64(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function trailOf({ answer }: Answered): Trail {
  if (answer.trail === null) throw new Error('the call has no trail')
  return answer.trail
}

/** The CloudTrail record of a call, as Keytrail reads it. */
function recordOf(answered: Answered): CloudTrailRecord {
  const { answer, call } = answered
  const record = parseRecord({
    eventVersion: '1.11',
    userIdentity: call.principal.userIdentity,
    eventTime: new Date(call.timeMs).toISOString(),
    eventSource: 'kms.amazonaws.com',
    eventName: call.operation,
    awsRegion: call.region,
    ...('failure' in answer ? { errorCode: answer.failure.code, errorMessage: answer.failure.message } : {}),
    ...trailOf(answered),
    requestID: call.requestId,
    eventID: '7cebf615-8714-4cdb-a670-5a7af6ca1049',
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: call.accountId,
    eventCategory: 'Management',
  })
  if (!record.ok) throw new Error(record.reason)
  return record.value
}

export function usesOf(answered: Answered): readonly KeyUse[] {
  return keyUsesOf(recordOf(answered))
}
