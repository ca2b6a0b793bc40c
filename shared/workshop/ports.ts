import type { KmsKeyArn } from '../arn.ts'
import type { KmsClient } from '../envelope/kms-client.ts'
import type { EpochS } from '../time.ts'
import type { Tried } from '../tried.ts'
import type { UseTally } from '../usage/use-ledger.ts'

export type Context = Readonly<Record<string, string>>

/** How a KMS key stands. */
export type KeyStanding = {
  readonly keyArn: string
  readonly state: string
  readonly createdAt: EpochS
  readonly materialId: string | null
}

export type Rotation = {
  readonly materialId: string
  readonly isCurrent: boolean
  /** Null: the first material. */
  readonly rotatedAt: EpochS | null
}

export type GrantRequest = {
  readonly keyArn: string
  /** One grant a name: asking again with the same name and terms makes no second one. */
  readonly name: string
  readonly granteeArn: string
  readonly operations: readonly string[]
  /** What the encryption context must hold at least. */
  readonly context: Context
}

/** KMS, as the use cases call it. Keys are named by ARN or alias. */
export type KmsPort = {
  /** Not `isOnlyOne`: the call was made again because an answer was lost, and the first one may have made a key too. */
  createKey(request: {
    readonly description: string
    readonly tags: Context
    readonly policy?: string
  }): Promise<{ readonly keyArn: string; readonly isOnlyOne: boolean }>
  /** Null: there is no such key or alias. */
  standing(name: string): Promise<KeyStanding | null>
  /** ARNs of all keys of the Region that have this tag; every key is looked at. */
  keysTagged(tagKey: string, tagValue: string): Promise<readonly string[]>
  createAlias(aliasName: string, keyArn: string): Promise<Tried<null>>
  deleteAlias(aliasName: string): Promise<Tried<null>>
  /** When the key will be deleted. */
  scheduleDeletion(keyArn: string, windowDays: number): Promise<Tried<EpochS | null>>
  disable(keyArn: string): Promise<Tried<null>>
  enable(keyArn: string): Promise<Tried<null>>
  policy(keyArn: string): Promise<string>
  putPolicy(keyArn: string, policy: string): Promise<Tried<null>>
  encrypt(key: string, plaintext: Uint8Array, context: Context): Promise<Tried<Uint8Array>>
  /** Without a key, KMS finds it in the ciphertext. */
  decrypt(
    ciphertext: Uint8Array,
    context: Context,
    key?: string,
  ): Promise<Tried<{ readonly plaintext: Uint8Array; readonly keyArn: string; readonly materialId: string | null }>>
  reEncrypt(
    ciphertext: Uint8Array,
    destination: string,
    context: Context,
  ): Promise<Tried<{ readonly ciphertext: Uint8Array; readonly sourceKeyArn: string; readonly keyArn: string }>>
  /** 256 bits. */
  dataKey(key: string, context: Context): Promise<Tried<{ readonly plaintext: Uint8Array; readonly ciphertext: Uint8Array }>>
  dataKeyWithoutPlaintext(key: string, context: Context): Promise<Tried<Uint8Array>>
  enableRotation(keyArn: string, periodDays: number): Promise<Tried<null>>
  /** Days between two automatic rotations; null: there are none. */
  rotationPeriod(keyArn: string): Promise<number | null>
  rotateNow(keyArn: string): Promise<Tried<null>>
  rotations(keyArn: string): Promise<readonly Rotation[]>
  createGrant(grant: GrantRequest): Promise<Tried<{ readonly grantId: string; readonly grantToken: string }>>
  /** IDs of the key's grants with this name. */
  grantsNamed(keyArn: string, name: string): Promise<readonly string[]>
  revokeGrant(keyArn: string, grantId: string): Promise<Tried<null>>
}

/** How an object is to be encrypted. */
export type ObjectEncryption =
  | { readonly kind: 'bucket-default' }
  | { readonly kind: 'sse-s3' }
  | { readonly kind: 'sse-kms'; readonly key: string; readonly bucketKey?: boolean }
  | { readonly kind: 'dsse-kms'; readonly key: string }
  /** The caller's own 256-bit key. */
  | { readonly kind: 'sse-c'; readonly key: Uint8Array }

/** Headers `x-amz-server-side-encryption…` in lower case; what is secret in them is left out. */
export type EncryptionHeaders = Readonly<Record<string, string>>

export type ObjectName = { readonly bucket: string; readonly key: string }
/** The key of SSE-C, which each request must bring; plain HTTP in place of TLS, to see it refused. */
export type ReadOptions = { readonly customerKey?: Uint8Array; readonly overPlainHttp?: boolean }

export type StoredObject = { readonly sent: EncryptionHeaders; readonly stored: EncryptionHeaders }

/** S3, as the use cases call it; over TLS unless the endpoint has none. Only buckets of the caller's own account. */
export type S3Port = {
  createBucket(bucket: string, tags: Context): Promise<Tried<null>>
  hasBucket(bucket: string): Promise<boolean>
  deleteBucket(bucket: string): Promise<Tried<null>>
  /** SSE-KMS under this key as the bucket's default. */
  encryptByDefault(bucket: string, keyArn: string, bucketKey: boolean): Promise<Tried<null>>
  /** Whether the bucket takes objects under SSE-C, which new buckets do not. */
  allowCustomerKeys(bucket: string, isAllowed: boolean): Promise<Tried<null>>
  put(
    object: ObjectName & { readonly body: Uint8Array; readonly encryption: ObjectEncryption; readonly overPlainHttp?: boolean },
  ): Promise<Tried<StoredObject>>
  get(object: ObjectName & ReadOptions): Promise<Tried<StoredObject & { readonly body: Uint8Array }>>
  head(object: ObjectName & ReadOptions): Promise<Tried<EncryptionHeaders>>
  hasObject(object: ObjectName): Promise<boolean>
  /** All versions of it. */
  deleteObject(object: ObjectName): Promise<Tried<null>>
}

/** Roles with one inline policy each. */
export type RolePort = {
  create(role: { readonly name: string; readonly trust: string; readonly tags: Context }): Promise<Tried<string>>
  /** Its ARN; null: there is none. */
  find(name: string): Promise<string | null>
  putPolicy(name: string, policyName: string, policy: string): Promise<Tried<null>>
  /** With its inline policies. */
  remove(name: string): Promise<Tried<null>>
}

/** A training job, in SageMaker's own words. */
export type TrainingJob = {
  readonly TrainingJobName: string
  readonly RoleArn: string
  readonly AlgorithmSpecification: { readonly TrainingImage: string; readonly TrainingInputMode: 'File' }
  readonly HyperParameters: Readonly<Record<string, string>>
  readonly OutputDataConfig: { readonly S3OutputPath: string; readonly KmsKeyId: string }
  readonly ResourceConfig: {
    readonly InstanceType: 'ml.m5.large'
    readonly InstanceCount: number
    readonly VolumeSizeInGB: number
    readonly VolumeKmsKeyId: string
  }
  readonly StoppingCondition: { readonly MaxRuntimeInSeconds: number }
  readonly EnableNetworkIsolation: boolean
  readonly EnableInterContainerTrafficEncryption: boolean
}

export type TrainingPort = {
  submit(job: TrainingJob): Promise<Tried<string>>
  stop(name: string): Promise<Tried<null>>
}

/** AWS as one caller reaches it. */
export type WorkshopAws = {
  readonly kms: KmsPort
  /** For keyrings. */
  readonly envelopeKms: KmsClient
  readonly s3: S3Port
  readonly roles: RolePort
  readonly training: TrainingPort
  /** The same as a session of a role. */
  assume(roleArn: string, sessionName: string): Promise<Tried<Pick<WorkshopAws, 'kms' | 'envelopeKms' | 's3'>>>
}

/** Uses of keys that Keytrail has counted from CloudTrail so far: of one key, or by one caller. */
export type CountedUse = (query: {
  readonly where: { readonly keyArn: KmsKeyArn } | { readonly caller: string }
  readonly since: EpochS
  readonly until: EpochS
}) => Promise<readonly UseTally[]>

/** The time that AWS's clocks show, or the local cloud's. */
export type WorkshopTime = {
  now(): Promise<EpochS>
  /** Lets time pass: on the local cloud its clock is moved, and nobody has to wait. */
  pass(ms: number): Promise<void>
}

/** The files of a use case, in a folder of their own. Names are plain: no path. */
export type WorkshopFiles = {
  /** For people and the registry. */
  readonly folder: string
  /** Null: there is no such file. */
  read(name: string): Uint8Array | null
  /** Listed as made by the run before it is written. */
  write(name: string, bytes: Uint8Array): void
  /** Takes the file away if the run made it and nobody changed it since. */
  remove(name: string): 'removed' | 'missing' | 'not-made-here' | 'changed'
}
