import { NOTHING_COUNTED, type RetireKeyPort, type TriedUse } from '../../changes/retire/reading.ts'
import { unread } from '../../observed.ts'
import { cappedText } from '../../text.ts'
import { DAY_S, type EpochS, HOUR_S } from '../../time.ts'
import { KEY_USAGE_RULE_NAME, keyUsageRuleProblems } from '../../usage/key-usage-rule.ts'
import { type KeyUse, SENT_BYTES_MAX } from '../../usage/key-use.ts'
import { readUsage } from '../../usage/read-usage.ts'
import { EDGE_S } from '../../usage/segment.ts'
import { decodeUses } from '../../usage/segment-bytes.ts'
import type { StoredUsage } from '../../usage/usage-store.ts'
import { ENTRY_WORDS, parseRow, ROW_WORD, SECOND_WORD } from '../../usage/use-batch.ts'
import { askedBeside } from '../facts/asked.ts'
import type { FactClients } from '../facts/clients.ts'
import { readRule } from '../rules.ts'

export type CountedParts = {
  readonly clients: Pick<FactClients, 'events'>
  readonly usage: StoredUsage
  /** Where, and of which accounts, uses of keys are counted. */
  readonly counted: { readonly region: string; readonly accounts: ReadonlySet<string> }
  now(): EpochS
}

/** A day less than roll-ups of usage are kept. */
const USAGE_S = 399 * DAY_S
const READING = 'dynamodb:Query'
const ALIAS = /^(?:arn:.*:)?alias\//
/** A call of a key that can do nothing. Where its record names no key, or an alias that nobody knows here, it may be any that is in such a state. */
const OF_A_KEY_THAT_RESTS = ['DisabledException', 'KMSInvalidStateException']

/** The last tried use of a key or of its aliases, from what Keytrail counted. Whatever may be one is one. */
export function createTriedUse({ clients, usage, counted, now }: CountedParts): RetireKeyPort['triedUse'] {
  return async (keyArn, aliases, since, { notBy, isUnproven = false } = {}) => {
    const [, , , region = '', accountId = ''] = keyArn.split(':')
    if (region !== counted.region || !counted.accounts.has(accountId)) return unread(READING, 'failed', 'NotCountedHere')
    if (now() - since > USAGE_S) return unread(READING, 'failed', 'UsageNotKept')
    const rule = await askedBeside('events:DescribeRule', () => readRule(clients.events(region), KEY_USAGE_RULE_NAME))
    if (!rule.known) return rule
    if (keyUsageRuleProblems(rule.value).length > 0) return unread('events:DescribeRule', 'failed', 'RuleNotAsDeployed')
    const isOfKey = meaning(keyArn, aliases)
    const isMeant: Meant = notBy === undefined ? isOfKey : (use) => !isBy(use, notBy) && isOfKey(use)
    const span = { since, now: now() }
    const last = await askedBeside(READING, () => lastUse(usage, isMeant, span))
    if (!last.known || last.value !== null || isUnproven) return last
    const counts = await askedBeside(READING, () => isCounting(usage, span))
    if (!counts.known) return counts
    return counts.value ? last : unread(READING, 'failed', NOTHING_COUNTED)
  }
}

type Meant = (use: KeyUse) => boolean
type Span = { readonly since: EpochS; readonly now: EpochS }

/**
 * Nothing but uses, of whatever key, shows that the trail delivers: the rule may be as deployed where no trail writes what it waits for. One
 * counted use is enough: accounts in which no key is used for days are no exception.
 */
async function isCounting(usage: StoredUsage, { now }: Span): Promise<boolean> {
  if ((await usage.markedHours(1)).length > 0) return true
  const [until, month] = [(hourOf(now) + 2 * HOUR_S) as EpochS, 30 * DAY_S]
  for (const since of [until - month, until - USAGE_S]) if ((await usage.rolledUpHours(since as EpochS, until)).size > 0) return true
  return false
}

/**
 * A session does not tell the path of its role, and what its calls are counted under has it. No two roles of an account differ in that
 * alone. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
function isBy({ caller }: KeyUse, arn: string): boolean {
  return caller !== null && withoutPath(caller) === withoutPath(arn)
}

function withoutPath(arn: string): string {
  return arn.replace(/:role\/.*\//, ':role/')
}

/** Backwards, a day at a time: who was used lately is found soon, and never is more than a day of all keys' usage held. */
async function lastUse(usage: StoredUsage, isMeant: Meant, { since, now }: Span): Promise<TriedUse | null> {
  const first = hourOf((since - EDGE_S) as EpochS)
  // Clocks may differ: what is counted of the next hour counts.
  for (let until = (hourOf(now) + 2 * HOUR_S) as EpochS; until > first; until = (until - DAY_S) as EpochS) {
    const tallies = await readUsage(usage, { since: Math.max(first, until - DAY_S) as EpochS, until })
    const meant = tallies.filter(({ use }) => isMeant(use)).toSorted((one, other) => (other.hour ?? 0) - (one.hour ?? 0))
    const hours = new Map(meant.map(({ hour, use }) => [hour, use]))
    for (const [hour, use] of hours) {
      const found = hour === null ? null : await useInHour(usage, isMeant, { hour, since, tallied: use })
      if (found !== null) return found
    }
  }
  return null
}

type TalliedHour = { readonly hour: EpochS; readonly since: EpochS; readonly tallied: KeyUse }

/**
 * The last use of an hour that has one. A roll-up tells the hour alone, segments the second as long as they are kept: once some are gone,
 * what was before `since` in its hour and what was after it are one.
 */
async function useInHour(usage: StoredUsage, isMeant: Meant, { hour, since, tallied }: TalliedHour): Promise<TriedUse | null> {
  let segments = 0
  let last: { readonly use: KeyUse; readonly second: number } | null = null
  for await (const bytes of usage.segments(hour, '')) {
    segments++
    const { rows, entries } = decodeUses(bytes, { digests: false })
    const uses = rows.map((row) => parseRow(row).use)
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const use = uses[entries[at + ROW_WORD] ?? 0]
      const second = entries[at + SECOND_WORD] ?? 0
      if (use !== undefined && second > (last?.second ?? 0) && isMeant(use)) last = { use, second }
    }
  }
  if (last !== null && last.second >= since) return triedUse(last.use, last.second as EpochS)
  if (hour > since) return triedUse(tallied, hour)
  // Its first copy was before.
  if (hour + HOUR_S <= since) return null
  const rollUp = await usage.rollUp(hour)
  return rollUp === null || segments >= rollUp.segmentCount ? null : triedUse(tallied, since)
}

function triedUse({ operation, caller, errorCode, keyArn, sent }: KeyUse, at: EpochS): TriedUse {
  return { at, operation, caller: caller ?? '', errorCode, named: keyArn ?? sent ?? '' }
}

/** Whether a use is one of the key, or of a name that stands or stood for it. Where the record names no key, what was sent tells. */
function meaning(keyArn: string, aliases: readonly string[]): Meant {
  const place = keyArn.split(':').slice(0, 5).join(':')
  const keyId = keyArn.slice(keyArn.indexOf('/') + 1)
  const names = [keyArn, keyId, ...aliases, ...aliases.map((alias) => `${place}:${alias}`)]
  const sentNames = new Set(names.map((name) => cappedText(name, SENT_BYTES_MAX)))
  return (use) => {
    if (use.keyArn !== null) return use.keyArn === keyArn
    if (use.sent !== null && sentNames.has(use.sent)) return true
    return OF_A_KEY_THAT_RESTS.includes(use.errorCode ?? '') && (use.sent === null || ALIAS.test(use.sent))
  }
}

function hourOf(second: EpochS): EpochS {
  return (second - (second % HOUR_S)) as EpochS
}
