import { GetBucketLoggingCommand } from '@aws-sdk/client-s3'
import { inLanes } from '../../findings/batches.ts'
import { observed, type Observed, type Unread, unread } from '../../observed.ts'
import type { AccountView, KnownBucket } from './account-view.ts'
import { type Asked, asked, askedBeside, createShared, once } from './asked.ts'
import type { FactParts } from './fact-parts.ts'
import type { AliasScope, SeenLogging } from './seen-store.ts'

const ACTION = 's3:GetBucketLogging'
const BUCKETS_AT_A_TIME = 8
const NAMES_MAX = 10_000
/** Notes of buckets that send their logs elsewhere by now, looked at for one target; where there are more, another audit goes on. */
const NOTES_MAX = 20
/** As long as not all buckets were asked once, so many are asked in place of the notes. */
const BUCKETS_ASKED_MAX = 100
/** Those that could not be asked for a moment are asked again, with one of the next resources, so often. */
const ROUNDS_MAX = 5

/** Whether a bucket, by name, receives access logs. What is unread of other buckets leaves it open between yes and no. */
export type LogTargets = (of: AliasScope, name: string) => Promise<Observed<boolean>>

type LogParts = Pick<FactParts, 'clients' | 'seen' | 'readsAllLogging'>

/**
 * A bucket does not say who sends logs to it: all others would have to be asked. So what each says of itself is noted, by the sweep before
 * it judges the first bucket and by events; a note says where to look, and what is there decides. That a bucket is no target takes that all
 * were asked once. Who keeps no notes asks all, once for all resources.
 */
export function createLogTargets(parts: LogParts, buckets: AccountView['buckets']): LogTargets {
  const { seen } = parts
  const targets = createShared<string | null>(NAMES_MAX)
  const known = createShared<SeenLogging>(NAMES_MAX)
  const scans = new Map<string, Scan>()
  const targetOf = (name: string, of: AliasScope): Promise<Observed<string | null>> =>
    targets(`${of.region} ${name}`, async () => {
      const target = await readLogTarget(parts, name, of)
      if (target === 'unready') return unread(ACTION, 'failed', 'BeingChanged')
      // A bucket that is gone sends no logs.
      return target === 'gone' ? observed(null) : target
    })
  const scanOf = (of: AliasScope, sources: readonly string[]): Scan => {
    const key = `${of.accountId} ${of.region}`
    const found = scans.get(key) ?? createScan(sources, (name) => targetOf(name, of))
    scans.set(key, found)
    return found
  }

  async function amongAll(of: AliasScope, name: string, all: readonly KnownBucket[]): Promise<Observed<boolean>> {
    const scan = scanOf(
      of,
      all.map((bucket) => bucket.name),
    )
    const missing = await scan.missing()
    return scan.found.has(name) ? observed(true) : open(missing)
  }

  /** `unread`: one of those that are noted could not be asked. */
  async function isNoted(of: AliasScope, name: string): Promise<true | Unread | null> {
    const sources = await askedBeside('dynamodb:Query', () => seen.logSources(of, name, NOTES_MAX))
    if (!sources.known) return sources
    let missing: Unread | null = sources.value.length < NOTES_MAX ? null : unread(ACTION, 'failed', 'TooManySources')
    for (const source of sources.value) {
      const target = await targetOf(source, of)
      if (target.known && target.value === name) return true
      if (!target.known) missing ??= target
      // Whether that succeeds or not, the note misleads nobody.
      else await askedBeside('dynamodb:DeleteItem', () => seen.forgetLogSource(of, name, source))
    }
    return missing
  }

  return async (of, name) => {
    const listed = async (): Promise<Observed<readonly KnownBucket[]>> => {
      const all = await buckets(of.region)
      // Log target and source are in one Region. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
      return all.known ? observed(all.value.filter(({ region }) => region === null || region === of.region)) : all
    }
    if (parts.readsAllLogging === true) {
      const all = await listed()
      return all.known ? amongAll(of, name, all.value) : open(all)
    }
    const noted = await isNoted(of, name)
    if (noted === true) return observed(true)
    const logging = await known(`${of.accountId} ${of.region}`, () => askedBeside('dynamodb:Query', () => seen.logging(of)))
    if (!logging.known) return open(logging)
    if (!logging.value.isWhole) {
      const all = await listed()
      if (!all.known) return open(all)
      return all.value.length <= BUCKETS_ASKED_MAX ? amongAll(of, name, all.value) : open(unread(ACTION, 'failed', 'NotAllBucketsAsked'))
    }
    const scan = scanOf(of, logging.value.unread)
    const missing = await scan.missing()
    return scan.found.has(name) ? observed(true) : open(noted ?? missing)
  }
}

/** Where a bucket sends its access logs; null: nowhere. */
export function readLogTarget(
  { clients }: Pick<FactParts, 'clients'>,
  name: string,
  { accountId, region }: AliasScope,
): Promise<Asked<string | null>> {
  return asked(ACTION, async () => {
    const command = new GetBucketLoggingCommand({ Bucket: name, ExpectedBucketOwner: accountId })
    return (await clients.s3(region).send(command)).LoggingEnabled?.TargetBucket ?? null
  })
}

/** Nothing is missing: no. Else both are possible, which matters to those alone that it makes a difference to. */
function open(missing: Unread | null): Observed<boolean> {
  return missing === null ? observed(false) : { ...missing, among: [false, true] }
}

type Scan = {
  /** Targets that were found until now. */
  readonly found: ReadonlySet<string>
  /** Asks those that were not asked; why some of them could not be, or null. */
  missing(): Promise<Unread | null>
}

function createScan(sources: readonly string[], targetOf: (name: string) => Promise<Observed<string | null>>): Scan {
  const found = new Set<string>()
  let pending = sources
  let rounds = 0
  let denied: Unread | null = null
  async function round(): Promise<Unread | null> {
    const failed: string[] = []
    let failing: Unread | null = null
    await inLanes(pending, BUCKETS_AT_A_TIME, async (name) => {
      const target = await targetOf(name)
      if (target.known) return void (target.value !== null && found.add(target.value))
      if (target.because === 'denied') return void (denied ??= target)
      failing ??= target
      failed.push(name)
    })
    pending = failed
    return failing ?? denied
  }
  let running = once(round)
  return {
    found,
    async missing() {
      const mine = running
      const answer = await mine()
      if (pending.length > 0 && running === mine && ++rounds < ROUNDS_MAX) running = once(round)
      return answer
    },
  }
}
