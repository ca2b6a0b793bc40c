/** KMS events as EventBridge sends them, made of the records of trail.ts: call n of a load is the same event whenever it is asked for. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createRandom, type Random } from '../local/cloudtrail/random.ts'
import { parseAccountId } from '../shared/arn.ts'
import type { EpochS } from '../shared/time.ts'
import { createContextDigester } from '../shared/usage/context-digest.ts'
import type { UsageMessageReader } from '../shared/usage/usage-message.ts'
import { hex, pinnedTrail, uuid } from './trail.ts'

export type Load = {
  readonly title: string
  readonly keys: number
  /** Encryption contexts of two pairs that a key is used with; null: every call has its own. */
  readonly contextsPerKey: number | null
  /** Instances of each role, each with a session of its own. */
  readonly sessionsPerRole: number
}

/** Body of the message that tells of call `index`, made at `second`. */
export type EventWriter = (index: number, second: number) => string

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const TEMPLATE_RECORDS = 5000
const OPERATIONS = ['Decrypt', 'GenerateDataKey'] as const
/** Each key is used by one of these. */
const ROLES = 7

type Json = Readonly<Record<string, unknown>>
type Template = Json & { readonly userIdentity: Json; readonly requestParameters: Json; readonly eventName: string }

/** Reads events as the function does, at a time of day that the bench says. */
export function usageReader(now: EpochS): UsageMessageReader {
  const account = parseAccountId(ACCOUNT)
  if (account === null) throw new Error('twelve digits are an account')
  return { accounts: new Set([account]), now, digestOf: createContextDigester(Buffer.from('a key for benches')) }
}

let templates: readonly (readonly Template[])[] | undefined

export function createEventWriter({ keys, contextsPerKey, sessionsPerRole }: Load): EventWriter {
  const byOperation = (templates ??= readTemplates())
  const random = createRandom(keys)
  const known = Array.from({ length: keys }, () => ({
    arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${uuid(random)}`,
    materialId: hex(random, 64),
  }))
  const sessions = Array.from({ length: ROLES }, (_, role) =>
    Array.from({ length: sessionsPerRole }, (__, session) => identity(random, role, session)),
  )
  return (index, second) => {
    const dice = createRandom(Math.imul(index + 1, 0x9e37_79b1))
    const number = Math.floor(dice() * keys)
    const key = known[number] ?? { arn: '', materialId: '' }
    const ofOperation = byOperation[Math.floor(dice() * OPERATIONS.length)] ?? []
    // What a key is used for goes with the key: its record has one shape an operation.
    const template = ofOperation[number % ofOperation.length]
    const userIdentity = sessions[number % ROLES]?.[Math.floor(dice() * sessionsPerRole)]
    if (template === undefined || userIdentity === undefined) throw new Error('nothing to make an event of')
    const { invokedBy } = template.userIdentity
    const context = contextsPerKey === null ? uuid(dice) : `${number}-${Math.floor(dice() * contextsPerKey)}`
    const time = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`
    const detail = {
      ...template,
      userIdentity: invokedBy === undefined ? userIdentity : { ...userIdentity, invokedBy },
      eventTime: time,
      requestParameters: {
        ...template.requestParameters,
        ...('keyId' in template.requestParameters ? { keyId: key.arn } : {}),
        encryptionContext: { purpose: 'customer-documents', tenant: `tenant-${context}` },
      },
      additionalEventData: { keyMaterialId: key.materialId },
      requestID: uuid(dice),
      eventID: uuid(dice),
      resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: key.arn }],
    }
    return JSON.stringify({
      version: '0',
      id: uuid(dice),
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.kms',
      account: ACCOUNT,
      time,
      region: REGION,
      resources: [],
      detail,
    })
  }
}

/** The pinned trail's calls of each operation that succeeded. */
function readTemplates(): readonly (readonly Template[])[] {
  const [file = ''] = pinnedTrail(path.resolve(import.meta.dirname, '../.bench/live'), TEMPLATE_RECORDS).files
  const { Records } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { readonly Records: readonly Template[] }
  return OPERATIONS.map((operation) => Records.filter((record) => record.eventName === operation && !('errorCode' in record)))
}

function identity(random: Random, role: number, session: number): Json {
  const roleName = `svc-${role}-worker`
  const principalId = `AROA${hex(random, 17).toUpperCase()}`
  const name = `i-${hex(random, 17)}`
  return {
    type: 'AssumedRole',
    principalId: `${principalId}:${name}`,
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${roleName}/${name}`,
    accountId: ACCOUNT,
    accessKeyId: `ASIA${hex(random, 16).toUpperCase()}`,
    sessionContext: {
      sessionIssuer: { type: 'Role', principalId, arn: `arn:aws:iam::${ACCOUNT}:role/${roleName}`, accountId: ACCOUNT, userName: roleName },
      attributes: { creationDate: `2026-10-01T00:${String(10 + session)}:00Z`, mfaAuthenticated: 'false' },
    },
  }
}
