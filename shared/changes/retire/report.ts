import { counted } from '../../rules/days.ts'
import { listed } from '../../rules/listed.ts'
import type { EpochS } from '../../time.ts'
import type { DemoKey } from './demo-key.ts'
import type { Protection } from './protections.ts'
import type { Retirement, RetirementStage } from './retirement.ts'
import type { Step } from './steps.ts'

/** What a run did with a key, or would do, and what comes next. */
export type KeyReport = {
  readonly keyArn: string
  readonly aliases: readonly string[]
  /** Empty: the registry no longer has the key. */
  readonly owner: string
  readonly useCase: string
  /** Null: it is not being retired. */
  readonly before: RetirementStage | null
  readonly after: RetirementStage | null
  /** Steps that this run took, in their order. */
  readonly done: readonly string[]
  /** `at` null: in the next run. */
  readonly next: { readonly what: string; readonly at: EpochS | null }
  /** What speaks against the next step. */
  readonly protections: readonly Protection[]
  /** Something that decides what comes next could not be read. */
  readonly isUnread: boolean
  /** What went wrong in this run; null: nothing. */
  readonly failure: string | null
}

export function reportOf(
  keyArn: string,
  entry: DemoKey | null,
  retirement: Retirement | null,
  rest: Pick<KeyReport, 'next'> & Partial<Pick<KeyReport, 'before' | 'done' | 'protections' | 'isUnread' | 'failure'>>,
): KeyReport {
  const stage = retirement?.stage ?? null
  return {
    keyArn,
    aliases: entry?.aliases ?? retirement?.snapshot.aliases ?? [],
    owner: entry?.owner ?? '',
    useCase: entry?.useCase ?? '',
    before: stage,
    after: stage,
    done: [],
    protections: [],
    isUnread: false,
    failure: null,
    ...rest,
  }
}

export function nextOf(step: Step): KeyReport['next'] {
  return { what: stepWords(step), at: step.kind === 'wait' ? step.until : null }
}

/** Whether it rests because something could not be read. */
export function isUnread(step: Step): boolean {
  if (step.kind === 'wait') return step.isUnread === true
  return step.kind === 'protected' && step.protections.some(({ kind }) => kind === 'unread')
}

/** What a step does, in the infinitive. */
export function stepWords(step: Step): string {
  switch (step.kind) {
    case 'protected':
      return 'leave it alone'
    case 'wait':
      return `wait: ${step.reason}`
    case 'begin':
      return 'begin its retirement'
    case 'disable':
      return 'disable it'
    case 'watch':
      return 'watch whether somebody tries to use it'
    case 'watch-again':
      return `watch it again: ${step.reason}`
    case 'free':
      return `take its ${step.aliases.length === 1 ? 'alias' : 'aliases'} away: ${listed(step.aliases)}`
    case 'schedule':
      return `schedule its deletion in ${counted(step.days, 'day')}`
    case 'await-deletion':
      return 'await its deletion'
    case 'save':
      return `save it: ${step.reason}`
    case 'cancel':
      return step.unread === null ? 'cancel its deletion' : 'cancel its deletion, should it wait for one'
    case 'enable':
      return 'enable it'
    case 'give-back':
      return `give it back ${listed(step.aliases)}`
    case 'finish':
      return step.outcome === 'deleted' ? 'note that it is deleted' : 'note that it is saved'
    case 'stop':
      return `stop: ${step.reason}`
  }
}
