import type { HttpRequest } from '../http.ts'
import type { ObjectKeyring } from './object-keys.ts'
import type { ObjectRecords } from './object-records.ts'
import type { Permit } from './permissions.ts'
import type { Place } from './place.ts'
import type { Storage } from './storage.ts'
import type { BucketSettings } from './tables.ts'

/** What operations work with. */
export type S3Parts = {
  readonly storage: Storage
  readonly settings: BucketSettings
  readonly records: ObjectRecords
  readonly keyring: ObjectKeyring
  readonly permit: Permit
  /** The local clock. */
  nowMs(): number
}

/** A request for S3, its headers those it has and those a presigned URL carries, its Region the bucket's. */
export type S3Call = { readonly request: HttpRequest; readonly place: Place }

/** 128 MiB of one object: what is decrypted stands in memory as a whole. */
export const OBJECT_BYTES_MAX = 128 * 1024 * 1024
