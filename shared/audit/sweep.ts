import { noteFailure } from '../failures.ts'
import { inLanes } from '../findings/batches.ts'
import { FINDING_STATUSES } from '../findings/finding.ts'
import { type UnmatchedExemption, unmatchedExemptions } from '../findings/unmatched-exemptions.ts'
import type { Unread } from '../observed.ts'
import type { ResourceKind } from '../rules/facts.ts'
import type { Resource } from '../rules/rule.ts'
import { againBody, ATTEMPTS_MAX, delayBefore } from './again-message.ts'
import type { AnnounceReason } from './announce-message.ts'
import { auditOne, type AuditPorts } from './audit-one.ts'
import { beginning, type SweepLog, type SweepState, type SweepStore } from './sweep-state.ts'

/** Some resources of a kind, and where to go on behind them; null: there are no more. */
export type ListedPage = { readonly resources: readonly Resource[]; readonly unread: Unread | null; readonly next: string | null }

export type SweepPorts = {
  readonly audit: AuditPorts
  readonly sweepStore: SweepStore
  /** @throws what cannot be told apart from a fault of the program */
  list(kind: ResourceKind, cursor: string | null): Promise<ListedPage>
  /** Notes where a bucket sends its access logs. */
  noteLogging(bucket: Resource): Promise<void>
  /** All buckets were asked for that. */
  noteLoggingWhole(): Promise<void>
  /** Puts a message into the queue of changes. */
  sendAgain(body: string, delayS: number): Promise<void>
  /** Says that there is something to announce, or that all was looked at and findings are to be imported again. */
  tell(reason: AnnounceReason): Promise<void>
  remainingMs(): number
}

export type SweepResult = {
  readonly log: SweepLog
  /** `complete`, `incomplete`: it ended just now, the latter without having listed everything. `overtaken`: another run goes on. */
  readonly kind: 'complete' | 'incomplete' | 'under way' | 'resting' | 'overtaken'
  /** Exemptions without effect; known once a sweep is complete. */
  readonly unmatched: readonly UnmatchedExemption[]
  /** Why resources could not be judged in this run, once a reason. */
  readonly failures: readonly Error[]
}

/** Who sends logs to a bucket is known before the first bucket is judged. Keys take longest: of their last use KMS tells five a second. */
const STEPS: readonly (ResourceKind | 'logging')[] = [
  'aws_account',
  'cloudtrail_trail',
  'keytrail_stack',
  'logging',
  's3_bucket',
  'kms_key',
]
const SWEEP_EVERY_S = 86_400
/** No resource is begun later than this: the slowest answers of AWS, all tried again, take less. */
const RESERVE_MS = 60_000
/** Progress is noted behind so many. */
const RESOURCES_PER_NOTE = 50
const RESOURCES_AT_A_TIME = 8
const LEFT_SHOWN_MAX = 100
/** Runs in which a kind cannot be listed to its end, before the sweep goes on without the rest of it. */
const LIST_FAILURES_MAX = 8
/** A sweep comes again tomorrow: what it could not judge is tried a few times, not for as long as a change. */
const FIRST_ATTEMPT = ATTEMPTS_MAX - 3
/** What is unknown may fail: its exemptions are not called idle. */
const MAY_FAIL = ['failing', 'exempt', 'unknown'] as const
const LOOKED_AT = FINDING_STATUSES.filter((status) => status !== 'gone')

type Judged = Pick<SweepState, 'met' | 'changes' | 'left' | 'leftCount'>
type Run = { readonly ports: SweepPorts; readonly failures: Map<string, Error>; readonly isTimeUp: () => boolean }

/**
 * Judges every resource there is, once a day, in as many runs as it takes. May be ended anywhere and run twice at once: what was not noted
 * is judged again. @throws if the progress cannot be read or noted, or nothing can be listed
 */
export async function sweep(ports: SweepPorts): Promise<SweepResult> {
  const now = ports.audit.now()
  const found = await ports.sweepStore.read()
  const failures = new Map<string, Error>()
  let log: SweepLog = found?.log ?? { state: beginning(now), firstAt: now, complete: null }
  let revision = found?.revision ?? null
  const result = (kind: SweepResult['kind'], unmatched: readonly UnmatchedExemption[] = []): SweepResult => ({
    log,
    kind,
    unmatched,
    failures: [...failures.values()],
  })
  if (log.state.part === 'done') {
    if (now < log.state.startedAt + SWEEP_EVERY_S) return result('resting')
    log = { ...log, state: beginning(now) }
  }
  const run: Run = { ports, failures, isTimeUp: () => ports.remainingMs() < RESERVE_MS }
  const steps = log.state.part === 'resources' ? resourceSteps(log.state, run) : findingSteps(log.state, run)
  for await (const state of steps) {
    const isDone = state.part === 'done'
    const isComplete = isDone && state.unlisted.length === 0
    // Before it is noted: it is not done again.
    if (isDone) await ports.tell('complete')
    // Whoever is not told finds it in the outbox, a little later.
    else if (state.changes > log.state.changes) await ports.tell('changes').catch((error: unknown) => noteFailure(failures, error))
    log = { ...log, state, complete: isComplete ? { startedAt: state.startedAt, endedAt: ports.audit.now() } : log.complete }
    const written = await ports.sweepStore.write(log, revision)
    if (written === 'conflict') return result('overtaken')
    revision = written.revision
    if (isDone) return isComplete ? result('complete', await unmatchedIn(ports.audit, state)) : result('incomplete')
  }
  return result('under way')
}

/** The state behind each few resources, then behind the findings. */
async function* resourceSteps(from: SweepState, run: Run): AsyncGenerator<SweepState> {
  let state = from
  while (state.kind < STEPS.length) {
    const step = STEPS[state.kind] ?? 'kms_key'
    const page = await run.ports.list(step === 'logging' ? 's3_bucket' : step, state.cursor)
    // Where the resource that was noted is gone, all of the page is judged once more.
    const behind = page.resources.findIndex(({ arn }) => arn === state.behind) + 1
    for (let at = behind; at < page.resources.length; at += RESOURCES_PER_NOTE) {
      const some = page.resources.slice(at, at + RESOURCES_PER_NOTE)
      const judged = step === 'logging' ? await noteAll(some, state, run) : await judgeAll(some, state, run)
      if (judged === 'time is up') return
      state = withJudged(state, judged, some.at(-1)?.arn ?? null)
      yield state
    }
    if (page.unread?.because === 'failed' && state.listFailures < LIST_FAILURES_MAX) {
      // The next run lists this kind anew: a page's marker does not hold for ever.
      yield { ...state, cursor: null, behind: null, listFailures: state.listFailures + 1 }
      return
    }
    const unlisted = page.unread === null ? state.unlisted : [...new Set([...state.unlisted, page.unread.action])]
    // Of a page that is missing nobody knows: what was whole yesterday stays so.
    if (step === 'logging' && page.next === null && unlisted.length === 0) await run.ports.noteLoggingWhole()
    state = { ...state, unlisted, behind: null, cursor: page.next }
    if (page.next === null) state = { ...state, kind: state.kind + 1, listFailures: 0 }
    if (state.kind === STEPS.length) state = { ...state, part: 'findings' }
    yield state
  }
  yield* findingSteps(state, run)
}

/** Findings of resources that were not met: each is read once more, and gone only if it is. */
async function* findingSteps(from: SweepState, run: Run): AsyncGenerator<SweepState> {
  let state = from
  const seen = new Set<string>()
  for (const status of LOOKED_AT) {
    let some: Resource[] = []
    const judgeSome = async (): Promise<boolean> => {
      const judged = await judgeAll(some, state, run)
      if (judged === 'time is up') return false
      // They were not met in the listing.
      state = withJudged(state, { ...judged, met: state.met }, null)
      some = []
      return true
    }
    for await (const { finding } of run.ports.audit.store.withStatus(status)) {
      const key = JSON.stringify(finding.resource)
      if (run.isTimeUp()) return
      if (finding.judgedAt >= state.startedAt || seen.has(key)) continue
      seen.add(key)
      some.push(finding.resource)
      if (some.length < RESOURCES_PER_NOTE) continue
      if (!(await judgeSome())) return
      yield state
    }
    if (some.length > 0 && !(await judgeSome())) return
  }
  yield { ...state, part: 'done' }
}

/** One that cannot be judged stops no other; it is sent to the queue of changes, to be judged a little later. */
async function judgeAll(resources: readonly Resource[], before: Judged, run: Run): Promise<Judged | 'time is up'> {
  const { ports, failures, isTimeUp } = run
  let { changes } = before
  const left: string[] = []
  let isBroken = false
  await inLanes(resources, RESOURCES_AT_A_TIME, async (resource) => {
    if (isTimeUp()) {
      isBroken = true
      return
    }
    const again = { resource, eventId: null, madeAt: null, attempt: FIRST_ATTEMPT }
    const outcome = await auditOne(again, ports.audit).catch((error: unknown) => ({ kind: 'failed' as const, changes: 0, errors: [error] }))
    changes += outcome.changes
    for (const error of outcome.errors) noteFailure(failures, error)
    if (outcome.kind === 'done') return
    left.push(resource.arn)
    await ports.sendAgain(againBody(again), delayBefore(FIRST_ATTEMPT)).catch((error: unknown) => noteFailure(failures, error))
  })
  if (isBroken) return 'time is up'
  return {
    met: before.met + resources.length,
    changes,
    left: [...before.left, ...left].slice(0, LEFT_SHOWN_MAX),
    leftCount: before.leftCount + left.length,
  }
}

/** Reads and notes; what a store refuses ends the run: the next one goes on here. @throws that */
async function noteAll(buckets: readonly Resource[], before: Judged, { ports, isTimeUp }: Run): Promise<Judged | 'time is up'> {
  let isBroken = false
  await inLanes(buckets, RESOURCES_AT_A_TIME, async (bucket) => {
    isBroken ||= isTimeUp()
    if (!isBroken) await ports.noteLogging(bucket)
  })
  const { met, changes, left, leftCount } = before
  return isBroken ? 'time is up' : { met, changes, left, leftCount }
}

function withJudged(state: SweepState, judged: Judged, behind: string | null): SweepState {
  return { ...state, ...judged, behind }
}

async function unmatchedIn(
  { store, exemptions, now }: AuditPorts,
  { left }: Pick<SweepState, 'left'>,
): Promise<readonly UnmatchedExemption[]> {
  if (exemptions.length === 0) return []
  // Of what could not be judged nobody knows whether it fails.
  const failures = exemptions.flatMap(({ ruleId }) => left.map((arn) => ({ ruleId, arn })))
  for (const status of MAY_FAIL)
    for await (const { finding } of store.withStatus(status)) failures.push({ ruleId: finding.ruleId, arn: finding.resource.arn })
  return unmatchedExemptions(exemptions, failures, now())
}
