import { timeText } from '../../shared/findings/plain-text.ts'
import type { Stop } from '../../shared/changes/control.ts'
import type { AdoptCandidate } from '../../shared/changes/retire/adopt.ts'
import { ADOPTED } from '../../shared/changes/retire/demo-key.ts'
import type { KeyReport } from '../../shared/changes/retire/report.ts'
import { counted } from '../../shared/rules/days.ts'
import type { Adoption, CleanedUp } from './clean-up-json.ts'
import { labelled } from './labelled.ts'
import { stageWords } from './retirement-words.ts'
import { shown } from './shown.ts'
import { commandAt, type Target } from './target-json.ts'

/** So many keys are shown one by one; the others are counted. */
const SHOWN_MAX = 200

const OWN_FRESH = [
  'Of your own keys, those that you made within the last 7 days are not watched: --apply disables them, takes their aliases away and',
  'schedules their deletion at once. Until KMS deletes them, 7 days later at the earliest, keytrail undo <key ARN> gives all of it back.',
].join('\n')

/** What a person reads: each key, what was done or comes next, and what protects it. */
export function cleanUpText(cleaned: CleanedUp): string {
  const { target, policyFile, isApplied, stop, keys } = cleaned
  const head = isApplied && stop === null ? [] : ['A plan: nothing was changed, and nothing was written.']
  const body = keys.slice(0, SHOWN_MAX).map(keyText)
  const more = keys.length - SHOWN_MAX
  return sections([
    ...stoppedText(target, stop),
    ...(keys.length === 0 ? [] : head),
    ...body,
    ...(more > 0 ? [`and ${more} more; --format json lists all`] : []),
    keys.length === 0 ? 'The registry has no keys: there is nothing to clean up.' : `${summary(keys)}\n${policyText(policyFile)}`,
    ...(!isApplied && keys.some((key) => isToBegin(key) && isOwn(key, target.caller.arn)) ? [OWN_FRESH] : []),
    ...nextText(cleaned),
  ])
}

function nextText({ target, only, isApplied, stop, keys }: CleanedUp): readonly string[] {
  if (isApplied || !keys.some(isToBegin)) return []
  if (stop !== null) return [`Next: ${commandAt(target, 'changes resume')}`]
  return [`Next: ${commandAt(target, 'clean-up --apply')}${only.map((keyArn) => ` --key ${shown(keyArn)}`).join('')}`]
}

/** What is excluded, and who owns what, stands there: whoever stands in another folder goes by something else. */
function policyText(file: string | null): string {
  if (file !== null) return `By the policy file ${shown(file)}.`
  return 'There is no keytrail.yml here: the defaults hold. Nothing is excluded, and nobody owns anything.'
}

/** What a person reads before being asked: what the pattern found, and what speaks against each. */
export function candidatesText({ policyFile, pattern, candidates, unread }: Omit<Adoption, 'registered'>): string {
  const adoptable = candidates.filter(({ entries }) => entries.length > 0)
  return sections([
    ...candidates.slice(0, SHOWN_MAX).map(candidateText),
    ...(candidates.length > SHOWN_MAX ? [`and ${candidates.length - SHOWN_MAX} more; --format json lists all`] : []),
    ...unread.map(({ action, because, code }) => `${action} ${because === 'denied' ? 'is not allowed' : 'failed'} (${shown(code)})`),
    candidates.length === 0
      ? `Nothing here matches ${shown(pattern)}.`
      : `${candidates.length} found, of which ${adoptable.length} can be adopted.\n${policyText(policyFile)}`,
  ])
}

/** What became of it. */
export function registeredText({ target, registered }: Pick<Adoption, 'target' | 'registered'>): string {
  if (registered === null) return 'Nothing was registered.\n'
  return `Registered: ${registered.map(shown).join(', ')}.\n\nNext: ${commandAt(target, 'clean-up')}\n`
}

export function stoppedText(target: Pick<Target, 'kind'>, stop: Stop | null): readonly string[] {
  if (stop === null) return []
  return [
    `Keytrail is stopped since ${timeText(stop.at)}, by ${shown(stop.by)}: ${shown(stop.reason)}\n${commandAt(target, 'changes resume')} lets it go on.`,
  ]
}

function keyText(key: KeyReport): string {
  const { keyArn, aliases, useCase, owner, after, done, next, protections, failure } = key
  const when = next.at === null ? '' : ` (${timeText(next.at)})`
  return [
    shown(aliases.length === 0 ? keyArn : aliases.join(', ')),
    ...labelled('key', [keyArn]),
    ...labelled('use case', [useCase === '' ? 'not known: the registry no longer has the key' : useCase]),
    ...labelled('owner', owner === '' ? [] : [owner]),
    ...labelled('stage', [stageWords(after)]),
    ...labelled('done', done),
    ...labelled('failed', failure === null ? [] : [failure]),
    ...labelled('next', [`${next.what}${when}`]),
    ...labelled(
      'because',
      protections.map(({ words }) => words),
    ),
  ].join('\n')
}

function candidateText({ name, aliases, against, entries }: AdoptCandidate): string {
  return [
    shown(aliases.length === 0 ? name : aliases.join(', ')),
    ...labelled('key', aliases.length === 0 ? [] : [name]),
    ...labelled('adopt', [entries.length === 0 ? 'no' : 'yes']),
    ...labelled(
      entries.length === 0 ? 'because' : 'but',
      against.map(({ words }) => words),
    ),
  ].join('\n')
}

function summary(keys: readonly KeyReport[]): string {
  const looked = keys.filter(needsAPerson).length
  const left = keys.filter(({ protections }) => protections.length > 0).length
  const parts = [counted(keys.length, 'key'), `${left} protected`, `${looked} for a person to look at`]
  return `${parts.join(', ')}.`
}

/** Its retirement stopped, or something went wrong in this run. */
export function needsAPerson({ after, failure }: KeyReport): boolean {
  return after === 'stopped' || failure !== null
}

function isToBegin({ before, protections }: KeyReport): boolean {
  return before === null && protections.length === 0
}

function isOwn({ owner, useCase }: KeyReport, caller: string): boolean {
  return owner === caller && useCase !== ADOPTED
}

function sections(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`
}
