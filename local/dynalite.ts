import { createRequire } from 'node:module'
import dynaliteDb, { type Store } from 'dynalite/db/index.js'
import validations from 'dynalite/validations/index.js'
import { isJsonObject, type JsonObject, textOf } from '../shared/json.ts'
import type { Parsed } from '../shared/parsed.ts'

/** What DynamoDB answers to an operation that failed: the status and the body with `__type`. */
export type DynamoFailure = { readonly status: number; readonly body: JsonObject }
export type DynamoAnswer = { readonly output: JsonObject } | { readonly failure: DynamoFailure }

/** DynamoDB's operations in this process: dynalite without its server, whose socket it would take to close the database. */
export type Dynalite = {
  has(operation: string): boolean
  /** Rejected with what the database throws. */
  run(operation: string, input: JsonObject): Promise<DynamoAnswer>
  close(): Promise<void>
}

type Action = (store: Store, input: JsonObject, done: (error: unknown, output?: JsonObject) => void) => void
type Validation = { readonly types: unknown; readonly custom?: unknown }

/** The operations of dynalite 4.0.0 but those of time to live, which it has by name only. */
const OPERATIONS = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'UpdateItem',
  'UpdateTable',
] as const

/** Tables in a folder, or in memory without one. They change state at once. */
export function openDynalite(options: { readonly path: string | null; readonly accountId: string; readonly region: string }): Dynalite {
  const { path, accountId, region } = options
  const delays = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }
  const store = dynaliteDb.create(path === null ? delays : { ...delays, path })
  store.tableDb.awsAccountId = accountId
  store.tableDb.awsRegion = region
  const parts = new Map(OPERATIONS.map((operation) => [operation as string, partsOf(operation)]))
  return {
    has: (operation) => parts.has(operation),
    run(operation, input) {
      const part = parts.get(operation)
      if (part === undefined) throw new Error(`dynalite has no ${operation}`)
      return new Promise((resolve, reject) => {
        const settle = (error: unknown, output: JsonObject = {}): void => {
          if (error === null || error === undefined) {
            resolve({ output })
            return
          }
          const failure = failureOf(error)
          if (failure === null) reject(error instanceof Error ? error : new Error('dynalite failed', { cause: error }))
          else resolve({ failure })
        }
        try {
          const checked = validations.checkTypes(input, part.validation.types)
          validations.checkValidations(checked, part.validation.types, part.validation.custom, store)
          part.action(store, checked, settle)
        } catch (error) {
          settle(error)
        }
      })
    },
    close: () => store.lifecycleManager.gracefulClose(),
  }
}

/** One CommonJS module an operation, named after it. */
function partsOf(operation: string): { readonly action: Action; readonly validation: Validation } {
  const require = createRequire(import.meta.url)
  const file = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}.js`
  return {
    action: require(`dynalite/actions/${file}`) as Action,
    validation: require(`dynalite/validations/${file}`) as Validation,
  }
}

function failureOf(error: unknown): DynamoFailure | null {
  if (!(error instanceof Error) || !('statusCode' in error) || !('body' in error)) return null
  const { statusCode, body } = error
  return typeof statusCode === 'number' && isJsonObject(body) ? { status: statusCode, body } : null
}

/** The output of an operation that the caller expects to succeed; the reason is DynamoDB's own. */
export function outputOf(answer: DynamoAnswer): Parsed<JsonObject> {
  if ('output' in answer) return { ok: true, value: answer.output }
  return { ok: false, reason: textOf(answer.failure.body, '__type') ?? `status ${answer.failure.status}` }
}
