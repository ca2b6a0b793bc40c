import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  type KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import type { KeyReading, RetireKeyPort } from '../../changes/retire/reading.ts'
import { type Observed, unread } from '../../observed.ts'
import { createAccountView } from '../facts/account-view.ts'
import { type Asked, asked, present, secondOf, secondOrNull } from '../facts/asked.ts'
import type { FactParts } from '../facts/fact-parts.ts'
import { kmsKeySources } from '../facts/kms-key-facts.ts'
import { tried, triedDone } from '../tried.ts'
import { readKeyPolicy } from './guard-on-aws.ts'

/** KMS, as retirements call it. `parts` are made anew for each reading. */
export function createRetireKeyPort(parts: () => FactParts, triedUse: RetireKeyPort['triedUse']): RetireKeyPort {
  const clientOf = (keyArn: string): KMSClient => parts().clients.kms(regionOf(keyArn))

  async function read(keyArn: string): Promise<KeyReading> {
    const described = await asked('kms:DescribeKey', () => describe(clientOf(keyArn), keyArn))
    if (described === 'gone') return { kind: 'gone' }
    const own = { ...parts(), extent: 'event' } as const
    const resource = { kind: 'kms_key', arn: keyArn, accountId: accountOf(keyArn), region: regionOf(keyArn) } as const
    const sources = kmsKeySources(resource, own, createAccountView(own))
    const [aliases, tags, grants, lastUse, policy] = await Promise.all([
      sources.aliases(),
      sources.tags(),
      sources.grants(),
      sources.lastUse(),
      readKeyPolicy(own.clients, keyArn),
    ])
    return {
      kind: 'read',
      described: readOrUnread('kms:DescribeKey', described),
      aliases: readOrUnread('kms:ListAliases', aliases),
      tags: readOrUnread('kms:ListResourceTags', tags),
      grants: readOrUnread('kms:ListGrants', grants),
      policy,
      lastUse: readOrUnread('kms:GetKeyLastUsage', lastUse),
    }
  }

  return {
    read,
    triedUse,
    async aliasTarget(alias, keyArn) {
      const name = `${keyArn.split(':').slice(0, 5).join(':')}:${alias}`
      const answer = await asked<string | null>(
        'kms:DescribeKey',
        async () => present((await clientOf(keyArn).send(new DescribeKeyCommand({ KeyId: name }))).KeyMetadata?.Arn),
        { gone: null },
      )
      return readOrUnread('kms:DescribeKey', answer)
    },
    disable: (KeyId) => triedDone(() => clientOf(KeyId).send(new DisableKeyCommand({ KeyId }))),
    enable: (KeyId) => triedDone(() => clientOf(KeyId).send(new EnableKeyCommand({ KeyId }))),
    deleteAlias: (AliasName, keyArn) => triedDone(() => clientOf(keyArn).send(new DeleteAliasCommand({ AliasName }))),
    createAlias: (AliasName, TargetKeyId) =>
      triedDone(() => clientOf(TargetKeyId).send(new CreateAliasCommand({ AliasName, TargetKeyId }))),
    scheduleDeletion: (KeyId, PendingWindowInDays) =>
      tried(async () =>
        secondOrNull((await clientOf(KeyId).send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }))).DeletionDate),
      ),
    cancelDeletion: (KeyId) => triedDone(() => clientOf(KeyId).send(new CancelKeyDeletionCommand({ KeyId }))),
  }
}

type Described = Extract<Extract<KeyReading, { readonly kind: 'read' }>['described'], { readonly known: true }>['value']

async function describe(client: KMSClient, KeyId: string): Promise<Described> {
  const { KeyMetadata: key } = await client.send(new DescribeKeyCommand({ KeyId }))
  const { MultiRegionKeyType = null, ReplicaKeys = [] } = key?.MultiRegionConfiguration ?? {}
  return {
    manager: present(key?.KeyManager),
    accountId: present(key?.AWSAccountId),
    state: present(key?.KeyState),
    createdAt: secondOf(present(key?.CreationDate)),
    deletionAt: secondOrNull(key?.DeletionDate),
    multiRegionRole: MultiRegionKeyType,
    // A replica tells of all replicas, itself among them. https://docs.aws.amazon.com/kms/latest/APIReference/API_MultiRegionConfiguration.html
    replicaArns: MultiRegionKeyType === 'PRIMARY' ? ReplicaKeys.map(({ Arn }) => present(Arn)) : [],
  }
}

/** What is gone in the middle of a reading was not read. */
function readOrUnread<Value>(action: string, answer: Asked<Value>): Observed<Value> {
  return typeof answer === 'string' ? unread(action, 'failed', answer === 'gone' ? 'NotFoundException' : 'BeingChanged') : answer
}

function regionOf(keyArn: string): string {
  return keyArn.split(':')[3] ?? ''
}

function accountOf(keyArn: string): string {
  return keyArn.split(':')[4] ?? ''
}
