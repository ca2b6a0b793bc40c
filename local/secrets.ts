import { randomInt, randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type JsonObject, memberOf, textOf } from '../shared/json.ts'
import { answerOf, type Outcome, type RecordedOperation, type Refusal, refusal } from './recorded-operation.ts'
import type { Service, ServiceCall } from './service.ts'

export type SecretPlace = { readonly region: string; readonly accountId: string; readonly timeMs: number }
export type SecretsManager = Service & {
  /** The ARN of a secret of that name, which is made with random letters and digits if there is none. */
  ensureSecret(name: string, options: SecretPlace & { readonly length: number }): string
}

type Secret = {
  readonly arn: string
  readonly name: string
  readonly value: string
  readonly versionId: string
  readonly createdMs: number
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const SECRET_BYTES_MAX = 65_536
/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
const NAME = /^[\w/+=.@-]{1,512}$/
const TOKEN = /^[\w-]{32,64}$/
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** AWS ends the ARN of a secret with a dash and six of them. */
const SUFFIX_LENGTH = 6
const LENGTH_MAX = 4096
const CURRENT = 'AWSCURRENT'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS secrets_secrets (
    arn TEXT PRIMARY KEY, region TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, version_id TEXT NOT NULL, created_ms INTEGER NOT NULL,
    UNIQUE (region, name)
  ) STRICT
`

/** Secrets Manager with one version of each secret. Values stand in the database as they are: it is a stand-in, no safe. */
export function createSecretsManager(db: DatabaseSync): SecretsManager {
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT INTO secrets_secrets VALUES (?, ?, ?, ?, ?, ?)')
  const select = db.prepare(
    `SELECT arn, name, value, version_id, created_ms FROM secrets_secrets
     WHERE region = $region AND (name = $id OR arn = $id OR substr(arn, 1, length(arn) - ${SUFFIX_LENGTH + 1}) = $id)`,
  )

  function find(region: string, id: string): Secret | null {
    const row = select.get({ region, id })
    if (row === undefined) return null
    const text = (name: string): string => String(row[name])
    return {
      arn: text('arn'),
      name: text('name'),
      value: text('value'),
      versionId: text('version_id'),
      createdMs: Number(row['created_ms']),
    }
  }

  function create(name: string, value: string, place: SecretPlace & { readonly versionId?: string }): Secret {
    const arn = `arn:aws:secretsmanager:${place.region}:${place.accountId}:secret:${name}-${randomLetters(SUFFIX_LENGTH)}`
    const secret = { arn, name, value, versionId: place.versionId ?? randomUUID(), createdMs: Math.round(place.timeMs) }
    insert.run(arn, place.region, name, value, secret.versionId, secret.createdMs)
    return secret
  }

  function createSecret({ input, region, accountId, timeMs }: ServiceCall): Outcome {
    const name = textOf(input, 'Name') ?? ''
    const value = textOf(input, 'SecretString')
    const token = memberOf(input, 'ClientRequestToken') ?? randomUUID()
    if (!NAME.test(name))
      return refusal(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@',
      )
    if (typeof token !== 'string' || !TOKEN.test(token))
      return refusal('ValidationException', 'ClientRequestToken must be 32 to 64 characters.')
    if (value === null) return refusal('InvalidRequestException', 'The local cloud makes secrets with a SecretString only.')
    if (Buffer.byteLength(value) > SECRET_BYTES_MAX)
      return refusal('ValidationException', `SecretString must have at most ${SECRET_BYTES_MAX} bytes.`)
    const known = findByName(region, name)
    // The same request once more, as an SDK sends it that had no answer.
    if (known !== null && known.versionId === token && known.value === value) return versionAnswer(known)
    if (known !== null) return refusal('ResourceExistsException', `The operation failed because the secret ${name} already exists.`)
    return versionAnswer(create(name, value, { region, accountId, timeMs, versionId: token }))
  }

  function findByName(region: string, name: string): Secret | null {
    const secret = find(region, name)
    return secret?.name === name ? secret : null
  }

  function secretOfCall(call: ServiceCall): Secret | Refusal {
    const id = textOf(call.input, 'SecretId')
    if (id === null) return refusal('ValidationException', 'SecretId must not be empty.')
    return find(call.region, id) ?? refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  }

  function getSecretValue(call: ServiceCall): Outcome {
    const secret = secretOfCall(call)
    if ('code' in secret) return secret
    const stage = memberOf(call.input, 'VersionStage') ?? CURRENT
    const version = memberOf(call.input, 'VersionId') ?? secret.versionId
    if (stage !== CURRENT || version !== secret.versionId) {
      return refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret value for the version asked for.")
    }
    const { arn, name, value, versionId, createdMs } = secret
    return {
      output: { ARN: arn, Name: name, VersionId: versionId, SecretString: value, VersionStages: [CURRENT], CreatedDate: createdMs / 1000 },
    }
  }

  function describeSecret(call: ServiceCall): Outcome {
    const secret = secretOfCall(call)
    if ('code' in secret) return secret
    const { arn, name, versionId, createdMs } = secret
    return { output: { ARN: arn, Name: name, CreatedDate: createdMs / 1000, VersionIdsToStages: { [versionId]: [CURRENT] } } }
  }

  const operations = new Map<string, RecordedOperation>([
    ['CreateSecret', { readOnly: false, recorded: recordedCreation, run: createSecret }],
    ['GetSecretValue', { readOnly: true, run: getSecretValue }],
    ['DescribeSecret', { readOnly: true, run: describeSecret }],
  ])
  return {
    signingName: 'secretsmanager',
    targetPrefixes: ['secretsmanager'],
    eventSource: 'secretsmanager.amazonaws.com',
    call: (call) => answerOf(operations, call),
    ensureSecret: (name, { length, ...place }) => {
      if (!NAME.test(name) || !(length >= 1 && length <= LENGTH_MAX)) throw new RangeError('no name of a secret, or no length of one')
      return (findByName(place.region, name) ?? create(name, randomLetters(length), place)).arn
    },
  }
}

function versionAnswer({ arn, name, versionId }: Secret): Outcome {
  return { output: { ARN: arn, Name: name, VersionId: versionId } }
}

/** The value never stands in a trail. */
function recordedCreation(input: JsonObject): JsonObject {
  const named: readonly (readonly [recorded: string, member: string])[] = [
    ['name', 'Name'],
    ['description', 'Description'],
    ['clientRequestToken', 'ClientRequestToken'],
    ['kmsKeyId', 'KmsKeyId'],
  ]
  return Object.fromEntries(
    named.flatMap(([recorded, member]) => (Object.hasOwn(input, member) ? [[recorded, memberOf(input, member)]] : [])),
  )
}

function randomLetters(length: number): string {
  return Array.from({ length }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('')
}
