import type { DemoKey } from './demo-key.ts'
import { readGround, type RetireGround } from './ground.ts'
import { nextStep } from './next-step.ts'
import { holdNotice } from './note.ts'
import type { RetirePorts } from './ports.ts'
import { isUnread, type KeyReport, nextOf, reportOf, stepWords } from './report.ts'
import { isUnderWay, type Retirement } from './retirement.ts'
import { unreadable } from './saving-step.ts'
import type { Step } from './steps.ts'
import { type ActiveStep, takeStep } from './take-step.ts'

export type RetireRun = {
  /** False: nothing is written anywhere; it is told what would come next. */
  readonly apply: boolean
  /** `schedule`, or the ARN of the user or role who asks. */
  readonly by: string
  /** Whether one more retirement may begin; each yes is one. */
  mayBegin(): boolean
  /** Whether nobody stopped Keytrail; asked before each step. */
  mayGoOn(): Promise<boolean>
}

export const STOPPED = 'wait: Keytrail was stopped'

/** A key takes nine steps from its beginning to its deletion, and five to be saved. */
const STEPS_MAX = 12
const CLAIM_S = 300
const NEXT_RUN = { at: null } as const

type Asked = { readonly keyArn: string; readonly entry: DemoKey | null; readonly run: RetireRun; readonly ports: RetirePorts }

/**
 * Takes a key as far as it goes now. It is looked at first, and claimed only if there is something to do: then what was seen is read
 * again. @throws what breaks on the way; then the next run goes on
 */
export async function retireKey(asked: Asked): Promise<KeyReport> {
  const { keyArn, entry, run, ports } = asked
  const found = await ports.retirements.find(keyArn)
  const step = nextStep(await look(asked, found))
  if (!isActive(step)) return restingReport(asked, found, step)
  if (step.kind === 'begin' && !run.mayBegin())
    return reportOf(keyArn, entry, found, { next: { what: 'begin its retirement: this run may begin no more', ...NEXT_RUN } })
  if (!run.apply) return reportOf(keyArn, entry, found, { next: nextOf(step) })
  const claim = await ports.control.claim(`retire#${keyArn}`, ports.now(), CLAIM_S)
  if (claim === null) return reportOf(keyArn, entry, found, { next: { what: 'wait: another run works on it', ...NEXT_RUN } })
  try {
    return await settle(asked)
  } finally {
    // A claim that cannot be given back is over soon; what was done, or went wrong, counts.
    await ports.control.release(claim).catch(() => null)
  }
}

async function settle(asked: Asked): Promise<KeyReport> {
  const { keyArn, entry, ports } = asked
  let retirement = await ports.retirements.find(keyArn)
  const before = retirement?.stage ?? null
  const done: string[] = []
  const taken = new Set<Step['kind']>()
  const report = (rest: Pick<KeyReport, 'next'> & Partial<KeyReport>): KeyReport =>
    reportOf(keyArn, entry, retirement, { before, done, ...rest })
  while (taken.size < STEPS_MAX) {
    const ground = await look(asked, retirement)
    const step = nextStep(ground)
    if (!isActive(step)) return { ...(await restingReport(asked, retirement, step)), before, done }
    if (taken.has(step.kind) && step.kind === 'cancel' && step.unread !== null)
      return { ...(await restingReport(asked, retirement, unreadable(step.unread))), before, done }
    if (taken.has(step.kind)) return report({ next: { what: 'wait: KMS does not show yet what was done', ...NEXT_RUN } })
    if (!(await asked.run.mayGoOn())) return report({ next: { what: STOPPED, ...NEXT_RUN } })
    taken.add(step.kind)
    const outcome = await takeStep(step, ground, ports)
    if (outcome.kind === 'overtaken') return report({ next: { what: 'wait: another run is ahead', ...NEXT_RUN } })
    retirement = outcome.retirement
    if (outcome.kind === 'refused') {
      const what = retirement?.stage === 'stopped' ? 'wait: a person has to look' : `try again: ${stepWords(step)}`
      return report({ next: { what, ...NEXT_RUN }, failure: outcome.reason })
    }
    done.push(stepWords(step))
    if (step.kind === 'finish') break
  }
  return report({ next: { what: 'nothing', ...NEXT_RUN } })
}

function look({ keyArn, entry, run, ports }: Asked, retirement: Retirement | null): Promise<RetireGround> {
  const { settings, owners, accountId } = ports
  return readGround({ keyArn, entry, retirement, settings, owners, accountId, by: run.by, now: ports.now() }, ports.keys)
}

/** A key that is disabled and not gone on with is not to be forgotten. */
async function restingReport(
  { keyArn, entry, run, ports }: Asked,
  retirement: Retirement | null,
  step: Exclude<Step, ActiveStep>,
): Promise<KeyReport> {
  const protections = step.kind === 'protected' ? step.protections : []
  const isHeld = protections.length > 0 || isUnread(step)
  if (run.apply && isHeld && retirement !== null && isUnderWay(retirement))
    await ports.notices.put(holdNotice(retirement, step, entry, ports.now()))
  return reportOf(keyArn, entry, retirement, { next: nextOf(step), protections, isUnread: isUnread(step) })
}

function isActive(step: Step): step is ActiveStep {
  return step.kind !== 'protected' && step.kind !== 'wait'
}
