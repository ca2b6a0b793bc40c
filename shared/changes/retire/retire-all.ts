import { inLanes } from '../../findings/batches.ts'
import { cutText } from '../../findings/plain-text.ts'
import { HOUR_S } from '../../time.ts'
import type { Stop } from '../control.ts'
import type { DemoKey } from './demo-key.ts'
import type { RetirePorts } from './ports.ts'
import { type KeyReport, reportOf } from './report.ts'
import { isUnderWay, type Retirement } from './retirement.ts'
import { retireKey, type RetireRun, STOPPED } from './retire-key.ts'

export type RetireAllResult = {
  /** Null: nobody stopped Keytrail. While somebody does, it is told what would come next. */
  readonly stop: Stop | null
  /** Sorted by ARN. */
  readonly keys: readonly KeyReport[]
}

export type RetireAllOptions = Pick<RetireRun, 'apply' | 'by'> & {
  /** Key ARNs; else all. */
  readonly only?: readonly string[]
}

const KEYS_AT_A_TIME = 4
/** No key is begun later than this: the slowest answers of AWS, all tried again, take less. */
const RESERVE_MS = 60_000
const FAILURE_BYTES_MAX = 512

type Candidate = { readonly keyArn: string; readonly entry: DemoKey | null; readonly retirement: Retirement | null }

/**
 * Goes on with every retirement, and begins those that are due. What goes wrong with a key stands in its report and stops nothing else.
 * @throws if the registry, the retirements or the kill switch cannot be read
 */
export async function retireAll(ports: RetirePorts, { apply, by, only }: RetireAllOptions): Promise<RetireAllResult> {
  const stop = await ports.control.stop()
  const candidates = await candidatesOf(ports, only)
  let begun = 0
  const run: RetireRun = {
    apply: apply && stop === null,
    by,
    mayBegin: () => begun++ < ports.settings.perRunMax,
    mayGoOn: async () => (await ports.control.stop()) === null,
  }
  const reports: KeyReport[] = []
  for (const group of await groupsOf(candidates, ports)) {
    reports.push(...(await inLanes(group, KEYS_AT_A_TIME, (candidate) => reportFor(candidate, run, ports))))
  }
  return { stop, keys: reports.toSorted((one, other) => (one.keyArn < other.keyArn ? -1 : 1)) }
}

async function reportFor({ keyArn, entry, retirement }: Candidate, run: RetireRun, ports: RetirePorts): Promise<KeyReport> {
  const left = (what: string, failure: string | null = null): KeyReport =>
    reportOf(keyArn, entry, retirement, { next: { what, at: null }, failure })
  if (ports.remainingMs() < RESERVE_MS) return left('wait: the time of this run was over before its turn')
  try {
    // Whoever stops Keytrail means the run, too, that is under way.
    if (run.apply && !(await run.mayGoOn())) return left(STOPPED)
    return await retireKey({ keyArn, entry, run, ports })
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    return left('go on where it broke off', cutText(`${name}: ${message}`, FAILURE_BYTES_MAX))
  }
}

/** All keys that stand in the registry, and those whose entry vanished, or was retired, while they were. */
async function candidatesOf({ registry, retirements }: RetirePorts, only: readonly string[] | undefined): Promise<readonly Candidate[]> {
  const entries = new Map((await registry.keys()).map((entry) => [entry.keyArn, entry]))
  const found = new Map<string, Retirement>()
  for await (const retirement of retirements.all()) {
    if (isUnderWay(retirement) || entries.get(retirement.keyArn)?.state === 'standing') found.set(retirement.keyArn, retirement)
  }
  const wanted = only === undefined ? null : new Set(only)
  const standing = [...entries.values()].flatMap(({ keyArn, state }) => (state === 'standing' ? [keyArn] : []))
  return [...new Set([...standing, ...found.keys()])]
    .filter((keyArn) => wanted === null || wanted.has(keyArn))
    .toSorted()
    .map((keyArn) => ({ keyArn, entry: entries.get(keyArn) ?? null, retirement: found.get(keyArn) ?? null }))
}

/**
 * First what is under way: it may have to be saved. Replicas before primary keys, which are retired only once they have no replica. Of what
 * is not under way each hour begins elsewhere, so that a run that is never long enough comes to every key.
 */
async function groupsOf(candidates: readonly Candidate[], ports: RetirePorts): Promise<readonly (readonly Candidate[])[]> {
  const primaries = new Set<Candidate>()
  await inLanes(candidates.filter(isMultiRegion), KEYS_AT_A_TIME, async (candidate) => {
    if (!(await isReplica(candidate, ports))) primaries.add(candidate)
  })
  const isBusy = ({ retirement }: Candidate): boolean => retirement !== null && isUnderWay(retirement)
  const idle = candidates.filter((candidate) => !isBusy(candidate))
  const start = idle.length === 0 ? 0 : (Math.floor(ports.now() / HOUR_S) * KEYS_PER_HOUR) % idle.length
  const ordered = [...candidates.filter(isBusy), ...idle.slice(start), ...idle.slice(0, start)]
  return [ordered.filter((candidate) => !primaries.has(candidate)), ordered.filter((candidate) => primaries.has(candidate))]
}

/** About as many as a run that has little time looks at. */
const KEYS_PER_HOUR = 97

/** https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html */
function isMultiRegion({ keyArn }: Candidate): boolean {
  return keyArn.includes(':key/mrk-')
}

async function isReplica({ keyArn }: Candidate, { keys, remainingMs }: RetirePorts): Promise<boolean> {
  if (remainingMs() < RESERVE_MS) return false
  // What breaks here breaks again at its turn, and is told there.
  const reading = await keys.read(keyArn).catch(() => null)
  return reading?.kind === 'read' && reading.described.known && reading.described.value.multiRegionRole === 'REPLICA'
}
