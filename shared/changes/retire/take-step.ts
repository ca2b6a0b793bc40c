import { DAY_S } from '../../time.ts'
import type { Refusal, Tried } from '../../tried.ts'
import type { RetireGround } from './ground.ts'
import { TAKEN_AWAY } from './next-step.ts'
import { holdNotice, noteAgain, noteBeginning, noteStage } from './note.ts'
import { later } from './periods.ts'
import type { RetirePorts } from './ports.ts'
import type { Retirement } from './retirement.ts'
import type { Step } from './steps.ts'

/** What a step came to. */
export type Taken =
  /** Something was done: what stands in AWS now decides what comes next. */
  | { readonly kind: 'on'; readonly retirement: Retirement | null }
  /** AWS refused; it is noted if that is for good. */
  | { readonly kind: 'refused'; readonly retirement: Retirement; readonly reason: string }
  /** Another run is ahead. */
  | { readonly kind: 'overtaken' }

/** Steps that do something. */
export type ActiveStep = Exclude<Step, { readonly kind: 'protected' | 'wait' }>

/**
 * Refusals that asking again does not change: a person has to. All others may pass by the next run (limits, conflicts, states that KMS
 * shows late). https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html#API_ScheduleKeyDeletion_Errors
 */
const FINAL = ['AccessDeniedException', 'UnsupportedOperationException', 'ValidationException', 'InvalidArnException']
const HALF_A_DAY_S = DAY_S / 2

/** Takes one step. Its stage is noted before AWS is called, so that a run that breaks off is gone on with. @throws what breaks on the way */
export async function takeStep(step: ActiveStep, ground: RetireGround, ports: RetirePorts): Promise<Taken> {
  const { retirement, entry, keyArn } = ground
  if (step.kind === 'begin') return begin(step, ground, ports)
  if (step.kind === 'finish') return finish(step, ground, ports)
  if (retirement === null) throw new Error(`a retirement that did not begin cannot go on with ${step.kind}`)
  const note = async (said: Parameters<typeof noteStage>[1]): Promise<Taken> => onward(await noteStage(retirement, said, entry, ports))
  switch (step.kind) {
    case 'disable':
      return forward(await ports.keys.disable(keyArn), 'DisableKey', { retirement, ground, ports })
    case 'watch':
      return note({ stage: 'watching', watchedFrom: ports.now() })
    case 'watch-again':
      await ports.notices.put(holdNotice(retirement, step, entry, ports.now()))
      return onward(await noteAgain(retirement, ports))
    case 'free':
      return free(step.aliases, retirement, ground, ports)
    case 'schedule':
      return schedule(step.days, retirement, ground, ports)
    case 'await-deletion':
      return note({ stage: 'scheduled', deletionAt: step.until, ...(step.isTakenAway && { isTakenAway: true, reason: TAKEN_AWAY }) })
    case 'save':
      return note({ stage: 'saving', reason: step.reason })
    case 'stop':
      return note({ stage: 'stopped', reason: step.reason, deletionAt: null })
    case 'cancel':
      return cancel(step.unread !== null, retirement, ports)
    case 'enable':
      return back(await ports.keys.enable(keyArn), 'EnableKey', retirement)
    case 'give-back':
      return giveBack(step.aliases, retirement, ports)
  }
}

function onward(noted: Awaited<ReturnType<typeof noteStage>>): Taken {
  return noted.kind === 'noted' ? { kind: 'on', retirement: noted.retirement } : noted
}

async function begin(step: Extract<ActiveStep, { kind: 'begin' }>, { keyArn, entry }: RetireGround, ports: RetirePorts): Promise<Taken> {
  if (entry === null) throw new Error('only keys of the registry are retired')
  const now = ports.now()
  const begun: Retirement = {
    keyArn,
    entryId: entry.entryId,
    version: 1,
    stage: 'disabling',
    since: now,
    startedAt: now,
    by: step.by,
    snapshot: step.snapshot,
    wasEnabled: step.snapshot.state === 'Enabled',
    watchedFrom: null,
    freed: [],
    deletionAt: null,
    reason: '',
  }
  return onward(await noteBeginning(begun, entry, ports))
}

/** The registry first: as long as the retirement is under way, the next run finishes what this one does not. */
async function finish(
  step: Extract<ActiveStep, { kind: 'finish' }>,
  { retirement, entry }: RetireGround,
  ports: RetirePorts,
): Promise<Taken> {
  if (step.outcome === 'deleted' && entry !== null) await ports.registry.retired(entry, 'KMS deleted it')
  if (retirement === null || retirement.stage === 'saved' || retirement.stage === 'deleted') return { kind: 'on', retirement }
  return onward(await noteStage(retirement, { stage: step.outcome, reason: step.reason }, entry, ports))
}

type Context = { readonly retirement: Retirement; readonly ground: RetireGround; readonly ports: RetirePorts }

/** What came of a call that leads forward: a refusal for good stops the retirement, and is not asked for again. */
async function forward(tried: Tried<unknown>, call: string, { retirement, ground, ports }: Context): Promise<Taken> {
  if (tried.ok) return { kind: 'on', retirement }
  const reason = words(call, tried)
  if (!FINAL.includes(tried.code)) return { kind: 'refused', retirement, reason }
  const noted = await noteStage(retirement, { stage: 'stopped', reason, deletionAt: null }, ground.entry, ports)
  return noted.kind === 'noted' ? { kind: 'refused', retirement: noted.retirement, reason } : noted
}

/** What came of a call that takes back: it is asked for again in every run, until nothing is left to take back. */
function back(tried: Tried<unknown>, call: string, retirement: Retirement): Taken {
  return tried.ok ? { kind: 'on', retirement } : { kind: 'refused', retirement, reason: words(call, tried) }
}

async function cancel(isBlind: boolean, retirement: Retirement, { keys }: RetirePorts): Promise<Taken> {
  const tried = await keys.cancelDeletion(retirement.keyArn)
  // There was none. https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html#API_CancelKeyDeletion_Errors
  if (isBlind && !tried.ok && tried.code === 'KMSInvalidStateException') return { kind: 'on', retirement }
  return back(tried, 'CancelKeyDeletion', retirement)
}

async function free(aliases: readonly string[], before: Retirement, ground: RetireGround, ports: RetirePorts): Promise<Taken> {
  const { entry, keyArn } = ground
  let retirement = before
  if (retirement.stage !== 'freeing' || aliases.some((alias) => !retirement.freed.includes(alias))) {
    const freed = [...new Set([...retirement.freed, ...aliases])].toSorted()
    const noted = await noteStage(retirement, { stage: 'freeing', freed }, entry, ports)
    if (noted.kind === 'overtaken') return noted
    retirement = noted.retirement
  }
  for (const alias of aliases) {
    // KMS deletes an alias by its name, whichever key it stands for by now.
    const target = await ports.keys.aliasTarget(alias, keyArn)
    if (!target.known) return { kind: 'refused', retirement, reason: `${target.action} failed for ${alias}: ${target.code}` }
    if (target.value !== keyArn) continue
    // Whoever takes the next step asks, too, and says so.
    if ((await ports.control.stop()) !== null) return { kind: 'on', retirement }
    const tried = await ports.keys.deleteAlias(alias, keyArn)
    if (tried.ok || tried.code === 'NotFoundException') continue
    return forward(tried, `DeleteAlias of ${alias}`, { retirement, ground, ports })
  }
  return { kind: 'on', retirement }
}

async function schedule(days: number, before: Retirement, ground: RetireGround, ports: RetirePorts): Promise<Taken> {
  let retirement = before
  const deletionAt = later(ports.now(), days * DAY_S)
  // By the day of the deletion Keytrail knows its own.
  if (before.stage !== 'scheduling' || before.deletionAt === null || deletionAt - before.deletionAt > HALF_A_DAY_S) {
    const noted = await noteStage(before, { stage: 'scheduling', deletionAt }, ground.entry, ports)
    if (noted.kind === 'overtaken') return noted
    retirement = noted.retirement
  }
  return forward(await ports.keys.scheduleDeletion(ground.keyArn, days), 'ScheduleKeyDeletion', { retirement, ground, ports })
}

async function giveBack(aliases: readonly string[], retirement: Retirement, { keys }: RetirePorts): Promise<Taken> {
  const refusals: string[] = []
  for (const alias of aliases) {
    const tried = await keys.createAlias(alias, retirement.keyArn)
    if (!tried.ok) refusals.push(words(`CreateAlias of ${alias}`, tried))
  }
  return refusals.length === 0 ? { kind: 'on', retirement } : { kind: 'refused', retirement, reason: refusals.join('; ') }
}

function words(call: string, { code, message }: Refusal): string {
  return `AWS refused ${call}: ${code}${message === '' ? '' : ` (${message})`}`
}
