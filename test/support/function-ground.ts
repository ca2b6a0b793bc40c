import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import type { HttpAnswer } from '../../local/http.ts'
import { OPEN_ACCESS } from '../../local/iam/access.ts'
import { createKms } from '../../local/kms/service.ts'
import { createFunction, type InvocationOutcome, type LocalFunction } from '../../local/lambda/functions.ts'
import { createSecretsManager } from '../../local/secrets.ts'
import type { Table } from '../../shared/aws/table.ts'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { type EpochS, HOUR_S } from '../../shared/time.ts'
import { readUsage } from '../../shared/usage/read-usage.ts'
import type { UsageStore } from '../../shared/usage/usage-store.ts'
import type { UseTally } from '../../shared/usage/use-ledger.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { createUsageTables, type StoredItem } from './usage-tables.ts'

/** In the middle of an hour: no call close to it counts in two. */
export const NOW_MS = Date.parse('2026-10-20T07:30:00Z')
export const HOUR = (Date.parse('2026-10-20T06:00:00Z') / 1000) as EpochS
/** For lines, which come a moment after the answer; a busy machine's moments are long. */
export const PATIENCE = { timeout: 20_000 }
const ACCOUNT = '111122223333'
export const KEY_ARN = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`

/** A table of usage, a secret, and the handlers of functions/ in threads that find both over the wire. */
export type FunctionGround = {
  readonly table: Table
  readonly store: UsageStore
  /** All that the functions wrote since the ground was cleared. */
  readonly lines: readonly string[]
  /** The metrics of all invocations since the ground was cleared: lines come a moment after the answer. */
  metrics(): Promise<readonly JsonObject[]>
  /** PutItem fails for what this says of the request's body. */
  failPuts(fails: (body: string) => boolean): void
  start(
    name: 'count-key-usage' | 'roll-up-usage' | 'audit-change',
    changes?: { readonly timeoutMs?: number; readonly table?: string; readonly environment?: Readonly<Record<string, string>> },
  ): LocalFunction
  /** For any SDK client. */
  readonly client: Ground['client']
  items(): Promise<readonly StoredItem[]>
  usage(): Promise<readonly UseTally[]>
  /** Empties the table, and lets PutItem succeed. */
  clear(): Promise<void>
  close(): Promise<void>
}

export async function openFunctionGround(): Promise<FunctionGround> {
  let fails = never
  const secrets = createSecretsManager(new DatabaseSync(':memory:'))
  const ground = await openGround({
    services: [secrets, createKms(new DatabaseSync(':memory:'), { access: OPEN_ACCESS })],
    http: {
      dynamodb: {
        async answer(request): Promise<HttpAnswer> {
          const isPut = String(request.headers['x-amz-target']).endsWith('.PutItem')
          return isPut && fails(request.body.toString()) ? REFUSED : ground.dynamodb.answer(request)
        },
      },
    },
  })
  const tables = createUsageTables(ground.client)
  const table = await tables.newTable()
  const { region, credentials, endpoint } = ground.client
  const secretArn = secrets.ensureSecret('contexts', { length: 64, region, accountId: '000000000000', timeMs: NOW_MS })
  const lines: string[] = []
  const functions: LocalFunction[] = []
  const store = createUsageTable(table)
  let invocations = 0

  function metricsSoFar(): readonly JsonObject[] {
    return lines.flatMap((line) => {
      const value: unknown = line.startsWith('{') ? JSON.parse(line) : null
      return isJsonObject(value) && value['_aws'] !== undefined ? [value] : []
    })
  }
  async function metrics(): Promise<readonly JsonObject[]> {
    await expect.poll(() => metricsSoFar().length, PATIENCE).toBe(invocations)
    return metricsSoFar()
  }

  return {
    table,
    store,
    lines,
    metrics,
    failPuts: (says) => void (fails = says),
    async clear() {
      await metrics()
      invocations = 0
      lines.length = 0
      fails = never
      for (const { pk, sk } of await tables.itemsOf(table)) await table.remove(pk?.S ?? '', sk?.S ?? '')
    },
    client: ground.client,
    start(name, { timeoutMs = 60_000, table: tableName = table.name, environment = {} } = {}) {
      const started = createFunction({
        name,
        arn: `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`,
        source: new URL(`../../functions/${name}.ts`, import.meta.url).href,
        environment: {
          USAGE_TABLE: tableName,
          AUDITED_ACCOUNTS: '',
          ACCOUNT_ID: ACCOUNT,
          CONTEXT_DIGEST_SECRET: secretArn,
          POWERTOOLS_SERVICE_NAME: name,
          POWERTOOLS_METRICS_NAMESPACE: 'Keytrail',
          AWS_ENDPOINT_URL: endpoint,
          AWS_REGION: region,
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_CONFIG_FILE: '/dev/null',
          AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
          ...environment,
        },
        timeoutMs,
        nowMs: () => NOW_MS,
        onLog: (line) => void lines.push(line),
      })
      functions.push(started)
      return {
        ...started,
        invoke(event) {
          invocations++
          return started.invoke(event)
        },
      }
    },
    items: () => tables.itemsOf(table),
    usage: () => readUsage(store, { since: (HOUR - 2 * HOUR_S) as EpochS, until: (HOUR + 2 * HOUR_S) as EpochS }),
    async close() {
      for (const each of functions) await each.close()
      tables.destroy()
      await ground.close()
    },
  }
}

function never(_body: string): boolean {
  return false
}

/** Not tried again by the SDK. */
const REFUSED: HttpAnswer = {
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException', message: 'the store is away' }),
}

/** The event that brings a call of Decrypt, changed as told. */
export function decryptEvent(eventID: string, changes: { readonly detail?: object; readonly envelope?: object } = {}): string {
  return JSON.stringify({
    version: '0',
    id: eventID,
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.kms',
    account: ACCOUNT,
    region: 'us-east-1',
    detail: {
      eventVersion: '1.11',
      userIdentity: { type: 'IAMUser', arn: `arn:aws:iam::${ACCOUNT}:user/Alice`, accountId: ACCOUNT },
      eventTime: '2026-10-20T06:20:00Z',
      eventSource: 'kms.amazonaws.com',
      eventName: 'Decrypt',
      awsRegion: 'us-east-1',
      eventID,
      readOnly: true,
      resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: KEY_ARN }],
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      ...changes.detail,
    },
    ...changes.envelope,
  })
}

/** What SQS hands to a function: message `m<n>` has the n-th body. */
export function batchOf(bodies: readonly string[]): object {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index}`,
      receiptHandle: `r${index}`,
      body,
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(NOW_MS), SenderId: 'AIDA', ApproximateFirstReceiveTimestamp: '0' },
      messageAttributes: {},
      md5OfBody: createHash('md5').update(body).digest('hex'),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:key-usage',
      awsRegion: 'us-east-1',
    })),
  }
}

/** The messages that a function wants again. @throws if it failed */
export function failedOf(outcome: InvocationOutcome): readonly string[] {
  if (outcome.kind === 'failure') throw new Error(outcome.message)
  const { batchItemFailures } = outcome.value as { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()
}
