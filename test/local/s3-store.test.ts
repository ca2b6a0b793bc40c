import {
  GetBucketEncryptionCommand,
  GetBucketTaggingCommand,
  HeadObjectCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, customerKey, makeBucket, openS3Ground, type S3Ground, textAt } from './s3-ground.ts'

let cloud: S3Ground
let key: string
const Bucket = 'kept'
const TEXT = 'as it was written'
const CUSTOMER = customerKey()

beforeAll(async () => {
  cloud = await openS3Ground()
  key = await cloud.createKey()
  await makeBucket(cloud.s3, Bucket, { BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })
})

afterAll(() => cloud.remove())

const KINDS = {
  'SSE-S3': () => ({}),
  'SSE-KMS': () => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key }) as const,
  'SSE-KMS with a Bucket Key': () => ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key, BucketKeyEnabled: true }) as const,
  'DSSE-KMS': () => ({ ServerSideEncryption: 'aws:kms:dsse', SSEKMSKeyId: key }) as const,
  'SSE-C': () => CUSTOMER,
}
const NAMES = Object.keys(KINDS) as readonly (keyof typeof KINDS)[]

function put(kind: keyof typeof KINDS, Key: string, Body = TEXT): Promise<unknown> {
  return cloud.secureS3.send(new PutObjectCommand({ Bucket, Key, Body, ...KINDS[kind]() }))
}

function read(kind: keyof typeof KINDS, Key: string): Promise<string> {
  return textAt(cloud.secureS3, Bucket, Key, kind === 'SSE-C' ? CUSTOMER : {})
}

/** Changes the record of an object in ways that somebody could hope for. */
const RECORD_CHANGES: readonly (readonly [string, (db: DatabaseSync, Key: string) => unknown])[] = [
  [
    'another tag of the ciphertext',
    (db, Key) =>
      edit(db, Key, ({ segments: [segment] }) => ({
        segments: [{ ...segment, layers: segment?.layers.map((layer) => ({ ...layer, tag: 'AAAAAAAAAAAAAAAAAAAAAA==' })) }],
      })),
  ],
  [
    'another key',
    (db, Key) =>
      edit(db, Key, ({ wrappedKeys }) => ({
        wrappedKeys: wrappedKeys.map((wrapped) => wrapped.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))),
      })),
  ],
  ['another encryption', (db, Key) => edit(db, Key, () => ({ encryption: { kind: 'AES256' }, tag: '"other"' }))],
  ['no layers', (db, Key) => edit(db, Key, ({ segments: [segment] }) => ({ segments: [{ ...segment, layers: [] }], wrappedKeys: [] }))],
  ['another seal', (db, Key) => db.prepare("UPDATE s3_objects SET seal = 'AAAA' WHERE bucket = ? AND key = ?").run(Bucket, Key)],
  ['no record', (db, Key) => db.prepare('DELETE FROM s3_objects WHERE bucket = ? AND key = ?').run(Bucket, Key)],
]

type Record = { readonly wrappedKeys: readonly string[]; readonly segments: readonly { readonly layers: readonly object[] }[] }

function edit(db: DatabaseSync, Key: string, change: (record: Record) => object): void {
  const text = String(db.prepare('SELECT record FROM s3_objects WHERE bucket = ? AND key = ?').get(Bucket, Key)?.['record'])
  const record = JSON.parse(text) as Record
  db.prepare('UPDATE s3_objects SET record = ? WHERE bucket = ? AND key = ?').run(
    JSON.stringify({ ...record, ...change(record) }),
    Bucket,
    Key,
  )
}

describe('what lies in the store', () => {
  it.each(NAMES)('is ciphertext with %s, each time another', async (kind) => {
    const stored: string[] = []
    for (const Key of ['cipher-1', 'cipher-2']) {
      await put(kind, Key)
      const bytes = cloud.storedBytes(Bucket, Key)
      expect([bytes.length, bytes.includes('written')]).toEqual([TEXT.length, false])
      stored.push(bytes.toString('hex'))
    }
    expect(new Set(stored).size).toBe(2)
  })

  it.each(NAMES)('is an error with %s, never other bytes, once a bit of it was changed', async (kind) => {
    for (const at of [0, TEXT.length - 1]) {
      await put(kind, 'tampered')
      cloud.changeStored(Bucket, 'tampered', (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 1
        return bytes
      })
      expect(await codeOf(read(kind, 'tampered'))).toBe('InternalError')
    }
    await put(kind, 'tampered')
    cloud.changeStored(Bucket, 'tampered', (bytes) => bytes.subarray(1))
    expect(await codeOf(read(kind, 'tampered'))).toBe('InternalError')
  })

  it.each(NAMES.flatMap((kind) => RECORD_CHANGES.map(([title, change]) => [kind, title, change] as const)))(
    'is an error with %s if its record has %s',
    async (kind, _title, change) => {
      await put(kind, 'recorded')
      expect(await read(kind, 'recorded')).toBe(TEXT)
      change(cloud.ground.db, 'recorded')
      expect(await codeOf(read(kind, 'recorded'))).toBe('InternalError')
    },
  )

  it('is an error if it is the object of another name', async () => {
    for (const Key of ['mine', 'yours']) await put('SSE-KMS', Key, Key)
    const { db } = cloud.ground
    const [mine] = db.prepare("SELECT record, seal FROM s3_objects WHERE key = 'mine'").all()
    db.prepare("UPDATE s3_objects SET record = ?, seal = ? WHERE key = 'yours'").run(mine?.['record'] ?? null, mine?.['seal'] ?? null)
    cloud.changeStored(Bucket, 'yours', () => cloud.storedBytes(Bucket, 'mine'))
    expect(await codeOf(read('SSE-KMS', 'yours'))).toBe('InternalError')
  })

  it('is of one writer where many write at once', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `writer ${index} `.repeat(index + 1))
    const reads: Promise<string>[] = []
    await put('SSE-S3', 'contended', texts[0])
    await Promise.all(
      texts.map((text, index) => {
        const written = put(NAMES[index % 4] ?? 'SSE-S3', 'contended', text)
        if (index > 4) reads.push(read('SSE-S3', 'contended'))
        return written
      }),
    )
    for (const text of await Promise.all(reads)) expect(texts).toContain(text)
    expect(texts).toContain(await read('SSE-S3', 'contended'))
    expect(cloud.ground.db.prepare("SELECT count(*) AS n FROM s3_objects WHERE key = 'contended'").get()).toEqual({ n: 1 })
    expect(cloud.ground.faults).toEqual([])
  })

  it('is read as before after a restart, and so are the settings of its bucket', async () => {
    for (const kind of NAMES) await put(kind, `again ${kind}`)
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
    await cloud.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging }))
    const before = await cloud.s3.send(new GetBucketEncryptionCommand({ Bucket }))
    await cloud.reopen()
    for (const kind of NAMES) expect(await read(kind, `again ${kind}`)).toBe(TEXT)
    expect(await cloud.s3.send(new HeadObjectCommand({ Bucket, Key: 'again SSE-KMS' }))).toMatchObject({ SSEKMSKeyId: key })
    const after = await cloud.s3.send(new GetBucketEncryptionCommand({ Bucket }))
    expect(after.ServerSideEncryptionConfiguration).toEqual(before.ServerSideEncryptionConfiguration)
    expect((await cloud.s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(Tagging.TagSet)
  })
})
