import type { BucketEncryptionRule } from '../../rules/facts.ts'
import type { EpochS } from '../../time.ts'

/** Aliases are of an account and a Region. */
export type AliasScope = { readonly accountId: string; readonly region: string }
/** An alias, and the ARN of the key that it stood for when it was first seen. */
export type FirstKey = { readonly alias: string; readonly keyArn: string; readonly seenAt: EpochS }
export type SeenEncryption = Pick<BucketEncryptionRule, 'algorithm' | 'key'> & { readonly seenAt: EpochS }
/** A function's code as it was first seen after the stack had been changed at `stackChangedAt`. */
export type SeenCode = { readonly functionName: string; readonly digest: string; readonly stackChangedAt: EpochS }

/**
 * What was seen of resources that does not stand in them. Kept by whoever composes; every function rejects where the store cannot be
 * reached. Notes are safe to repeat, and whatever their order they come to the same.
 */
export type SeenStore = {
  firstKeys(scope: AliasScope): Promise<readonly FirstKey[]>
  /** Keeps what was noted first. */
  noteKey(scope: AliasScope, first: FirstKey): Promise<void>
  strongest(bucketArn: string): Promise<SeenEncryption | null>
  /** Keeps what is stronger, and of two that are equally strong the first; one whose strength is not known is not kept. */
  noteEncryption(bucketArn: string, encryption: SeenEncryption): Promise<void>
  codes(stackArn: string): Promise<readonly SeenCode[]>
  /** Keeps the first of each change of the stack, and that of the latest change. */
  noteCode(stackArn: string, code: SeenCode): Promise<void>
}
