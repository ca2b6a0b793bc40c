/** The part of a resource that Keytrail reads, compares and writes as a whole. */
export type AspectState =
  | { readonly aspect: 'key-rotation'; readonly value: RotationSetting }
  | { readonly aspect: 'bucket-encryption'; readonly value: readonly DefaultEncryption[] }
  | { readonly aspect: 'bucket-policy'; readonly value: BucketPolicy }

export type Aspect = AspectState['aspect']
export type StateOf<Name extends Aspect> = Extract<AspectState, { readonly aspect: Name }>

export type RotationSetting = {
  readonly isEnabled: boolean
  /** Null while it is off. */
  readonly periodDays: number | null
}

/** A rule of a bucket's default encryption, with all that S3 says of it: what Keytrail does not mean to change is written as it was. */
export type DefaultEncryption = {
  /** Null: the rule says nothing of it. */
  readonly algorithm: string | null
  readonly key: string | null
  readonly isBucketKeyEnabled: boolean
  /** As S3 lists them: `SSE-C`, or `NONE` where somebody allowed it in so many words. */
  readonly blockedTypes: readonly string[]
}

/** As text, the way S3 keeps it; null: the bucket has none. */
export type BucketPolicy = string | null
