import {
  DescribeKeyCommand,
  GetKeyLastUsageCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type GrantListEntry,
  paginateListAliases,
  paginateListGrants,
  paginateListKeyRotations,
  paginateListResourceTags,
} from '@aws-sdk/client-kms'
import { observed } from '../../observed.ts'
import type { Grant, KmsKeyFacts } from '../../rules/facts.ts'
import { parsePolicy } from '../../rules/policy/document.ts'
import type { Resource } from '../../rules/rule.ts'
import { type AccountView, knownAlias } from './account-view.ts'
import { type Asked, asked, askedBeside, itemsOf, mapped, once, present, secondOf, secondOrNull, sortedJson } from './asked.ts'
import type { FactParts, FactSources } from './fact-parts.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html: 50,000 grants, 50 aliases, 50 tags; 100 and 50 in a page. */
const GRANT_PAGES_MAX = 500
const GRANTS_PER_PAGE = 100
const ALIAS_PAGES_MAX = 10
const TAG_PAGES_MAX = 10
/** 25 on demand, and one every 90 days for longer than KMS exists. */
const ROTATION_PAGES_MAX = 20
/** In these nothing holds for longer than seconds. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
const PASSING_STATES = ['Creating', 'Updating']

export function kmsKeySources({ arn, accountId, region }: Resource, parts: FactParts, account: AccountView): FactSources<'kms_key'> {
  const { clients, seen, now, extent } = parts
  const client = clients.kms(region)
  const KeyId = arn
  const scope = { accountId, region }

  const key = once(async (): Promise<Asked<DescribedKey>> => {
    const answer = await asked('kms:DescribeKey', () => describedKey())
    return typeof answer !== 'string' && answer.known && PASSING_STATES.includes(answer.value.state) ? 'unready' : answer
  })

  async function describedKey(): Promise<DescribedKey> {
    const { KeyMetadata: metadata } = await client.send(new DescribeKeyCommand({ KeyId }))
    return {
      manager: present(metadata?.KeyManager),
      state: present(metadata?.KeyState),
      spec: present(metadata?.KeySpec),
      usage: present(metadata?.KeyUsage),
      origin: present(metadata?.Origin),
      multiRegionRole: metadata?.MultiRegionConfiguration?.MultiRegionKeyType ?? null,
      createdAt: secondOf(present(metadata?.CreationDate)),
      deletionAt: secondOrNull(metadata?.DeletionDate),
      materialExpiresAt: secondOrNull(metadata?.ValidTo),
    }
  }

  const ofKey =
    <Name extends keyof DescribedKey>(name: Name) =>
    async (): Promise<Asked<DescribedKey[Name]>> =>
      mapped(await key(), (described) => described[name])

  const aliases = once(async (): Promise<Asked<readonly string[]>> => {
    if (extent === 'sweep') {
      return mapped(await account.aliases(scope), (all) => all.filter(({ keyArn }) => keyArn === arn).map(({ alias }) => alias))
    }
    return asked('kms:ListAliases', async () => {
      const pages = paginateListAliases({ client }, { KeyId })
      return (await itemsOf(pages, ALIAS_PAGES_MAX, (page) => page.Aliases)).map((entry) => knownAlias(entry).alias)
    })
  })

  /** Aliases that are seen for the first time are noted: from now on they are known to stand for this key. */
  async function aliasHistory(): Promise<Asked<KmsKeyFacts['aliasHistory']>> {
    const [own, firstKeys] = await Promise.all([aliases(), account.firstKeys(scope)])
    if (typeof own === 'string' || !own.known) return own
    if (!firstKeys.known) return firstKeys
    if (seen.remembersNothing === true) return observed(null)
    const firstOf = new Map(firstKeys.value.map(({ alias, keyArn }) => [alias, keyArn]))
    const departed = firstKeys.value.filter(({ alias, keyArn }) => keyArn === arn && !own.value.includes(alias))
    const all = departed.length === 0 ? observed([]) : await account.aliases(scope)
    if (!all.known) return all
    const noted = await askedBeside('dynamodb:PutItem', async () => {
      for (const alias of own.value) if (!firstOf.has(alias)) await seen.noteKey(scope, { alias, keyArn: arn, seenAt: now })
    })
    if (!noted.known) return noted
    const keyOf = new Map(all.value.map(({ alias, keyArn }) => [alias, keyArn]))
    return observed([
      ...own.value.map((alias) => ({ alias, firstKeyArn: firstOf.get(alias) ?? arn, keyArn: arn })),
      ...departed.map(({ alias }) => ({ alias, firstKeyArn: arn, keyArn: keyOf.get(alias) ?? null })),
    ])
  }

  return {
    manager: ofKey('manager'),
    state: ofKey('state'),
    spec: ofKey('spec'),
    usage: ofKey('usage'),
    origin: ofKey('origin'),
    multiRegionRole: ofKey('multiRegionRole'),
    createdAt: ofKey('createdAt'),
    deletionAt: ofKey('deletionAt'),
    materialExpiresAt: ofKey('materialExpiresAt'),
    rotation: once(() =>
      asked(
        'kms:GetKeyRotationStatus',
        async () => {
          const status = await client.send(new GetKeyRotationStatusCommand({ KeyId }))
          return {
            isEnabled: present(status.KeyRotationEnabled),
            periodDays: status.RotationPeriodInDays ?? null,
            nextAt: secondOrNull(status.NextRotationDate),
          }
        },
        { unsupported: { isEnabled: false, periodDays: null, nextAt: null } },
      ),
    ),
    rotations: once(() =>
      asked<KmsKeyFacts['rotations']>(
        'kms:ListKeyRotations',
        async () => {
          const pages = paginateListKeyRotations({ client }, { KeyId })
          const entries = await itemsOf(pages, ROTATION_PAGES_MAX, (page) => page.Rotations)
          const rotations = entries.map((entry) => ({ at: secondOf(present(entry.RotationDate)), kind: present(entry.RotationType) }))
          return rotations.toSorted((left, right) => right.at - left.at)
        },
        { unsupported: [] },
      ),
    ),
    policy: once(() =>
      asked('kms:GetKeyPolicy', async () => parsePolicy(present((await client.send(new GetKeyPolicyCommand({ KeyId }))).Policy))),
    ),
    grants: once(() =>
      asked('kms:ListGrants', async () => {
        const pages = paginateListGrants({ client, pageSize: GRANTS_PER_PAGE }, { KeyId })
        return (await itemsOf(pages, GRANT_PAGES_MAX, (page) => page.Grants)).map(grantOf)
      }),
    ),
    aliases,
    tags: once(() =>
      asked('kms:ListResourceTags', async () => {
        const pages = paginateListResourceTags({ client }, { KeyId })
        const tags = await itemsOf(pages, TAG_PAGES_MAX, (page) => page.Tags)
        return Object.fromEntries(tags.map(({ TagKey, TagValue }) => [present(TagKey), TagValue ?? '']))
      }),
    ),
    lastUse: once(() =>
      asked('kms:GetKeyLastUsage', async () => {
        const { KeyLastUsage, TrackingStartDate } = await client.send(new GetKeyLastUsageCommand({ KeyId }))
        return { at: secondOrNull(KeyLastUsage?.Timestamp), trackedSince: secondOf(present(TrackingStartDate)) }
      }),
    ),
    countedUse: () => account.countedUse(arn),
    aliasHistory: once(aliasHistory),
  }
}

/** What one DescribeKey tells. */
type DescribedKey = Pick<
  KmsKeyFacts,
  'manager' | 'state' | 'spec' | 'usage' | 'origin' | 'multiRegionRole' | 'createdAt' | 'deletionAt' | 'materialExpiresAt'
>

/** Names of services end like this, in China with `.cn` behind it. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html */
const SERVICE = /\.amazonaws\.com(\.cn)?$/

function grantOf(entry: GrantListEntry): Grant {
  const grantee = entry.GranteePrincipal ?? entry.GranteeServicePrincipal ?? ''
  return {
    id: present(entry.GrantId),
    name: entry.Name ?? '',
    grantee,
    retiring: entry.RetiringPrincipal ?? entry.RetiringServicePrincipal ?? '',
    operations: entry.Operations ?? [],
    constraints: sortedJson(entry.Constraints ?? {}),
    isForAwsService: entry.GranteeServicePrincipal !== undefined || SERVICE.test(grantee),
  }
}
