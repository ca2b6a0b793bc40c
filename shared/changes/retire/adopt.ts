import type { Observed } from '../../observed.ts'
import { type Parsed, parsed, refused } from '../../parsed.ts'
import { matchesPattern } from '../../text-pattern.ts'
import type { EpochS } from '../../time.ts'
import { STACK_TAG } from '../stack-tag.ts'
import { ADOPTED } from './demo-key.ts'
import type { CodeOwner } from './ground.ts'
import { AWS_ALIAS, type Protection, type ProtectionKind, protectionsOf } from './protections.ts'
import type { KeyReading } from './reading.ts'
import type { RetireSettings } from './settings.ts'

/**
 * What the workshops of 2018 to 2024 leave behind: keys by their aliases, and the buckets that their modules make.
 * https://github.com/aws-samples/data-protection
 */
export const WORKSHOP_PATTERNS: readonly string[] = ['alias/kms_key_*_usecase_*', 'dp-workshop-bucket*', 'reinvent-builder*']

export type AdoptPattern = { readonly kind: 'alias' | 'bucket'; readonly pattern: string }

/** What the registry is to hold of it; who writes it adds an ID, the owner and the time. */
export type AdoptedEntry = {
  readonly useCase: typeof ADOPTED
  readonly kind: 'kms-key' | 'kms-alias' | 's3-bucket'
  /** Key ARN, alias, or name of a bucket. */
  readonly name: string
  /** The key of an alias; else empty. */
  readonly keyArn: string
}

export type AdoptCandidate = {
  /** Key ARN or name of a bucket. */
  readonly name: string
  /** Those that the pattern matches; a bucket has none. */
  readonly aliases: readonly string[]
  /** What a person should know before confirming. */
  readonly against: readonly Protection[]
  /** All that it takes, of which some may be registered. None: for one of the reasons in `against` it cannot be adopted, or needs not be. */
  readonly entries: readonly AdoptedEntry[]
}

export type AdoptGround = {
  /** All of the Region, of all pages; those of AWS may stand for no key. */
  readonly aliases: readonly { readonly name: string; readonly keyArn: string | null }[]
  /** By ARN: the keys that `aliasesToAdopt` stand for. */
  readonly readings: ReadonlyMap<string, KeyReading>
  readonly buckets: readonly { readonly name: string; readonly tags: Observed<Readonly<Record<string, string>>> }[]
  /** Key ARNs, aliases and names of buckets that the registry has. */
  readonly registered: ReadonlySet<string>
  readonly settings: RetireSettings
  readonly owners: readonly CodeOwner[]
  readonly accountId: string
  readonly now: EpochS
}

const ALIAS = 'alias/'
/** So many characters have to be known: fewer would be the aliases, or buckets, of everybody. */
const FIXED_MIN = 3
const PATTERN_LENGTH_MAX = 256
/** They hold a retirement until they are gone, or tell of an adoption that broke off; adopting the key is safe. All others forbid it. */
const PASSING: readonly ProtectionKind[] = ['grant', 'state', 'replicas', 'keep-tag', 'recent', 'registered']

/** An alias, or the name of a bucket, with `*` for any text. Reasons are for people. */
export function parseAdoptPattern(text: string): Parsed<AdoptPattern> {
  if (text.length > PATTERN_LENGTH_MAX) return refused(`the pattern has more than ${PATTERN_LENGTH_MAX} characters`)
  const kind = text.startsWith(ALIAS) ? 'alias' : 'bucket'
  const rest = kind === 'alias' ? text.slice(ALIAS.length) : text
  const allowed = kind === 'alias' ? /^[\w/*-]+$/ : /^[a-z0-9.*-]+$/
  if ((rest.split('*')[0] ?? '').length < FIXED_MIN)
    return refused(
      `the pattern has to begin with ${kind === 'alias' ? `${ALIAS} and ` : ''}${FIXED_MIN} characters before its first *, such as ${WORKSHOP_PATTERNS[0]}`,
    )
  if (!allowed.test(rest)) return refused('the pattern has to be that of an alias, such as alias/demo-*, or of names of buckets')
  if (text.startsWith(AWS_ALIAS)) return refused('aliases of AWS cannot be adopted')
  return parsed({ kind, pattern: text })
}

/** Aliases that the pattern matches and that stand for a key. */
export function aliasesToAdopt(
  { kind, pattern }: AdoptPattern,
  aliases: AdoptGround['aliases'],
): readonly { readonly name: string; readonly keyArn: string }[] {
  if (kind !== 'alias') return []
  return aliases.flatMap(({ name, keyArn }) => (keyArn !== null && matchesPattern(pattern, name) ? [{ name, keyArn }] : []))
}

/** What the pattern finds, sorted by name. */
export function adoptCandidates(pattern: AdoptPattern, ground: AdoptGround): readonly AdoptCandidate[] {
  return (pattern.kind === 'alias' ? keyCandidates(pattern, ground) : bucketCandidates(pattern, ground)).toSorted((one, other) =>
    one.name < other.name ? -1 : 1,
  )
}

function keyCandidates(pattern: AdoptPattern, ground: AdoptGround): readonly AdoptCandidate[] {
  const aliasesOf = new Map<string, string[]>()
  for (const { name, keyArn } of aliasesToAdopt(pattern, ground.aliases)) aliasesOf.set(keyArn, [...(aliasesOf.get(keyArn) ?? []), name])
  return [...aliasesOf].map(([keyArn, aliases]) => {
    const against = againstKey(keyArn, aliases, ground)
    const entries: readonly AdoptedEntry[] = [
      { useCase: ADOPTED, kind: 'kms-key', name: keyArn, keyArn: '' },
      ...aliases.toSorted().map((name): AdoptedEntry => ({ useCase: ADOPTED, kind: 'kms-alias', name, keyArn })),
    ]
    return candidate({ name: keyArn, aliases: aliases.toSorted(), against, entries }, ground.registered)
  })
}

/** What would protect the key, were it registered with these aliases. */
function againstKey(keyArn: string, aliases: readonly string[], ground: AdoptGround): readonly Protection[] {
  const { settings, owners, accountId, now, registered } = ground
  const reading = ground.readings.get(keyArn)
  if (reading === undefined) return [{ kind: 'unread', words: 'the key was not read' }]
  if (reading.kind === 'gone') return [{ kind: 'unread', words: 'KMS does not know the key' }]
  const taken = [keyArn, ...aliases].filter((name) => registered.has(name))
  const entry = { entryId: '', keyArn, aliases, useCase: ADOPTED, owner: '', registeredAt: now, state: 'standing' as const }
  const known = {
    keyArn,
    retirement: null,
    entry,
    reading,
    tried: null,
    usedByOthers: null,
    names: new Map<string, never>(),
    settings,
    owners,
    accountId,
    now,
    by: '',
  }
  return [
    ...taken.map((name) => ({ kind: 'registered' as const, words: `the registry has ${name} already` })),
    // It is registered just now, and has to wait for that reason alone.
    ...protectionsOf(known, reading).filter(({ kind }) => kind !== 'recent'),
  ]
}

function bucketCandidates({ pattern }: AdoptPattern, { buckets, registered, owners }: AdoptGround): readonly AdoptCandidate[] {
  return buckets
    .filter(({ name }) => matchesPattern(pattern, name))
    .map(({ name, tags }) => {
      const owner = owners.find(({ resource }) => matchesPattern(resource, `arn:aws:s3:::${name}`))
      const against: readonly Protection[] = [
        ...(registered.has(name) ? [{ kind: 'registered' as const, words: 'the registry has the bucket already' }] : []),
        ...(owner === undefined ? [] : [{ kind: 'code-owner' as const, words: `${owner.tool} owns the bucket` }]),
        ...(tags.known ? stackOf(tags.value) : [{ kind: 'unread' as const, words: `${tags.action} cannot be read (${tags.code})` }]),
      ]
      const entries = [{ useCase: ADOPTED, kind: 's3-bucket', name, keyArn: '' }] as const
      return candidate({ name, aliases: [], against, entries }, registered)
    })
}

function stackOf(tags: Readonly<Record<string, string>>): readonly Protection[] {
  const stack = tags[STACK_TAG]
  return stack === undefined ? [] : [{ kind: 'stack', words: `the bucket belongs to the CloudFormation stack ${stack}` }]
}

function candidate(found: AdoptCandidate, registered: ReadonlySet<string>): AdoptCandidate {
  const isMissing = found.entries.some(({ name }) => !registered.has(name))
  return { ...found, entries: isMissing && found.against.every(({ kind }) => PASSING.includes(kind)) ? found.entries : [] }
}
