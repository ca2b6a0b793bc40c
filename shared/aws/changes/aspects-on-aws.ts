import { DisableKeyRotationCommand, EnableKeyRotationCommand, GetKeyRotationStatusCommand } from '@aws-sdk/client-kms'
import {
  type BlockedEncryptionTypes,
  DeleteBucketEncryptionCommand,
  DeleteBucketPolicyCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import type { Aspect, AspectState, DefaultEncryption, RotationSetting } from '../../changes/aspect.ts'
import type { AspectPort } from '../../changes/ports.ts'
import { unread } from '../../observed.ts'
import type { Resource } from '../../rules/rule.ts'
import type { Tried } from '../../tried.ts'
import { type Asked, asked, mapped, present } from '../facts/asked.ts'
import type { FactClients } from '../facts/clients.ts'
import { ownBucket } from '../facts/s3-bucket-facts.ts'
import { tried, triedDone } from '../tried.ts'

type Clients = Pick<FactClients, 'kms' | 's3'>

/** Says that nothing is blocked. https://docs.aws.amazon.com/AmazonS3/latest/API/API_BlockedEncryptionTypes.html */
const NOTHING_BLOCKED = 'NONE'

/** Parts of keys and buckets, each read and written in its own Region, and of the bucket only that belongs to the account it is said to. */
export function createAspectPort(clients: Clients): AspectPort {
  return {
    async read(resource, aspect) {
      const answer = await readAspect(clients, resource, aspect)
      if (answer === 'gone') return { kind: 'gone' }
      // Somebody is changing it now.
      if (answer === 'unready') return { kind: 'unread', unread: unread(ACTIONS[aspect], 'failed', 'BeingChanged') }
      return answer.known ? { kind: 'read', state: answer.value } : { kind: 'unread', unread: answer }
    },
    write(resource, state) {
      switch (state.aspect) {
        case 'key-rotation':
          return writeRotation(clients, resource, state.value)
        case 'bucket-encryption':
          return writeEncryption(clients, resource, state.value)
        case 'bucket-policy':
          return writePolicy(clients, resource, state.value)
      }
    },
  }
}

const ACTIONS: Readonly<Record<Aspect, string>> = {
  'key-rotation': 'kms:GetKeyRotationStatus',
  'bucket-encryption': 's3:GetEncryptionConfiguration',
  'bucket-policy': 's3:GetBucketPolicy',
}

async function readAspect(clients: Clients, resource: Resource, aspect: Aspect): Promise<Asked<AspectState>> {
  switch (aspect) {
    case 'key-rotation':
      return mapped(await readRotation(clients, resource), (value) => ({ aspect, value }))
    case 'bucket-encryption':
      return mapped(await readEncryption(clients, resource), (value) => ({ aspect, value }))
    case 'bucket-policy':
      return mapped(await readPolicy(clients, resource), (value) => ({ aspect, value }))
  }
}

/** Of a key that cannot rotate it is off; that it cannot is told by whoever tries to switch it on. */
function readRotation(clients: Clients, { arn, region }: Resource): Promise<Asked<RotationSetting>> {
  return asked(
    ACTIONS['key-rotation'],
    async () => {
      const status = await clients.kms(region).send(new GetKeyRotationStatusCommand({ KeyId: arn }))
      const isEnabled = present(status.KeyRotationEnabled)
      return { isEnabled, periodDays: isEnabled ? (status.RotationPeriodInDays ?? null) : null }
    },
    { unsupported: { isEnabled: false, periodDays: null } },
  )
}

/** EnableKeyRotation changes the period of a key whose rotation is on too. https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
function writeRotation(
  clients: Clients,
  { arn: KeyId, region }: Resource,
  { isEnabled, periodDays }: RotationSetting,
): Promise<Tried<null>> {
  const client = clients.kms(region)
  const period = periodDays === null ? {} : { RotationPeriodInDays: periodDays }
  return triedDone(() =>
    isEnabled ? client.send(new EnableKeyRotationCommand({ KeyId, ...period })) : client.send(new DisableKeyRotationCommand({ KeyId })),
  )
}

function readEncryption(clients: Clients, resource: Resource): Promise<Asked<readonly DefaultEncryption[]>> {
  return asked<readonly DefaultEncryption[]>(
    ACTIONS['bucket-encryption'],
    async () => {
      const { ServerSideEncryptionConfiguration: found } = await clients
        .s3(resource.region)
        .send(new GetBucketEncryptionCommand(ownBucket(resource)))
      return (found?.Rules ?? []).map(encryptionOf)
    },
    { absent: [] },
  )
}

function encryptionOf({ ApplyServerSideEncryptionByDefault: byDefault, ...rule }: ServerSideEncryptionRule): DefaultEncryption {
  return {
    algorithm: byDefault?.SSEAlgorithm ?? null,
    key: byDefault?.KMSMasterKeyID ?? null,
    isBucketKeyEnabled: rule.BucketKeyEnabled ?? false,
    blockedTypes: rule.BlockedEncryptionTypes?.EncryptionType ?? [],
  }
}

/**
 * Where a rule says nothing of blocked types, what a bucket blocks stays blocked (https://github.com/hashicorp/terraform-provider-aws/issues/47320):
 * it is unblocked in so many words then. Without any rule the bucket goes back to what S3 does by itself.
 */
async function writeEncryption(clients: Clients, resource: Resource, rules: readonly DefaultEncryption[]): Promise<Tried<null>> {
  const client = clients.s3(resource.region)
  if (rules.length === 0) return triedDone(() => client.send(new DeleteBucketEncryptionCommand(ownBucket(resource))))
  const saysNothing = rules.some(({ blockedTypes }) => blockedTypes.length === 0)
  const before = saysNothing ? await tried(() => client.send(new GetBucketEncryptionCommand(ownBucket(resource)))) : null
  if (before !== null && !before.ok) return before
  const there = before?.value.ServerSideEncryptionConfiguration?.Rules?.map(encryptionOf) ?? []
  const isBlocked = there.some(({ blockedTypes }) => blockedTypes.some((type) => type !== NOTHING_BLOCKED))
  const Rules = rules.map((rule) => ruleOf(rule, isBlocked ? [NOTHING_BLOCKED] : []))
  const command = new PutBucketEncryptionCommand({ ...ownBucket(resource), ServerSideEncryptionConfiguration: { Rules } })
  return triedDone(() => client.send(command))
}

type SdkDefault = NonNullable<ServerSideEncryptionRule['ApplyServerSideEncryptionByDefault']>
type SdkBlocked = NonNullable<BlockedEncryptionTypes['EncryptionType']>

/** S3 may know algorithms and types that the SDK's types do not: they go back as they came. */
function ruleOf(
  { algorithm, key, isBucketKeyEnabled, blockedTypes }: DefaultEncryption,
  ifNothing: readonly string[],
): ServerSideEncryptionRule {
  const blocked = [...(blockedTypes.length === 0 ? ifNothing : blockedTypes)]
  return {
    ...(algorithm !== null && {
      ApplyServerSideEncryptionByDefault: {
        SSEAlgorithm: algorithm as NonNullable<SdkDefault['SSEAlgorithm']>,
        ...(key !== null && { KMSMasterKeyID: key }),
      },
    }),
    BucketKeyEnabled: isBucketKeyEnabled,
    ...(blocked.length > 0 && { BlockedEncryptionTypes: { EncryptionType: blocked as SdkBlocked } }),
  }
}

/** The text as S3 keeps it, whatever it says. */
function readPolicy(clients: Clients, resource: Resource): Promise<Asked<string | null>> {
  return asked<string | null>(
    ACTIONS['bucket-policy'],
    async () => present((await clients.s3(resource.region).send(new GetBucketPolicyCommand(ownBucket(resource)))).Policy),
    { absent: null },
  )
}

function writePolicy(clients: Clients, resource: Resource, policy: string | null): Promise<Tried<null>> {
  const client = clients.s3(resource.region)
  return triedDone(() =>
    policy === null
      ? client.send(new DeleteBucketPolicyCommand(ownBucket(resource)))
      : client.send(new PutBucketPolicyCommand({ ...ownBucket(resource), Policy: policy })),
  )
}
