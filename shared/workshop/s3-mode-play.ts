import { decrypt, encrypt, EnvelopeError, kmsKeyring } from '../envelope/index.ts'
import { needed, refusalText } from './make.ts'
import type { EncryptionHeaders, ObjectEncryption, StoredObject } from './ports.ts'
import type { Tried } from '../tried.ts'
import { onceAllowed, type RoleSession } from './roles.ts'
import {
  type Cells,
  headersText,
  KEY_HEADER,
  type KmsMode,
  MD5_HEADER,
  objectNames,
  type Reading,
  READERS,
  readersText,
  S3_OWN_KEY,
  type S3Mode,
  TITLES,
} from './s3-mode-list.ts'
import { type Stage, step } from './stage.ts'
import { noteObject } from './things.ts'

/** Who puts and gets, what, and under which keys. */
export type S3Scene = {
  readonly bucket: string
  readonly plaintext: Uint8Array
  readonly keyArns: Readonly<Record<KmsMode, string>>
  /** Of SSE-C. */
  readonly customerKey: Uint8Array
  /** May put, and ask KMS for data keys. */
  readonly writer: RoleSession
  /** May get, and nothing else. */
  readonly reader: RoleSession
  /** May get, and have KMS decrypt. */
  readonly decrypter: RoleSession
}

type Got = Tried<StoredObject & { readonly body: Uint8Array }>
type Attempt = {
  readonly who: string
  readonly reading: Reading
  readonly reason: string
  /** That the opened messages name, of client-side encryption. */
  readonly keyArns: readonly string[]
}

/** Stores the file in a mode, lets each role try to read it, and tells what was seen. */
export async function playMode(stage: Stage, scene: S3Scene, mode: S3Mode): Promise<Cells> {
  const { plaintext } = scene
  const body = mode === 'client-side' ? await encryptedHere(stage, scene) : plaintext
  const put: StoredObject[] = []
  for (const key of objectNames(mode)) {
    const object = { bucket: scene.bucket, key }
    await noteObject(stage, object)
    const stored = await onceAllowed(stage, () => scene.writer.s3.put({ ...object, body, encryption: encryptionOf(mode, scene) }))
    put.push(needed(`${TITLES[mode]}: the upload was refused`, stored))
  }

  const [attempts, got] = mode === 'sse-c' ? await triedWithKey(stage, scene) : await triedByRoles(stage, scene, mode)
  const stored = got.flatMap((one) => (one.ok ? [one.value.stored] : []))
  const cells = {
    sent: told(put.map(({ sent }) => headersText(sent))),
    stored: told(stored.map(headersText)),
    key: told(mode === 'client-side' ? attempts.flatMap(({ keyArns }) => keyArns) : stored.map(keyIn)),
    readers: readersText(attempts.map(({ who, reading }) => [who, reading])),
  }
  step(
    stage,
    `${TITLES[mode]}: ${put.length === 1 ? 'one object' : `${put.length} objects`}`,
    `headers sent: ${cells.sent}`,
    `headers stored: ${cells.stored}`,
    ...attempts.map(({ who, reading, reason }) => `${who}: ${reading}${reason === '' ? '' : ` (${reason})`}`),
  )
  return cells
}

function encryptionOf(mode: S3Mode, { keyArns, customerKey }: S3Scene): ObjectEncryption {
  switch (mode) {
    case 'bucket-default':
    // What is encrypted before it leaves is stored like anything else.
    case 'client-side':
      return { kind: 'bucket-default' }
    case 'sse-s3':
      return { kind: 'sse-s3' }
    case 'sse-kms':
      return { kind: 'sse-kms', key: keyArns['sse-kms'] }
    case 'bucket-key':
      return { kind: 'sse-kms', key: keyArns['bucket-key'], bucketKey: true }
    case 'dsse-kms':
      return { kind: 'dsse-kms', key: keyArns['dsse-kms'] }
    case 'sse-c':
      return { kind: 'sse-c', key: customerKey }
  }
}

/** S3:GetObject is enough, or it is not: the reader tries once, who may decrypt reads everything. */
async function triedByRoles(stage: Stage, scene: S3Scene, mode: S3Mode): Promise<readonly [readonly Attempt[], readonly Got[]]> {
  const { bucket, reader, decrypter } = scene
  const names = objectNames(mode)
  const [first = ''] = names
  const got: Got[] = []
  for (const key of names) got.push(await onceAllowed(stage, () => decrypter.s3.get({ bucket, key })))
  // A role that may read at all has proved it with the bucket default: what it is refused after that is not for want of time.
  const tryToRead = (): Promise<Got> => reader.s3.get({ bucket, key: first })
  const plain = mode === 'bucket-default' ? await onceAllowed(stage, tryToRead) : await tryToRead()
  return [[await attempt(READERS.plain, scene, mode, reader, [plain]), await attempt(READERS.decrypting, scene, mode, decrypter, got)], got]
}

async function triedWithKey(stage: Stage, scene: S3Scene): Promise<readonly [readonly Attempt[], readonly Got[]]> {
  const { bucket, reader, customerKey } = scene
  const [key = ''] = objectNames('sse-c')
  const withKey = await onceAllowed(stage, () => reader.s3.get({ bucket, key, customerKey }))
  const withoutKey = await reader.s3.get({ bucket, key })
  return [
    [
      await attempt(READERS.withoutKey, scene, 'sse-c', reader, [withoutKey]),
      await attempt(READERS.withKey, scene, 'sse-c', reader, [withKey]),
    ],
    [withKey],
  ]
}

/** What a role makes of what it got: the worst of it. */
async function attempt(who: string, scene: S3Scene, mode: S3Mode, session: RoleSession, got: readonly Got[]): Promise<Attempt> {
  const keyArns: string[] = []
  for (const one of got) {
    if (!one.ok) return { who, reading: 'refused', reason: refusalText(one), keyArns }
    const opened = mode === 'client-side' ? await openedHere(scene, session, one.value.body) : { bytes: one.value.body, keyArns: [] }
    if ('refusal' in opened) return { who, reading: 'gets ciphertext', reason: opened.refusal, keyArns }
    keyArns.push(...opened.keyArns)
    if (!Buffer.from(scene.plaintext).equals(opened.bytes)) return { who, reading: 'gets other bytes', reason: '', keyArns }
  }
  return { who, reading: 'reads it', reason: '', keyArns }
}

async function encryptedHere(stage: Stage, { writer, keyArns, plaintext }: S3Scene): Promise<Uint8Array> {
  const keyring = kmsKeyring({ client: writer.envelopeKms, keyArn: keyArns['client-side'] })
  const { message } = await encrypt(plaintext, { keyring, encryptionContext: { whatfor: `keytrail workshop ${stage.useCase}` } })
  return message
}

type Opened = { readonly bytes: Uint8Array; readonly keyArns: readonly string[] }

async function openedHere(
  { keyArns }: S3Scene,
  { envelopeKms }: RoleSession,
  message: Uint8Array,
): Promise<Opened | { readonly refusal: string }> {
  try {
    const keyring = kmsKeyring({ client: envelopeKms, keyArn: keyArns['client-side'] })
    const { plaintext, header } = await decrypt(message, { keyring })
    return { bytes: plaintext, keyArns: header.encryptedDataKeys.map(({ providerInfo }) => Buffer.from(providerInfo).toString('utf8')) }
  } catch (error) {
    const failures = error instanceof EnvelopeError && error.rule === 'decrypt-data-key' ? error.failures : []
    const refusal = failures.find(({ reason }) => reason.startsWith('AccessDenied'))
    if (refusal === undefined) throw error
    return { refusal: refusal.reason }
  }
}

function keyIn(stored: EncryptionHeaders): string {
  return stored[KEY_HEADER] ?? stored[MD5_HEADER] ?? S3_OWN_KEY
}

/** What all objects of a mode have in common; where they differ, all of it. */
function told(texts: readonly string[]): string {
  return texts.length === 0 ? 'not seen' : [...new Set(texts)].join(' / ')
}
