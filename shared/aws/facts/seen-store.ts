import type { BucketEncryptionRule } from '../../rules/facts.ts'
import type { Resource } from '../../rules/rule.ts'
import type { EpochS } from '../../time.ts'

/** Aliases are of an account and a Region, and so are the buckets that access logs can go between. */
export type AliasScope = { readonly accountId: string; readonly region: string }
/** An alias, and the ARN of the key that it stood for when it was first seen. */
export type FirstKey = { readonly alias: string; readonly keyArn: string; readonly seenAt: EpochS }
export type SeenEncryption = Pick<BucketEncryptionRule, 'algorithm' | 'key'> & { readonly seenAt: EpochS }
/** A bucket: the strongest encryption it was seen with, and the ARN of the key that stood behind its default when it was last read. */
export type SeenBucket = { readonly strongest: SeenEncryption | null; readonly keyArn: string | null }
/** A function's code and configuration as first seen after the stack had been changed at `stackChangedAt`. */
export type SeenCode = { readonly functionName: string; readonly digest: string; readonly stackChangedAt: EpochS }
/** What is known of where the buckets of an account and a Region send their access logs. */
export type SeenLogging = {
  /** All buckets were asked once, so that a target of which nothing is noted is none. */
  readonly isWhole: boolean
  /** Buckets that could not be asked the last time. */
  readonly unread: readonly string[]
}

/**
 * What was seen of resources that does not stand in them. Kept by whoever composes; every function rejects where the store cannot be
 * reached. Notes are safe to repeat, and whatever their order they come to the same.
 */
export type SeenStore = SeenBuckets & {
  firstKeys(scope: AliasScope): Promise<readonly FirstKey[]>
  /** Keeps what was noted first. */
  noteKey(scope: AliasScope, first: FirstKey): Promise<void>
  codes(stackArn: string): Promise<readonly SeenCode[]>
  /** Keeps the first of each change of the stack, and that of the latest change. */
  noteCode(stackArn: string, code: SeenCode): Promise<void>
  /** Nothing is noted here, nor ever was: Keytrail is not deployed. Left out: it is. */
  readonly remembersNothing?: true
}

/**
 * What was seen of buckets. That one sends its logs to another, or is under a key, may be out of date: such a note says where to look, and
 * whoever looks there goes by what is there.
 */
export type SeenBuckets = {
  bucket(bucketArn: string): Promise<SeenBucket>
  /** Keeps what is stronger, and of two that are equally strong the first; one whose strength is not known is not kept. */
  noteEncryption(bucketArn: string, encryption: SeenEncryption): Promise<void>
  /** `keyArn` stands behind the default now; `before`: as noted until now. */
  noteDefaultKey(bucket: Resource, keyArn: string, before: string | null): Promise<void>
  /** So many of the buckets that a key stands behind, or stood, at most. */
  bucketsUnder(keyArn: string, bucketsMax: number): Promise<readonly Resource[]>
  /** The bucket is gone: one of the same name is another. */
  forgetBucket(bucketArn: string): Promise<void>
  /** Names of so many buckets at most that send their logs to this one, or sent them. */
  logSources(scope: AliasScope, target: string, sourcesMax: number): Promise<readonly string[]>
  noteLogSource(scope: AliasScope, target: string, source: string): Promise<void>
  forgetLogSource(scope: AliasScope, target: string, source: string): Promise<void>
  logging(scope: AliasScope): Promise<SeenLogging>
  /** All buckets were asked. */
  noteLoggingWhole(scope: AliasScope): Promise<void>
  noteLoggingUnread(scope: AliasScope, source: string): Promise<void>
  noteLoggingRead(scope: AliasScope, source: string): Promise<void>
}
