import { plainText, timeText } from '../../findings/plain-text.ts'
import { DAY_S, type EpochS } from '../../time.ts'
import type { Notice } from '../notice.ts'
import type { DemoKey } from './demo-key.ts'
import type { RetirePorts } from './ports.ts'
import { isUnderWay, type Retirement, type RetirementStage } from './retirement.ts'
import type { Step } from './steps.ts'

/** Refusals of AWS and callers' names are told, not whole documents. */
const REASON_BYTES_MAX = 1024
const ALIASES_SHOWN_MAX = 10

const TITLES: Readonly<Record<RetirementStage, string>> = {
  disabling: 'A demo key is retired: it is disabled first',
  watching: 'A demo key is disabled and watched',
  freeing: 'The aliases of a demo key are taken away',
  scheduling: 'The deletion of a demo key is scheduled',
  scheduled: 'KMS will delete a demo key',
  deleted: 'A demo key is deleted',
  saving: 'A demo key is given back',
  saved: 'A demo key is saved',
  stopped: 'The retirement of a demo key stopped: a person has to look',
}

const HELD = 'The retirement of a demo key is held'
/** So often it is told that it is held still: of a watch that sees nothing, and of all else. */
const HELD_AGAIN_S = { blind: DAY_S, other: 7 * DAY_S }

type Said = Pick<Retirement, 'stage'> & Partial<Pick<Retirement, 'watchedFrom' | 'freed' | 'deletionAt' | 'reason' | 'isTakenAway'>>
type Noted = { readonly kind: 'noted'; readonly retirement: Retirement } | { readonly kind: 'overtaken' }
type NotePorts = Pick<RetirePorts, 'notices' | 'retirements' | 'now'>

/** Notes the next stage, having put its notice first: nothing happens that nobody is told of. */
export async function noteStage(retirement: Retirement, said: Said, entry: DemoKey | null, ports: NotePorts): Promise<Noted> {
  const next = {
    ...retirement,
    ...said,
    reason: plainText(said.reason ?? '', REASON_BYTES_MAX),
    version: retirement.version + 1,
    since: ports.now(),
  }
  return keep(next, retirement.version, entry, ports)
}

/** Notes a retirement that begins. */
export async function noteBeginning(begun: Retirement, entry: DemoKey | null, ports: NotePorts): Promise<Noted> {
  return keep(begun, null, entry, ports)
}

/** Notes that the hours of the watch are counted anew, which its hold tells of. */
export async function noteAgain(retirement: Retirement, { retirements, now }: NotePorts): Promise<Noted> {
  const next = { ...retirement, version: retirement.version + 1, since: now(), watchedFrom: now() }
  return (await retirements.write(next, retirement.version)) === 'written' ? { kind: 'noted', retirement: next } : { kind: 'overtaken' }
}

/** Told when the hold begins, when others hold it, and from time to time. */
export function holdNotice(
  retirement: Retirement,
  step: Extract<Step, { readonly kind: 'protected' | 'wait' | 'watch-again' }>,
  entry: DemoKey | null,
  now: EpochS,
): Notice {
  const { keyArn, startedAt, stage } = retirement
  const [kinds, words] =
    step.kind === 'protected'
      ? [step.protections.map(({ kind }) => kind), step.protections.map((each) => each.words)]
      : [['unread'], [step.reason]]
  const period = step.kind !== 'protected' && stage === 'watching' ? 'blind' : 'other'
  const again = Math.floor((now - startedAt) / HELD_AGAIN_S[period])
  const heldBy = [...new Set(kinds)].toSorted()
  const told = noticeOf({ ...retirement, reason: '' }, entry)
  return {
    ...told,
    id: `${keyArn}#${startedAt}#held#${period}#${heldBy.join('+')}#${again}`,
    at: now,
    title: HELD,
    lines: [...told.lines, ...words.map((each) => plainText(`Held: ${each}`, REASON_BYTES_MAX))],
    detail: { ...told.detail, heldBy },
  }
}

async function keep(
  retirement: Retirement,
  over: number | null,
  entry: DemoKey | null,
  { notices, retirements }: NotePorts,
): Promise<Noted> {
  // What another run is ahead of does not happen.
  const standing = await retirements.find(retirement.keyArn)
  if ((standing !== null && isUnderWay(standing) ? standing.version : null) !== over) return { kind: 'overtaken' }
  await notices.put(noticeOf(retirement, entry))
  return (await retirements.write(retirement, over)) === 'written' ? { kind: 'noted', retirement } : { kind: 'overtaken' }
}

/** The stage is part of the ID: a run that breaks off before it is noted may be followed by one that finds another way to go. */
function noticeOf(retirement: Retirement, entry: DemoKey | null): Notice {
  const { keyArn, startedAt, version, stage, since, reason, snapshot, freed, deletionAt, by } = retirement
  const [, , , region = '', accountId = ''] = keyArn.split(':')
  const aliases = entry?.aliases ?? snapshot.aliases
  const shown = aliases.slice(0, ALIASES_SHOWN_MAX)
  const lines = [
    ...(shown.length > 0 ? [`Aliases: ${shown.join(', ')}${aliases.length > shown.length ? ' and more' : ''}`] : []),
    ...(entry === null ? [] : [`Owner: ${entry.owner}`, `Use case: ${entry.useCase}`]),
    `Asked by: ${by}`,
    ...(reason === '' ? [] : [`Why: ${reason}`]),
    ...(deletionAt === null ? [] : [`Deletion: ${timeText(deletionAt)}`]),
    ...(isUnderWay(retirement) && stage !== 'saving' ? [`To take it back: keytrail undo ${keyArn}`] : []),
  ]
  return {
    id: `${keyArn}#${startedAt}#${version}#${stage}`,
    at: since,
    title: TITLES[stage],
    resourceArn: keyArn,
    accountId,
    region,
    lines: lines.map((line) => plainText(line, REASON_BYTES_MAX)),
    detail: {
      format: 'keytrail.retirement/1',
      keyArn,
      stage,
      version,
      startedAt: new Date(startedAt * 1000).toISOString(),
      by,
      reason,
      freed,
      deletionAt: deletionAt === null ? null : new Date(deletionAt * 1000).toISOString(),
    },
  }
}
