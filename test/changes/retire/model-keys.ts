import type { KeyReading, RetireKeyPort, TriedUse } from '../../../shared/changes/retire/reading.ts'
import { observed, unread, type Unread } from '../../../shared/observed.ts'
import type { Grant } from '../../../shared/rules/facts.ts'
import type { EpochS } from '../../../shared/time.ts'
import type { Tried } from '../../../shared/tried.ts'

export const ACCOUNT_ID = '111122223333'
export const DAY_S = 86_400

/** A key as KMS has it. */
export type ModelKey = {
  readonly keyArn: string
  readonly manager: 'AWS' | 'CUSTOMER'
  readonly accountId: string
  readonly state: string
  readonly createdAt: EpochS
  readonly deletionAt: EpochS | null
  readonly multiRegionRole: 'PRIMARY' | 'REPLICA' | null
  readonly replicaArns: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  readonly grants: readonly Grant[]
  readonly lastUse: EpochS | null
  readonly trackedSince: EpochS
  readonly aliases: readonly string[]
}

export type Fact = 'described' | 'aliases' | 'tags' | 'grants' | 'policy' | 'lastUse' | 'triedUse'
export type WriteCall = 'disable' | 'enable' | 'deleteAlias' | 'createAlias' | 'scheduleDeletion' | 'cancelDeletion'
export type Written = {
  readonly call: WriteCall
  readonly keyArn: string
  readonly alias: string | null
  readonly at: EpochS
  readonly ok: boolean
}

export type ModelKms = {
  readonly port: RetireKeyPort
  readonly clock: { now: EpochS }
  /** Writes that reached KMS, in their order. */
  readonly written: readonly Written[]
  /** As it stands in truth; undefined: gone. */
  key(keyArn: string): ModelKey | undefined
  keys(): readonly ModelKey[]
  put(key: ModelKey): void
  /** What somebody else does. */
  change(keyArn: string, change: Partial<ModelKey>): void
  use(keyArn: string, use: Partial<TriedUse>): void
  failRead(keyArn: string, fact: Fact, because?: Unread['because']): void
  healReads(): void
  /** Null: KMS decides. */
  refuse(decide: (call: WriteCall, keyArn: string) => string | null): void
}

const ALIASES_PER_PAGE = 3
const USABLE = ['Enabled', 'Disabled', 'Unavailable']
const DELETING = ['PendingDeletion', 'PendingReplicaDeletion']

/**
 * KMS by its table of key states (https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html). Readings show how a key stood
 * `lateS` ago; writes see the truth.
 */
export function createModelKms({ now, lateS = 0 }: { readonly now: EpochS; readonly lateS?: number }): ModelKms {
  const clock = { now }
  const truth = new Map<string, ModelKey>()
  const history = new Map<string, { readonly from: EpochS; readonly key: ModelKey | undefined }[]>()
  /** Keys that ever had the alias. */
  const holders = new Map<string, Set<string>>()
  const uses = new Map<string, TriedUse[]>()
  const failing = new Map<string, Unread>()
  const written: Written[] = []
  let refusal: ((call: WriteCall, keyArn: string) => string | null) | null = null

  function keep(keyArn: string, made: ModelKey | undefined): void {
    if (made === undefined) truth.delete(keyArn)
    else truth.set(keyArn, made)
    const past = history.get(keyArn) ?? []
    past.push({ from: clock.now, key: made })
    for (const alias of made?.aliases ?? []) holders.set(alias, (holders.get(alias) ?? new Set()).add(keyArn))
    history.set(keyArn, past)
  }
  function key(keyArn: string): ModelKey | undefined {
    const standing = truth.get(keyArn)
    if (standing?.deletionAt !== null && standing !== undefined && standing.deletionAt <= clock.now) keep(keyArn, undefined)
    return truth.get(keyArn)
  }
  /** How KMS shows it. */
  function seen(keyArn: string): ModelKey | undefined {
    const standing = key(keyArn)
    if (lateS === 0) return standing
    const past = history.get(keyArn) ?? []
    return (past.findLast(({ from }) => from <= clock.now - lateS) ?? past[0])?.key
  }
  function change(keyArn: string, changed: Partial<ModelKey>): void {
    const standing = key(keyArn)
    if (standing === undefined) throw new Error(`no key ${keyArn}`)
    keep(keyArn, { ...standing, ...changed })
  }
  function holderOf(alias: string, view: (keyArn: string) => ModelKey | undefined): string | null {
    return [...(holders.get(alias) ?? [])].find((keyArn) => view(keyArn)?.aliases.includes(alias) === true) ?? null
  }
  function fact<Value>(keyArn: string, name: Fact, value: Value) {
    return failing.get(`${keyArn} ${name}`) ?? observed(value)
  }
  function read(keyArn: string): KeyReading {
    const standing = seen(keyArn)
    if (standing === undefined) return { kind: 'gone' }
    return {
      kind: 'read',
      described: fact(keyArn, 'described', standing),
      aliases: fact(keyArn, 'aliases', pagedAliases(standing)),
      tags: fact(keyArn, 'tags', standing.tags),
      grants: fact(keyArn, 'grants', standing.grants),
      policy: fact(keyArn, 'policy', '{}'),
      lastUse: fact(keyArn, 'lastUse', { at: standing.lastUse, trackedSince: standing.trackedSince }),
    }
  }

  async function write<Value>(
    call: WriteCall,
    keyArn: string,
    alias: string | null,
    run: (standing: ModelKey) => Tried<Value>,
  ): Promise<Tried<Value>> {
    const standing = key(keyArn)
    const code = refusal?.(call, keyArn) ?? null
    const tried = code !== null ? refused(code) : standing === undefined ? refused('NotFoundException') : run(standing)
    written.push({ call, keyArn, alias, at: clock.now, ok: tried.ok })
    return tried
  }
  function setState(call: 'disable' | 'enable', keyArn: string, state: string): Promise<Tried<null>> {
    return write(call, keyArn, null, (standing) => {
      if (!USABLE.includes(standing.state)) return refused('KMSInvalidStateException')
      change(keyArn, { state })
      return done
    })
  }

  const port: RetireKeyPort = {
    read: async (keyArn) => read(keyArn),
    aliasTarget: async (alias) => observed(holderOf(alias, seen)),
    disable: (keyArn) => setState('disable', keyArn, 'Disabled'),
    enable: (keyArn) => setState('enable', keyArn, 'Enabled'),
    deleteAlias: (alias, keyArn) =>
      write('deleteAlias', keyArn, alias, () => {
        const holder = holderOf(alias, key)
        if (holder === null) return refused('NotFoundException')
        change(holder, { aliases: (key(holder)?.aliases ?? []).filter((each) => each !== alias) })
        return done
      }),
    createAlias: (alias, keyArn) =>
      write('createAlias', keyArn, alias, (standing) => {
        if (holderOf(alias, key) !== null) return refused('AlreadyExistsException')
        if (DELETING.includes(standing.state)) return refused('KMSInvalidStateException')
        change(keyArn, { aliases: [...standing.aliases, alias] })
        return done
      }),
    scheduleDeletion: (keyArn, windowDays) =>
      write<EpochS | null>('scheduleDeletion', keyArn, null, (standing) => {
        if (windowDays < 7 || windowDays > 30) return refused('ValidationException')
        if (![...USABLE, 'PendingImport'].includes(standing.state)) return refused('KMSInvalidStateException')
        const deletionAt = standing.replicaArns.length > 0 ? null : ((clock.now + windowDays * DAY_S) as EpochS)
        change(keyArn, { state: deletionAt === null ? 'PendingReplicaDeletion' : 'PendingDeletion', deletionAt })
        return { ok: true, value: deletionAt }
      }),
    cancelDeletion: (keyArn) =>
      write('cancelDeletion', keyArn, null, (standing) => {
        if (!DELETING.includes(standing.state)) return refused('KMSInvalidStateException')
        change(keyArn, { state: 'Disabled', deletionAt: null })
        return done
      }),
    triedUse: async (keyArn, aliases, since, { notBy } = {}) => {
      const meant = (uses.get(keyArn) ?? []).filter(
        ({ at, named, caller }) => at >= since && (named === keyArn || aliases.includes(named)) && caller !== notBy,
      )
      return fact(keyArn, 'triedUse', meant.toSorted((one, other) => one.at - other.at).at(-1) ?? null)
    },
  }

  return {
    port,
    clock,
    written,
    key,
    keys: () => [...truth.keys()].flatMap((keyArn) => key(keyArn) ?? []),
    put: (made) => keep(made.keyArn, made),
    change,
    use: (keyArn, use) => {
      const tried: TriedUse = { at: clock.now, operation: 'Decrypt', caller: 'app', errorCode: 'DisabledException', named: keyArn, ...use }
      uses.set(keyArn, [...(uses.get(keyArn) ?? []), tried])
    },
    failRead: (keyArn, name, because = 'denied') =>
      void failing.set(`${keyArn} ${name}`, unread(`kms:${name}`, because, because === 'denied' ? 'AccessDeniedException' : 'Timeout')),
    healReads: () => failing.clear(),
    refuse: (decide) => void (refusal = decide),
  }
}

const done = { ok: true, value: null } as const

function refused(code: string): Tried<never> {
  return { ok: false, code, message: `KMS says ${code}` }
}

/** As a list of several pages is read to its end. */
function pagedAliases({ aliases }: ModelKey): readonly string[] {
  const found: string[] = []
  for (let marker = 0; marker < aliases.length; marker += ALIASES_PER_PAGE) found.push(...aliases.slice(marker, marker + ALIASES_PER_PAGE))
  return found
}
