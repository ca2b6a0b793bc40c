import { observed, type Observed } from '../../observed.ts'
import { readGround } from './ground.ts'
import { noteStage } from './note.ts'
import { isOwnDeletion } from './periods.ts'
import type { RetirePorts } from './ports.ts'
import { DELETING_STATES } from './protections.ts'
import type { KeyReading } from './reading.ts'
import type { KeyReport } from './report.ts'
import { isUnderWay, type Retirement } from './retirement.ts'
import { retireKey, type RetireRun } from './retire-key.ts'

export type UndoneRetirement =
  /** It is taken back; a later run notes that it stands. */
  | {
      readonly kind: 'saving'
      readonly report: KeyReport
      /** Lines for people on names that it comes back without. */
      readonly names: readonly string[]
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly difference: readonly string[] }

const CLAIM_S = 60

/**
 * Takes a retirement back, while the key stands as Keytrail left it. The kill switch holds back what Keytrail does by itself; this is what a
 * person does. @throws what breaks on the way; it may be asked for again
 */
export async function undoRetirement(keyArn: string, { by }: { readonly by: string }, ports: RetirePorts): Promise<UndoneRetirement> {
  const claim = await ports.control.claim(`retire#${keyArn}`, ports.now(), CLAIM_S)
  if (claim === null) return refusal('another run works on the key: try again in a few minutes')
  let told: readonly string[] = []
  const entry = (await ports.registry.keys()).find((key) => key.keyArn === keyArn) ?? null
  try {
    const refused = await noteSaving()
    if (refused !== null) return refused
  } finally {
    // A claim that cannot be given back is over soon.
    await ports.control.release(claim).catch(() => null)
  }
  const run: RetireRun = { apply: true, by, mayBegin: () => false, mayGoOn: () => Promise.resolve(true) }
  return { kind: 'saving', report: await retireKey({ keyArn, entry, run, ports }), names: told }

  async function noteSaving(): Promise<UndoneRetirement | null> {
    const retirement = await ports.retirements.find(keyArn)
    if (retirement === null) return refusal('the key is not being retired')
    if (!isUnderWay(retirement)) return refusal(retirement.stage === 'saved' ? 'the key was saved already' : 'the key is deleted')
    if (retirement.stage === 'saving') return null
    const { settings, owners, accountId } = ports
    const { reading, names } = await readGround(
      { keyArn, entry, retirement, settings, owners, accountId, by, now: ports.now() },
      ports.keys,
    )
    told = retirement.freed.flatMap((alias) => namesTaken(alias, retirement.keyArn, names))
    const difference = differenceOf(retirement, reading)
    if (difference.length > 0) return refusal('the key does not stand as Keytrail left it', difference)
    const noted = await noteStage(retirement, { stage: 'saving', reason: `${by} took it back` }, entry, ports)
    return noted.kind === 'noted' ? null : refusal('another run is ahead: try again')
  }
}

/** Lines for people on how a key that is being retired stands otherwise than Keytrail left it; none: its retirement can be taken back. */
export async function retirementDifference(
  retirement: Retirement,
  keys: Pick<RetirePorts['keys'], 'read'>,
): Promise<Observed<readonly string[]>> {
  const reading = await keys.read(retirement.keyArn)
  return reading.kind === 'read' && !reading.described.known ? reading.described : observed(differenceOf(retirement, reading))
}

function refusal(reason: string, difference: readonly string[] = []): UndoneRetirement {
  return { kind: 'refused', reason, difference }
}

type Names = Awaited<ReturnType<typeof readGround>>['names']

function differenceOf(retirement: Retirement, reading: KeyReading): readonly string[] {
  if (reading.kind === 'gone') return ['the key is gone']
  const { described } = reading
  if (!described.known) return [`${described.action} cannot be read: ${described.code}`]
  const { state, deletionAt } = described.value
  const states = statesLeft(retirement)
  const isForeign = DELETING_STATES.includes(state) && !isOwnDeletion(retirement, deletionAt)
  return [
    ...(isForeign ? ['deletion: somebody else scheduled it'] : []),
    ...(states.includes(state) ? [] : [`state: Keytrail left it ${states.join(' or ')}; it is ${state}`]),
  ]
}

/** Whoever has the name by now keeps it; the key comes back without. */
function namesTaken(alias: string, keyArn: string, names: Names): readonly string[] {
  const target = names.get(alias)
  // Listed for the key: it was not taken away yet.
  if (target === undefined) return []
  if (!target.known) return [`whether ${alias} is free cannot be read (${target.action}: ${target.code})`]
  return target.value === null || target.value === keyArn ? [] : [`${alias} stands for ${target.value} by now and is left to it`]
}

/** States in which the steps so far leave a key. */
function statesLeft({ stage, snapshot, wasEnabled, watchedFrom, freed }: Retirement): readonly string[] {
  const unusable = wasEnabled ? 'Disabled' : snapshot.state
  if (stage === 'scheduled') return DELETING_STATES
  if (stage === 'scheduling') return [unusable, ...DELETING_STATES]
  const isBeforeDisabling = stage === 'disabling' || (stage === 'stopped' && watchedFrom === null && freed.length === 0)
  return isBeforeDisabling ? [...new Set([snapshot.state, unusable])] : [unusable]
}
