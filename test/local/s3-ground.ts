import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  S3Client,
  S3ServiceException,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { Agent } from 'node:https'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Access } from '../../local/iam/access.ts'
import { type JsonObject, memberOf } from '../../shared/json.ts'
import { type Ground, openGround, temporaryFolder } from './ground.ts'

/** A call that S3 made of KMS in somebody's name. */
export type KmsCall = { readonly operation: string; readonly context: unknown; readonly code: string | null }

export type S3Ground = {
  readonly ground: Ground
  readonly s3: S3Client
  /** Over TLS. */
  readonly secureS3: S3Client
  readonly kms: KMSClient
  /** Of S3, since the last time this was asked. */
  kmsCalls(): readonly KmsCall[]
  /** The bytes as they lie in fauxqs' own store. */
  storedBytes(bucket: string, key: string): Buffer
  changeStored(bucket: string, key: string, change: (bytes: Buffer) => Buffer): void
  createKey(): Promise<string>
  /** Signs as somebody else. */
  as(accessKeyId: string): S3Client
  close(): Promise<void>
  /** Starts again on the same state. */
  reopen(): Promise<void>
  remove(): Promise<void>
}

/** S3 on a state in a folder, in plain and over TLS. */
export async function openS3Ground(options: { readonly access?: Access } = {}): Promise<S3Ground> {
  const place = temporaryFolder()
  const opened: S3Client[] = []
  const start = async () => {
    const ground = await openGround({ folder: place.folder, isSecure: true, ...options })
    const secure = { ...ground.client, endpoint: ground.endpoint.secureUrl, ...trusting(ground.certificate ?? '') }
    const s3 = new S3Client(ground.client)
    const secureS3 = new S3Client(secure)
    opened.push(s3, secureS3)
    return { ground, s3, secureS3, kms: new KMSClient(ground.client) }
  }
  let now = await start()
  let told = 0

  const close = async (): Promise<void> => {
    for (const client of opened.splice(0)) client.destroy()
    now.kms.destroy()
    await now.ground.close()
  }
  const withStore = <Result>(work: (db: DatabaseSync) => Result): Result => {
    const db = new DatabaseSync(path.join(place.folder, 'queues', 'fauxqs.db'))
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  return {
    get ground() {
      return now.ground
    },
    get s3() {
      return now.s3
    },
    get secureS3() {
      return now.secureS3
    },
    get kms() {
      return now.kms
    },
    kmsCalls() {
      const calls = now.ground.seen.slice(told).filter(({ call }) => call.via === 's3.amazonaws.com')
      told = now.ground.seen.length
      return calls.map(({ call, answer }) => ({
        operation: call.operation,
        context: memberOf(call.input, 'EncryptionContext'),
        code: 'failure' in answer ? answer.failure.code : null,
      }))
    },
    storedBytes: (bucket, key) =>
      withStore((db) => {
        const body = db.prepare('SELECT body FROM s3_objects WHERE bucket = ? AND key = ?').get(bucket, key)?.['body']
        if (!(body instanceof Uint8Array)) throw new Error(`${bucket}/${key} is not in the store`)
        return Buffer.from(body)
      }),
    changeStored: (bucket, key, change) =>
      withStore((db) => {
        const body = db.prepare('SELECT body FROM s3_objects WHERE bucket = ? AND key = ?').get(bucket, key)?.['body']
        db.prepare('UPDATE s3_objects SET body = ? WHERE bucket = ? AND key = ?').run(change(Buffer.from(body as Uint8Array)), bucket, key)
      }),
    async createKey() {
      const { KeyMetadata } = await now.kms.send(new CreateKeyCommand({}))
      return KeyMetadata?.Arn ?? ''
    },
    as(accessKeyId) {
      const client = new S3Client({ ...now.ground.client, credentials: { accessKeyId, secretAccessKey: 'any' } })
      opened.push(client)
      return client
    },
    close,
    async reopen() {
      await close()
      now = await start()
      told = 0
    },
    async remove() {
      await close()
      place.remove()
    },
  }
}

/** Trusts this certificate and no other. */
export function trusting(certificate: string) {
  return { requestHandler: { httpsAgent: new Agent({ ca: certificate, keepAlive: true }) } }
}

/** A new bucket, with a default if a rule is given. */
export async function makeBucket(s3: S3Client, Bucket: string, rule?: ServerSideEncryptionRule): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket }))
  if (rule !== undefined) {
    await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }))
  }
  return Bucket
}

export function customerKey(bytes = randomBytes(32)) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: bytes.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(bytes).digest('base64'),
  }
}

export async function textAt(s3: S3Client, Bucket: string, Key: string, more: JsonObject = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return (await Body?.transformToString()) ?? ''
}

/** The name of what it is rejected with; `OK` if it is not. */
export async function codeOf(sent: Promise<unknown>): Promise<string> {
  try {
    await sent
    return 'OK'
  } catch (error) {
    // An answer without a body has no name.
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304) return 'NotModified'
    return error instanceof Error ? error.name : String(error)
  }
}
