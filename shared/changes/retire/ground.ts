import type { Observed } from '../../observed.ts'
import type { EpochS } from '../../time.ts'
import type { DemoKey } from './demo-key.ts'
import { isAskedByOwner } from './own-fresh.ts'
import type { KeyReading, RetireKeyPort, TriedUse } from './reading.ts'
import { isUnderWay, type Retirement } from './retirement.ts'
import type { RetireSettings } from './settings.ts'

/** A resource that infrastructure-as-code owns, from `keytrail.yml`. */
export type CodeOwner = {
  /** ARN, with `*` for any text. */
  readonly resource: string
  readonly tool: string
}

/** All that the next step of a retirement is decided by, read just now. */
export type RetireGround = {
  readonly keyArn: string
  /** The last one; null: there was none. */
  readonly retirement: Retirement | null
  /** Null: the registry does not have the key, or no longer. */
  readonly entry: DemoKey | null
  readonly reading: KeyReading
  /** Since the retirement began. Null: nobody asked, as none is under way or it is taken back. */
  readonly tried: Observed<TriedUse | null> | null
  /** The last use by others than the owner who asks, since the key was registered. Null: nobody asked, as no owner takes away their own. */
  readonly usedByOthers: Observed<TriedUse | null> | null
  /** Of aliases that stood for the key, and are not listed for it now: the key that each stands for; null: none. */
  readonly names: ReadonlyMap<string, Observed<string | null>>
  readonly settings: RetireSettings
  readonly owners: readonly CodeOwner[]
  /** Keytrail's own. */
  readonly accountId: string
  readonly now: EpochS
  /** Who asks: `schedule`, or the ARN of a user or a role. */
  readonly by: string
}

type Known = Pick<RetireGround, 'keyArn' | 'retirement' | 'entry' | 'settings' | 'owners' | 'accountId' | 'now' | 'by'>

/** Reads what stands in AWS and adds it to what is known. @throws what breaks on the way */
export async function readGround(known: Known, keys: RetireKeyPort): Promise<RetireGround> {
  const { keyArn, retirement } = known
  const reading = await keys.read(keyArn)
  const names = new Map<string, Observed<string | null>>()
  const usedByOthers = reading.kind === 'gone' ? null : await othersUse(known, keys)
  if (retirement === null || reading.kind === 'gone' || !isUnderWay(retirement))
    return { ...known, reading, names, tried: null, usedByOthers }
  if (reading.aliases.known) {
    const listed = reading.aliases.value
    const stood = new Set([...retirement.snapshot.aliases, ...retirement.freed])
    for (const alias of stood) if (!listed.includes(alias)) names.set(alias, await keys.aliasTarget(alias, keyArn))
  }
  return { ...known, reading, names, tried: await triedUse(retirement, names, keys), usedByOthers }
}

async function othersUse(known: Known, keys: RetireKeyPort): Promise<RetireGround['usedByOthers']> {
  const { entry, retirement, keyArn } = known
  if (entry === null || retirement?.stage === 'saving' || !isAskedByOwner(known)) return null
  return keys.triedUse(keyArn, [], entry.registeredAt, { notBy: entry.owner, isUnproven: true })
}

async function triedUse(
  retirement: Retirement,
  names: RetireGround['names'],
  keys: RetireKeyPort,
): Promise<Observed<TriedUse | null> | null> {
  const { keyArn, stage, freed, by, startedAt: since } = retirement
  if (stage === 'saving') return null
  // What is not watched needs no proof that the watch sees.
  const asked = by === 'schedule' || stage === 'watching' ? {} : { isUnproven: true as const }
  // From before the watch on: the key may have been disabled long before a run sees it so.
  const last = await keys.triedUse(keyArn, freed, since, asked)
  if (!last.known || last.value === null || !isOfAnother(last.value, keyArn, names)) return last
  // The name is in use again, for another key: what was tried of this one may lie behind.
  const others = freed.filter((alias) => !standsForAnother(alias, keyArn, names))
  return keys.triedUse(keyArn, others, since, asked)
}

/** The call reached the key that has the name now. */
function isOfAnother({ named, errorCode }: TriedUse, keyArn: string, names: RetireGround['names']): boolean {
  const alias = /alias\/.*$/.exec(named)?.[0]
  return alias !== undefined && errorCode !== 'NotFoundException' && standsForAnother(alias, keyArn, names)
}

export function standsForAnother(alias: string, keyArn: string, names: RetireGround['names']): boolean {
  const target = names.get(alias)
  return target !== undefined && target.known && target.value !== null && target.value !== keyArn
}
