import type { DatabaseSync } from 'node:sqlite'
import type { Segment } from './object-cipher.ts'
import type { Checksum } from './payload.ts'
import type { Sealer } from './tables.ts'

/** Under what an object's key lies. */
export type KeptEncryption =
  | { readonly kind: 'AES256' }
  | {
      readonly kind: 'aws:kms' | 'aws:kms:dsse'
      readonly keyArn: string
      /** The data key, or with a Bucket Key the bucket-level key, as KMS encrypted it; in base64. */
      readonly encryptedKey: string
      readonly context: Readonly<Record<string, string>>
      readonly usesBucketKey: boolean
    }
  | { readonly kind: 'customer'; readonly salt: string; readonly mac: string }

/** What an object needs to be read again. */
export type EncryptedKeys = {
  readonly encryption: KeptEncryption
  /** Keys of the layers, the innermost first; with DSSE-KMS the second lies under S3's own key. */
  readonly wrappedKeys: readonly string[]
}

export type ObjectRecord = EncryptedKeys & {
  /** The entity tag that callers see. */
  readonly tag: string
  /** The one of the bytes in the store: it shows which record belongs to them. */
  readonly storedTag: string
  readonly segments: readonly Segment[]
  readonly checksum: (Checksum & { readonly type: 'FULL_OBJECT' | 'COMPOSITE' }) | null
  /** Their numbers; null of an object put at once. */
  readonly parts: readonly number[] | null
}

export type UploadRecord = EncryptedKeys & { readonly checksumAlgorithm: Checksum['algorithm'] | null }

export type PartRecord = {
  readonly tag: string
  readonly storedTag: string
  readonly segment: Segment
  readonly checksum: Checksum | null
}

type ObjectName = { readonly bucket: string; readonly key: string }

/** `missing` is fine for what was never made, `damaged` never. */
export type Found<Record> = { readonly kind: 'found'; readonly record: Record } | { readonly kind: 'missing' | 'damaged' }

/** What stands in the database of objects, uploads and parts; the bytes lie in fauxqs' store. */
export type ObjectRecords = {
  find(name: ObjectName, storedTag: string): Found<ObjectRecord>
  add(name: ObjectName, record: ObjectRecord): void
  /** All that belong to other bytes than these; to any without a tag. */
  removeOthers(name: ObjectName, storedTag: string | null): void
  findUpload(name: ObjectName, uploadId: string): Found<UploadRecord>
  addUpload(name: ObjectName, uploadId: string, record: UploadRecord): void
  removeUpload(uploadId: string): void
  parts(uploadId: string): Found<ReadonlyMap<number, PartRecord>>
  addPart(uploadId: string, partNumber: number, record: PartRecord): void
}

export function objectRecordsIn(db: DatabaseSync, sealer: Sealer): ObjectRecords {
  const select = db.prepare('SELECT record, seal FROM s3_objects WHERE bucket = ? AND key = ? AND stored_tag = ?')
  const insert = db.prepare('INSERT OR REPLACE INTO s3_objects (bucket, key, stored_tag, record, seal) VALUES (?, ?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM s3_objects WHERE bucket = ? AND key = ? AND stored_tag IS NOT ?')
  const selectUpload = db.prepare('SELECT record, seal FROM s3_uploads WHERE upload_id = ? AND bucket = ? AND key = ?')
  const insertUpload = db.prepare('INSERT INTO s3_uploads (upload_id, bucket, key, record, seal) VALUES (?, ?, ?, ?, ?)')
  const removals = ['s3_uploads', 's3_parts'].map((table) => db.prepare(`DELETE FROM ${table} WHERE upload_id = ?`))
  const selectParts = db.prepare('SELECT part_number, record, seal FROM s3_parts WHERE upload_id = ? ORDER BY part_number')
  const insertPart = db.prepare('INSERT OR REPLACE INTO s3_parts (upload_id, part_number, record, seal) VALUES (?, ?, ?, ?)')

  function opened<Record>(
    place: readonly (string | number)[],
    row: Readonly<globalThis.Record<string, unknown>> | undefined,
  ): Found<Record> {
    if (row === undefined) return { kind: 'missing' }
    const record = sealer.open(place, row)
    // Sealed here, so of the type it had then.
    return record === null ? { kind: 'damaged' } : { kind: 'found', record: record as Record }
  }

  return {
    find: ({ bucket, key }, storedTag) => opened<ObjectRecord>(['object', bucket, key, storedTag], select.get(bucket, key, storedTag)),
    add({ bucket, key }, record) {
      const { record: text, seal } = sealer.seal(['object', bucket, key, record.storedTag], record)
      insert.run(bucket, key, record.storedTag, text, seal)
    },
    removeOthers: ({ bucket, key }, storedTag) => void remove.run(bucket, key, storedTag),
    findUpload: ({ bucket, key }, uploadId) =>
      opened<UploadRecord>(['upload', bucket, key, uploadId], selectUpload.get(uploadId, bucket, key)),
    addUpload({ bucket, key }, uploadId, record) {
      const { record: text, seal } = sealer.seal(['upload', bucket, key, uploadId], record)
      insertUpload.run(uploadId, bucket, key, text, seal)
    },
    removeUpload(uploadId) {
      for (const each of removals) each.run(uploadId)
    },
    parts(uploadId) {
      const parts = new Map<number, PartRecord>()
      for (const row of selectParts.all(uploadId)) {
        const partNumber = Number(row['part_number'])
        const part = opened<PartRecord>(['part', uploadId, partNumber], row)
        if (part.kind !== 'found') return { kind: 'damaged' }
        parts.set(partNumber, part.record)
      }
      return { kind: 'found', record: parts }
    },
    addPart(uploadId, partNumber, record) {
      const { record: text, seal } = sealer.seal(['part', uploadId, partNumber], record)
      insertPart.run(uploadId, partNumber, text, seal)
    },
  }
}
