import type { Observed, Unread } from '../observed.ts'
import type { BucketKeyStanding } from '../rules/facts.ts'
import type { Resource } from '../rules/rule.ts'
import type { Tried } from '../tried.ts'
import type { Aspect, AspectState } from './aspect.ts'

/** What stands in AWS now. */
export type AspectRead =
  | { readonly kind: 'read'; readonly state: AspectState }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unread'; readonly unread: Unread }

/** Reads and writes aspects; never answers from memory. */
export type AspectPort = {
  read(resource: Resource, aspect: Aspect): Promise<AspectRead>
  /** AWS's refusals are values. What breaks on the way rejects: then it may have been written or not. */
  write(resource: Resource, state: AspectState): Promise<Tried<null>>
}

/** What decides besides the rules whether something may be changed. */
export type GuardPort = {
  /** The CloudFormation stack that a resource belongs to; null: none. */
  stackOf(resource: Resource): Promise<Observed<string | null>>
  /** A KMS key by ARN, ID or alias, as the bucket's owner sees it; null: there is none. */
  keyStanding(key: string, region: string): Promise<Observed<BucketKeyStanding | null>>
  /** The text of a key's policy. */
  keyPolicy(keyArn: string): Promise<Observed<string>>
  /** Whether a bucket answers as a website, which speaks no TLS. */
  isWebsite(bucket: Resource): Promise<Observed<boolean>>
}
