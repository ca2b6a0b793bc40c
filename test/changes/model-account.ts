import type { Aspect, AspectState } from '../../shared/changes/aspect.ts'
import type { AspectPort, AspectRead } from '../../shared/changes/ports.ts'
import { observed, type Unread, unread } from '../../shared/observed.ts'
import type { FactReader } from '../../shared/rules/audit.ts'
import type { AnyFacts, Resource } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import type { Refusal } from '../../shared/tried.ts'

/** What stands in the account, and what AWS answers. */
export type Standing = {
  readonly resource: Resource
  state: AspectState
  /** What readers see until `shownAt`, as AWS is eventually consistent. */
  shown: AspectState
  shownAt: number
  isGone: boolean
  isUnready: boolean
  /** Facts, and the aspect itself, that cannot be read, and why. */
  unreadFacts: ReadonlyMap<string, Unread['because']>
  unreadAspect: 'denied' | 'failed' | null
  refusal: Refusal | null
  /** Facts besides those that follow from the state. */
  facts: AnyFacts
}

export type ModelAccount = AspectPort & {
  readonly standings: ReadonlyMap<string, Standing>
  /** What Keytrail wrote, in order. */
  readonly writes: readonly { readonly arn: string; readonly from: AspectState; readonly to: AspectState }[]
  readonly reader: FactReader
  /** Somebody else writes. */
  edit(arn: string, state: AspectState): void
  add(resource: Resource, state: AspectState): Standing
  at(arn: string): Standing
}

/** Resources of one aspect each. What Keytrail writes is seen after `staleS` seconds, what others write at once. */
export function createModelAccount(now: () => EpochS, staleS: () => number): ModelAccount {
  const standings = new Map<string, Standing>()
  const writes: { arn: string; from: AspectState; to: AspectState }[] = []
  const at = (arn: string): Standing => {
    const standing = standings.get(arn)
    if (standing === undefined) throw new Error(`there is no ${arn}`)
    return standing
  }
  const seen = (standing: Standing): AspectState => (now() < standing.shownAt ? standing.shown : standing.state)
  return {
    standings,
    writes,
    at,
    add(resource, state) {
      const standing: Standing = {
        resource,
        state,
        shown: state,
        shownAt: 0,
        isGone: false,
        isUnready: false,
        unreadFacts: new Map(),
        unreadAspect: null,
        refusal: null,
        facts: {},
      }
      standings.set(resource.arn, standing)
      return standing
    },
    edit(arn, state) {
      const standing = at(arn)
      standing.state = state
      standing.shownAt = 0
    },
    read: async ({ arn }, aspect: Aspect): Promise<AspectRead> => {
      const standing = at(arn)
      if (standing.isGone) return { kind: 'gone' }
      if (standing.unreadAspect !== null) return { kind: 'unread', unread: unread(`read:${aspect}`, standing.unreadAspect, 'Unreadable') }
      return { kind: 'read', state: seen(standing) }
    },
    write: async ({ arn }, state) => {
      const standing = at(arn)
      if (standing.refusal !== null) return standing.refusal
      writes.push({ arn, from: standing.state, to: state })
      standing.shown = seen(standing)
      standing.shownAt = now() + staleS()
      standing.state = state
      return { ok: true, value: null }
    },
    reader:
      ({ arn }) =>
      async (names) => {
        const standing = at(arn)
        if (standing.isGone) return 'gone'
        if (standing.isUnready) return 'unready'
        const facts = { ...factsOf(seen(standing)), ...standing.facts }
        return Object.fromEntries(
          names.map((name) => {
            const because = standing.unreadFacts.get(name)
            return [name, because === undefined ? facts[name] : unread(`read:${name}`, because, 'Unreadable')]
          }),
        )
      },
  }
}

function factsOf({ aspect, value }: AspectState): AnyFacts {
  const common = { manager: observed('CUSTOMER'), region: observed('us-east-1') }
  switch (aspect) {
    case 'key-rotation':
      return { ...common, rotation: observed(value) }
    case 'bucket-encryption':
      return { ...common, encryption: observed(value) }
    case 'bucket-policy':
      return { ...common, policy: observed(value) }
  }
}
