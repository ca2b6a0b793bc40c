import type { Observed } from '../../observed.ts'
import { counted } from '../../rules/days.ts'
import { listed } from '../../rules/listed.ts'
import { matchesPattern } from '../../text-pattern.ts'
import { DAY_S, type EpochS } from '../../time.ts'
import { timeText } from '../../findings/plain-text.ts'
import { STACK_TAG } from '../stack-tag.ts'
import type { CodeOwner, RetireGround } from './ground.ts'
import { isOwnFresh } from './own-fresh.ts'
import { later } from './periods.ts'
import type { KeyReading } from './reading.ts'

export type ProtectionKind =
  | 'unregistered'
  | 'registered'
  | 'unread'
  | 'state'
  | 'not-customer-managed'
  | 'foreign'
  | 'excluded'
  | 'alias'
  | 'grant'
  | 'recent'
  | 'keep-tag'
  | 'stack'
  | 'code-owner'
  | 'replicas'

/** What speaks against touching a key. One is enough. `words` are for people. */
export type Protection = { readonly kind: ProtectionKind; readonly words: string }

export type ReadKey = Extract<KeyReading, { readonly kind: 'read' }>

/** Disabled, or without key material: nobody can use the key. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
export const UNUSABLE_STATES: readonly string[] = ['Disabled', 'PendingImport']
export const DELETING_STATES: readonly string[] = ['PendingDeletion', 'PendingReplicaDeletion']
/** Any value keeps the key. */
const KEEP_TAG = 'keytrail:keep'
/** Keys of AWS have aliases that begin so: https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html */
export const AWS_ALIAS = 'alias/aws/'

/** What people said of the key in so many words: it holds even where waiting alone would go forward. */
export const WISHES: readonly ProtectionKind[] = ['unregistered', 'excluded', 'keep-tag', 'stack', 'code-owner']

/** What protects a key right now; nothing: it may be retired. What was not read protects like what was. */
export function protectionsOf(ground: RetireGround, reading: ReadKey): readonly Protection[] {
  const { entry } = ground
  return [
    ...(entry?.state === 'standing' ? [] : [{ kind: 'unregistered' as const, words: 'the registry does not have the key' }]),
    ...unreadOf(ground, reading),
    ...byDescription(ground, reading),
    ...byAliases(ground, reading),
    ...byGrants(reading),
    ...byTags(reading),
    ...standingOrders(ground, reading),
    ...byRecentUse(ground, reading),
  ]
}

function unreadOf({ usedByOthers }: RetireGround, reading: ReadKey): readonly Protection[] {
  const { described, aliases, tags, grants, policy, lastUse } = reading
  const facts: readonly Observed<unknown>[] = [
    described,
    aliases,
    tags,
    grants,
    policy,
    lastUse,
    ...(usedByOthers === null ? [] : [usedByOthers]),
  ]
  return facts.flatMap((fact) =>
    fact.known
      ? []
      : [{ kind: 'unread', words: `${fact.action} ${fact.because === 'denied' ? 'is not allowed' : 'failed'} (${fact.code})` }],
  )
}

function byDescription({ accountId }: RetireGround, { described }: ReadKey): readonly Protection[] {
  if (!described.known) return []
  const { manager, state, replicaArns, ...key } = described.value
  const protections: Protection[] = []
  if (manager !== 'CUSTOMER') protections.push({ kind: 'not-customer-managed', words: 'AWS manages the key' })
  if (key.accountId !== accountId) protections.push({ kind: 'foreign', words: `the key belongs to account ${key.accountId}` })
  if (state !== 'Enabled' && !UNUSABLE_STATES.includes(state)) protections.push({ kind: 'state', words: `the key's state is ${state}` })
  // Its deletion would begin when the last replica is gone, whenever that is. https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
  if (replicaArns.length > 0)
    protections.push({
      kind: 'replicas',
      words: `it is the primary key of ${counted(replicaArns.length, 'replica')}: ${listed(replicaArns)}`,
    })
  return protections
}

function byAliases({ entry }: RetireGround, { aliases }: ReadKey): readonly Protection[] {
  if (!aliases.known) return []
  const others = aliases.value.filter((alias) => entry === null || !entry.aliases.includes(alias))
  const ofAws = aliases.value.filter((alias) => alias.startsWith(AWS_ALIAS))
  return [
    ...(others.length > 0
      ? [{ kind: 'alias' as const, words: `the registry does not have ${listed(others)}, which stands for the key` }]
      : []),
    ...(ofAws.length > 0 ? [{ kind: 'not-customer-managed' as const, words: `${listed(ofAws)} is an alias of AWS` }] : []),
  ]
}

function byGrants({ grants }: ReadKey): readonly Protection[] {
  if (!grants.known || grants.value.length === 0) return []
  const grantees = grants.value.map(({ grantee }) => grantee)
  return [{ kind: 'grant', words: `${counted(grants.value.length, 'grant')} on the key: ${listed(grantees)}` }]
}

function byTags({ tags }: ReadKey): readonly Protection[] {
  if (!tags.known) return []
  const protections: Protection[] = []
  if (Object.hasOwn(tags.value, KEEP_TAG)) protections.push({ kind: 'keep-tag', words: `the key has the tag ${KEEP_TAG}` })
  if (Object.hasOwn(tags.value, STACK_TAG))
    protections.push({ kind: 'stack', words: `the key belongs to the CloudFormation stack ${tags.value[STACK_TAG]}` })
  return protections
}

/** What `keytrail.yml` says of the key or of any alias that it has, or had before it was taken away. */
function standingOrders(ground: RetireGround, reading: ReadKey): readonly Protection[] {
  const names = namesOf(ground, reading)
  const excluded = names.find((name) => ground.settings.exclude.some((pattern) => matchesPattern(pattern, name)))
  const owner = ownerOf(names, ground.owners)
  return [
    ...(excluded === undefined ? [] : [{ kind: 'excluded' as const, words: `keytrail.yml excludes ${excluded}` }]),
    ...(owner === undefined ? [] : [{ kind: 'code-owner' as const, words: `${owner.tool} owns the key` }]),
  ]
}

function ownerOf(names: readonly string[], owners: readonly CodeOwner[]): CodeOwner | undefined {
  return owners.find(({ resource }) => names.some((name) => matchesPattern(resource, name)))
}

/** The key's ARN, and its aliases by name and by ARN. */
function namesOf({ keyArn, entry, retirement }: RetireGround, { aliases }: ReadKey): readonly string[] {
  const all = new Set([...(aliases.known ? aliases.value : []), ...(entry?.aliases ?? []), ...(retirement?.freed ?? [])])
  const prefix = keyArn.slice(0, keyArn.lastIndexOf(':') + 1)
  return [keyArn, ...[...all].flatMap((alias) => [alias, `${prefix}${alias}`])]
}

function byRecentUse(ground: RetireGround, reading: ReadKey): readonly Protection[] {
  const { entry, settings, retirement, now } = ground
  if (entry === null || !reading.lastUse.known || isOwnFresh(ground)) return []
  const moments: readonly Moment[] = [
    { at: entry.registeredAt, what: 'it was registered' },
    ...lastUseOf(reading),
    ...usedByOther(ground),
    ...(retirement?.stage === 'saved' ? [{ at: retirement.since, what: 'it was saved' }] : []),
  ]
  const last = moments.reduce((one, other) => (other.at > one.at ? other : one))
  const dueAt = later(last.at, settings.afterDays * DAY_S)
  return now >= dueAt ? [] : [{ kind: 'recent', words: `${last.what} at ${timeText(last.at)}: due at ${timeText(dueAt)}` }]
}

type Moment = { readonly at: EpochS; readonly what: string }

/** Of a use before KMS began to look nothing is known: it may have been the moment before. */
function lastUseOf({ lastUse, described }: ReadKey): readonly Moment[] {
  if (!lastUse.known) return []
  const { at, trackedSince } = lastUse.value
  if (at !== null) return [{ at, what: 'it was last used' }]
  const isTrackedFromTheStart = described.known && trackedSince <= described.value.createdAt
  return isTrackedFromTheStart ? [] : [{ at: trackedSince, what: 'KMS began to note its uses' }]
}

function usedByOther({ usedByOthers }: RetireGround): readonly Moment[] {
  if (usedByOthers?.known !== true || usedByOthers.value === null) return []
  const { at, caller } = usedByOthers.value
  return [{ at, what: `it was used by ${caller === '' ? 'somebody' : caller}` }]
}
