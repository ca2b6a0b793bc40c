import {
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type GrantOperation,
  type KMSClient,
  paginateListGrants,
  paginateListKeyRotations,
  paginateListKeys,
  paginateListResourceTags,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RevokeGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { epochS, type EpochS } from '../../time.ts'
import type { KmsPort } from '../../workshop/ports.ts'
import { foundOrNull, tried, triedDone } from '../tried.ts'

const GONE = ['NotFoundException']

/** KMS for the use cases. */
export function kmsPort(client: KMSClient): KmsPort {
  return {
    async createKey({ description, tags, policy }) {
      const { KeyMetadata, $metadata } = await client.send(
        new CreateKeyCommand({
          Description: description,
          Tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
          ...(policy === undefined ? {} : { Policy: policy }),
        }),
      )
      return { keyArn: present(KeyMetadata?.Arn), isOnlyOne: $metadata.attempts === 1 }
    },
    standing: (name) =>
      foundOrNull(GONE, async () => {
        const { KeyMetadata: key } = await client.send(new DescribeKeyCommand({ KeyId: name }))
        return {
          keyArn: present(key?.Arn),
          state: present(key?.KeyState),
          createdAt: present(secondOf(key?.CreationDate)),
          materialId: key?.CurrentKeyMaterialId ?? null,
        }
      }),
    async keysTagged(tagKey, tagValue) {
      const tagged: string[] = []
      for await (const { Keys = [] } of paginateListKeys({ client }, {})) {
        for (const { KeyArn = '' } of Keys) if (await hasTag(client, KeyArn, tagKey, tagValue)) tagged.push(KeyArn)
      }
      return tagged
    },
    createAlias: (AliasName, TargetKeyId) => triedDone(() => client.send(new CreateAliasCommand({ AliasName, TargetKeyId }))),
    deleteAlias: (AliasName) => triedDone(() => client.send(new DeleteAliasCommand({ AliasName }))),
    scheduleDeletion: (KeyId, PendingWindowInDays) =>
      tried(async () => secondOf((await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }))).DeletionDate)),
    disable: (KeyId) => triedDone(() => client.send(new DisableKeyCommand({ KeyId }))),
    enable: (KeyId) => triedDone(() => client.send(new EnableKeyCommand({ KeyId }))),
    policy: async (KeyId) => present((await client.send(new GetKeyPolicyCommand({ KeyId }))).Policy),
    putPolicy: (KeyId, Policy) => triedDone(() => client.send(new PutKeyPolicyCommand({ KeyId, Policy }))),
    encrypt: (KeyId, Plaintext, context) =>
      tried(async () =>
        present((await client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext: { ...context } }))).CiphertextBlob),
      ),
    decrypt: (CiphertextBlob, context, key) =>
      tried(async () => {
        const answer = await client.send(
          new DecryptCommand({ CiphertextBlob, EncryptionContext: { ...context }, ...(key === undefined ? {} : { KeyId: key }) }),
        )
        return { plaintext: present(answer.Plaintext), keyArn: present(answer.KeyId), materialId: answer.KeyMaterialId ?? null }
      }),
    reEncrypt: (CiphertextBlob, DestinationKeyId, context) =>
      tried(async () => {
        const answer = await client.send(
          new ReEncryptCommand({
            CiphertextBlob,
            DestinationKeyId,
            SourceEncryptionContext: { ...context },
            DestinationEncryptionContext: { ...context },
          }),
        )
        return { ciphertext: present(answer.CiphertextBlob), sourceKeyArn: present(answer.SourceKeyId), keyArn: present(answer.KeyId) }
      }),
    dataKey: (KeyId, context) =>
      tried(async () => {
        const answer = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: { ...context } }))
        return { plaintext: present(answer.Plaintext), ciphertext: present(answer.CiphertextBlob) }
      }),
    dataKeyWithoutPlaintext: (KeyId, context) =>
      tried(async () => {
        const command = new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext: { ...context } })
        return present((await client.send(command)).CiphertextBlob)
      }),
    enableRotation: (KeyId, RotationPeriodInDays) =>
      triedDone(() => client.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays }))),
    async rotationPeriod(KeyId) {
      const status = await client.send(new GetKeyRotationStatusCommand({ KeyId }))
      return status.KeyRotationEnabled === true ? present(status.RotationPeriodInDays) : null
    },
    rotateNow: (KeyId) => triedDone(() => client.send(new RotateKeyOnDemandCommand({ KeyId }))),
    async rotations(KeyId) {
      const rotations: { materialId: string; isCurrent: boolean; rotatedAt: EpochS | null }[] = []
      for await (const { Rotations = [] } of paginateListKeyRotations({ client }, { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })) {
        for (const { KeyMaterialId, KeyMaterialState, RotationDate } of Rotations) {
          rotations.push({
            materialId: present(KeyMaterialId),
            isCurrent: KeyMaterialState === 'CURRENT',
            rotatedAt: secondOf(RotationDate),
          })
        }
      }
      return rotations
    },
    createGrant: ({ keyArn, name, granteeArn, operations, context }) =>
      tried(async () => {
        const { GrantId, GrantToken } = await client.send(
          new CreateGrantCommand({
            KeyId: keyArn,
            Name: name,
            GranteePrincipal: granteeArn,
            Operations: operations as GrantOperation[],
            Constraints: { EncryptionContextSubset: { ...context } },
          }),
        )
        return { grantId: present(GrantId), grantToken: present(GrantToken) }
      }),
    async grantsNamed(KeyId, name) {
      const ids: string[] = []
      const found = await foundOrNull(GONE, async () => {
        for await (const { Grants = [] } of paginateListGrants({ client }, { KeyId })) {
          for (const { Name, GrantId } of Grants) if (Name === name && GrantId !== undefined) ids.push(GrantId)
        }
        return ids
      })
      return found ?? []
    },
    revokeGrant: (KeyId, GrantId) => triedDone(() => client.send(new RevokeGrantCommand({ KeyId, GrantId }))),
  }
}

/** False as well for a key that may not be read: it is none of the workshop's. */
async function hasTag(client: KMSClient, keyArn: string, tagKey: string, tagValue: string): Promise<boolean> {
  const found = await tried(async () => {
    for await (const { Tags = [] } of paginateListResourceTags({ client }, { KeyId: keyArn })) {
      if (Tags.some(({ TagKey, TagValue }) => TagKey === tagKey && TagValue === tagValue)) return true
    }
    return false
  })
  return found.ok && found.value
}

function secondOf(date: Date | undefined): EpochS | null {
  return date === undefined ? null : epochS(date.getTime())
}

function present<Value>(value: Value | null | undefined): Value {
  if (value === undefined || value === null) throw new Error('KMS answered without what it was asked for')
  return value
}
