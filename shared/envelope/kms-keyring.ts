import { createHash } from 'node:crypto'
import { type KmsKeyArn, parseKmsKeyArn } from '../arn.ts'
import type { EncryptionContext } from './encryption-context.ts'
import { EnvelopeError, type KeyFailure } from './errors.ts'
import type { KmsClient } from './kms-client.ts'
import { type Discovery, discoveryChoice, type KeyChoice, requireKeyArn, strictChoice } from './kms-key-choice.ts'
import { kmsFailure } from './kms-failure.ts'
import type { DataKey, EncryptedDataKey, Keyring } from './materials.ts'
import { noneWorked } from './raw-aes-keyring.ts'

export type { KmsClient } from './kms-client.ts'

type CommonOptions = { readonly client: KmsClient; readonly grantTokens?: readonly string[] }
type StrictOptions = CommonOptions & {
  /** The ARN of the KMS key that makes data keys, never an alias. A multi-Region key also reads what its replicas wrote. */
  readonly keyArn: string
  /** More keys, any of which will do to decrypt: each costs a call of Encrypt for each data key. */
  readonly furtherKeyArns?: readonly string[]
  readonly discovery?: undefined
}
type DiscoveryOptions = CommonOptions & {
  /** Reads messages under any key of these accounts, and writes none. */
  readonly discovery: Discovery
  readonly keyArn?: undefined
  readonly furtherKeyArns?: undefined
}
export type KmsKeyringOptions = StrictOptions | DiscoveryOptions

const PROVIDER = 'aws-kms'
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html */
const GRANT_TOKENS_MAX = 10

/** Caches must not hand the data key of one client to another, which may have other rights: each client gets a number of its own. */
const numbers = new WeakMap<KmsClient, number>()
let clients = 0

/**
 * Data keys made and decrypted by KMS. Strict with `keyArn`: the ARN is sent with every call and compared in every answer. With `discovery`
 * it only decrypts.
 * @throws EnvelopeError `key-arn` where an ARN is needed and something else (such as an alias) was given, `options`
 */
export function kmsKeyring(options: KmsKeyringOptions): Keyring {
  const { client, grantTokens = [], discovery } = options
  if (grantTokens.length > GRANT_TOKENS_MAX) throw new EnvelopeError('options', `KMS takes at most ${GRANT_TOKENS_MAX} grant tokens`)
  if (discovery !== undefined && (options.keyArn !== undefined || options.furtherKeyArns !== undefined)) {
    throw new EnvelopeError('options', 'either key ARNs or discovery must be given, and not both')
  }
  const keyArns = discovery === undefined ? strictArns(options) : []
  const choice = discovery === undefined ? strictChoice(keyArns) : discoveryChoice(discovery)
  const rights = { keyArns, discovery: discovery ?? null, grantTokens }
  const digest = createHash('sha256').update(JSON.stringify(rights)).digest('hex')
  return {
    identity: `kms:${numberOf(client)}:${digest}`,
    generateDataKey: ({ suite, encryptionContext }) =>
      generatedDataKey({ client, grantTokens, encryptionContext }, keyArns, suite.dataKeyBytes),
    decryptDataKey: ({ suite, encryptionContext, encryptedDataKeys }) =>
      decryptedDataKey({ client, grantTokens, encryptionContext }, choice, encryptedDataKeys, suite.dataKeyBytes),
  }
}

type Call = { readonly client: KmsClient; readonly grantTokens: readonly string[]; readonly encryptionContext: EncryptionContext }

async function generatedDataKey(
  call: Call,
  [keyArn, ...furtherKeyArns]: readonly KmsKeyArn[],
  bytes: number,
): ReturnType<Keyring['generateDataKey']> {
  if (keyArn === undefined) throw new EnvelopeError('generate-data-key', 'a keyring that discovers keys can only decrypt')
  const { client, ...rights } = call
  const { encryptionContext } = rights
  const made = await newDataKey(call, keyArn, bytes)
  const dataKey = ownedDataKey(made.plaintext, keyArn)
  const wrong = wrongAnswer(keyArn, made, bytes)
  const failures: KeyFailure[] = wrong === null ? [] : [wrong]
  const encryptedDataKeys = [encryptedUnder(keyArn, made.ciphertext)]
  for (const furtherKeyArn of wrong === null ? furtherKeyArns : []) {
    try {
      const answer = await client.encrypt({ keyArn: furtherKeyArn, plaintext: dataKey.bytes, ...rights })
      const unlike = wrongAnswer(furtherKeyArn, answer, null)
      if (unlike === null) encryptedDataKeys.push(encryptedUnder(furtherKeyArn, answer.ciphertext))
      else failures.push(unlike)
    } catch (error) {
      failures.push(kmsFailure(furtherKeyArn, error, encryptionContext, dataKey.bytes))
    }
  }
  if (failures.length === 0) return { dataKey, encryptedDataKeys }
  dataKey.bytes.fill(0)
  throw new EnvelopeError('generate-data-key', 'not every key of the keyring wrapped the data key', failures)
}

async function newDataKey({ client, ...rights }: Call, keyArn: KmsKeyArn, bytes: number): ReturnType<KmsClient['generateDataKey']> {
  try {
    return await client.generateDataKey({ keyArn, bytes, ...rights })
  } catch (error) {
    throw new EnvelopeError('generate-data-key', 'KMS gave no data key', [kmsFailure(keyArn, error, rights.encryptionContext, null)])
  }
}

async function decryptedDataKey(
  { client, grantTokens, encryptionContext }: Call,
  choice: KeyChoice,
  encryptedDataKeys: readonly EncryptedDataKey[],
  bytes: number,
): Promise<DataKey> {
  const failures: KeyFailure[] = []
  for (const { providerId, providerInfo, ciphertext } of encryptedDataKeys) {
    const named = providerId === PROVIDER ? parseKmsKeyArn(Buffer.from(providerInfo).toString('utf8')) : null
    const keyArn = named === null ? null : choice(named)
    if (keyArn === null) continue
    try {
      const answer = await client.decrypt({ keyArn, ciphertext, encryptionContext, grantTokens })
      const dataKey = ownedDataKey(answer.plaintext, keyArn)
      const wrong = wrongAnswer(keyArn, { keyArn: answer.keyArn, plaintext: dataKey.bytes }, bytes)
      if (wrong === null) return dataKey
      dataKey.bytes.fill(0)
      failures.push(wrong)
    } catch (error) {
      failures.push(kmsFailure(keyArn, error, encryptionContext, null))
    }
  }
  throw new EnvelopeError('decrypt-data-key', noneWorked(encryptedDataKeys.length, failures.length), failures)
}

function strictArns({ keyArn, furtherKeyArns = [] }: KmsKeyringOptions): readonly KmsKeyArn[] {
  const arns = [requireKeyArn('keyArn', keyArn), ...furtherKeyArns.map((arn) => requireKeyArn('furtherKeyArns', arn))]
  if (new Set(arns).size < arns.length) throw new EnvelopeError('options', 'the same KMS key was given twice')
  return arns
}

/** Its own copy: the client's is overwritten at once, whatever buffer it lies in. */
function ownedDataKey(plaintext: Uint8Array, wrappedBy: string): DataKey {
  const bytes = Buffer.from(plaintext)
  plaintext.fill(0)
  return { bytes, wrappedBy }
}

function encryptedUnder(keyArn: KmsKeyArn, ciphertext: Uint8Array): EncryptedDataKey {
  return { providerId: PROVIDER, providerInfo: Buffer.from(keyArn), ciphertext }
}

function wrongAnswer(
  asked: KmsKeyArn,
  answer: { readonly keyArn: string; readonly plaintext?: Uint8Array },
  bytes: number | null,
): KeyFailure | null {
  if (answer.keyArn !== asked) return { key: asked, reason: 'KMS answered for another key' }
  if (bytes !== null && answer.plaintext?.length !== bytes) return { key: asked, reason: 'KMS gave a data key of a wrong length' }
  return null
}

function numberOf(client: KmsClient): number {
  const known = numbers.get(client)
  if (known !== undefined) return known
  clients++
  numbers.set(client, clients)
  return clients
}
