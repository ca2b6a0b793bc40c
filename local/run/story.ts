import { readRule } from '../../shared/aws/rules.ts'
import { createTable } from '../../shared/aws/table.ts'
import { createUsageTable } from '../../shared/aws/usage-table.ts'
import { type EpochS, epochS, HOUR_S } from '../../shared/time.ts'
import { KEY_USAGE_RULE_NAME, keyUsageRuleProblems } from '../../shared/usage/key-usage-rule.ts'
import { readUsage } from '../../shared/usage/read-usage.ts'
import { caching } from '../../shared/workshop/caching.ts'
import { sse } from '../../shared/workshop/sse.ts'
import { aliasOf } from '../../shared/workshop/use-case.ts'
import type { RunNews, RunOrder, RunRecords, RunReport } from '../../shared/workshop/run-report.ts'
import { EVENT_AGE_S_MAX } from '../../shared/usage/usage-message.ts'
import { type Dimension, DIMENSIONS, usageReport } from '../../shared/usage/usage-report.ts'
import type { UseTally } from '../../shared/usage/use-ledger.ts'
import { LOCAL_ACCOUNT_ID, type LocalCloud, startLocalCloud } from '../cloud.ts'
import { FINDINGS_EMAIL, makeAudited, readAudit, weaken } from './audit.ts'
import { noticesIn, openRunChanges, readChanges, RUN_POLICY, shownChanges, undoBucketChange } from './changes.ts'
import { makeCalls } from './calls.ts'
import { readParked } from './parked.ts'
import { type Played, playRecords, sendBroken, sendForged } from './play.ts'
import { recount } from './recount.ts'
import { retireDemoKeys } from './retirements.ts'
import { createRunTally, type RunTally } from './tally.ts'
import { playUseCase, type PlayedUseCase } from './use-cases.ts'

/** As long as events of CloudTrail usually take, in time of the local clock. */
const DELIVERY = { delayMs: { p50: 120_000, p99: 600_000 }, duplicateShare: 0.05, lossShare: 0 }
const MINUTE_MS = 60_000
const SEED = 1
/** The rest stand in the run's report, and in `keytrail workshop`. */
const LESSONS_SHOWN = 1

export type StoryPorts = {
  tell(news: RunNews): void
  /** The next records; none: there are no more. */
  nextRecords(): Promise<RunRecords>
}

/** Starts a local cloud, uses it, plays records through it and tells step by step what became of them. */
export async function runStory(order: RunOrder, { tell, nextRecords }: StoryPorts): Promise<RunReport> {
  const step = (title: string, ...lines: readonly string[]): void => tell({ kind: 'step', title, lines })
  const tally = createRunTally()
  const cloud = await startLocalCloud({
    folder: order.folder,
    fresh: true,
    port: 0,
    startMs: order.startMs,
    delivery: DELIVERY,
    seed: SEED,
    // What it shows comes with events; a sweep finds what came without.
    idle: ['keytrail-sweep'],
    policy: RUN_POLICY,
    parameters: { AuditedAccounts: [LOCAL_ACCOUNT_ID, ...order.accounts].join(','), FindingsEmail: FINDINGS_EMAIL },
    ...tally,
  })
  try {
    const rule = await readRule(cloud.clients.events, KEY_USAGE_RULE_NAME)
    const problems = keyUsageRuleProblems(rule)
    step(
      `A local cloud is up at ${cloud.url}, with the queues, rules, tables and functions of serverless.yml`,
      `its clock says ${new Date(cloud.clock.nowMs()).toISOString().slice(0, 16)}Z, just behind the last record`,
      `rule ${KEY_USAGE_RULE_NAME}: ${problems.length === 0 ? `state ${rule?.state ?? ''}: it delivers` : problems.join('; ')}`,
    )

    const calls = await makeCalls(cloud.clients.kms)
    step(
      'The AWS SDK makes a KMS key and uses it',
      calls.keyArn,
      Object.entries(calls.made)
        .map(([operation, count]) => `${count} × ${operation}`)
        .join(', '),
    )

    const useCases: PlayedUseCase[] = []
    for (const useCase of [sse, caching]) useCases.push(await playUseCase(cloud, useCase, step))

    const audited = await makeAudited(cloud)

    let played: Played = { records: 0, repeats: 0 }
    for (let next = await nextRecords(); next.texts.length > 0; next = await nextRecords()) {
      played = await playRecords(cloud, next.texts, played)
      tell({ kind: 'taken' })
    }
    const forged = await sendForged(cloud, () => tally.arrived().inQueue)
    const broken = await sendBroken(cloud)
    step(
      'CloudTrail events are played on the bus',
      `${countOf(played.records, 'record')}, ${played.repeats} of them twice${order.leftOut === 0 ? '' : `; ${order.leftOut} left out, being too many or too old for the live path: keytrail usage counts them`}`,
      ...forged.map(({ source, outcome }) => `a forged KMS event with source ${source}: ${outcome}`),
      `${countOf(broken, 'message')} that do not fit: no record, a stranger's account, and one put into the queue by hand, cut off`,
    )

    // CloudTrail takes minutes, and so does a batch to fill: the clock need not wait for either.
    await cloud.clock.advance(15 * MINUTE_MS)
    await cloud.settle()
    const arrived = tally.arrived()
    const folded = tally.folded()
    step(
      "A quarter of an hour passes on the local clock: CloudTrail delivers, the queue's batches fill",
      `${countOf(arrived.onBus, 'event')} came to the bus: those played, the SDK's calls above, those of the local cloud's own set-up, some of them twice`,
      `the rule brought ${arrived.inQueue} of them to the queue: the cryptographic operations of KMS`,
      `count-key-usage got ${countOf(folded.messages, 'message')}, the one put there by hand included: ` +
        `${folded.uses} tell of uses of keys and were folded into ${countOf(folded.segments, 'segment')}, ${folded.other} use no key, ` +
        `${folded.tooOld} are older than 35 days, ${folded.malformed + folded.spoofed} were parked`,
    )
    const parked = await readParked(cloud)
    if (parked.length > 0)
      step('Parked, with reason, size and digest, never counted', ...parked.map(({ kind, reason }) => `${kind}: ${reason}`))

    await weaken(cloud, audited)
    step(
      'Encryption is weakened, with the unmodified SDK',
      `the bucket ${audited.bucket}, encrypted under a KMS key until now, is set to SSE-S3`,
      `automatic rotation of ${audited.keyArn} is switched off`,
    )

    await cloud.clock.advance(16 * MINUTE_MS)
    await cloud.settle()
    const audit = await readAudit(cloud, audited)
    step(
      'The rules of the audit heard of it, audit-change read both again, announce told',
      ...audit.findings.map(({ severity, ruleId, status, reason }) => `${severity} ${ruleId}: ${status}, ${reason}`),
      ...audit.mails.map(({ to, subject }) => `a mail to ${to}: ${subject}`),
    )
    const run = await openRunChanges(cloud)
    const putRight = await readChanges(run)
    step(
      'The policy wants both put right: enforce read and judged them again, wrote, and read once more',
      ...shownChanges(putRight, audited),
    )
    await undoBucketChange(run, audited)
    await cloud.clock.advance(16 * MINUTE_MS)
    await cloud.settle()
    const undone = (await readChanges(run)).find(({ undoes }) => undoes !== null)
    step(
      `A person takes the change of the bucket back: keytrail undo ${undone?.undoes ?? ''}`,
      `${undone?.state ?? 'nothing'}: ${undone?.before ?? ''} → ${undone?.after ?? ''}`,
      'the finding is open again, and enforce leaves it alone: a person decided',
      ...noticesIn(cloud).map((subject) => `a mail to ${FINDINGS_EMAIL}: ${subject}`),
    )
    step(
      'The schedule runs roll-up-usage',
      `${countOf(tally.rolledUpHours(), 'hour')} rolled up; the hour that is not over yet is read from its segments`,
    )

    const { tallies, agrees } = await readAndCompare(cloud, tally, order)
    const report = usageReport({ records: 0, duplicates: 0, tallies, malformed: [], skipped: [] }, order.by as readonly Dimension[])
    step(
      'The table of usage is read',
      agrees
        ? 'it tells the same as keytrail usage over the same records: each use once, whatever came twice'
        : 'it differs from keytrail usage over the same records: records that share an identity, yet lie hours apart, count in each hour',
    )
    const checked: RunReport['useCases'][number][] = []
    for (const useCase of useCases) {
      const result = await useCase.check()
      useCase.close()
      checked.push(result)
      step(
        `CloudTrail proves it: ${result.title.toLowerCase()}`,
        ...result.checks.map(
          ({ what, expected, seen, verdict }) => `${what}: ${seen}${verdict === 'pass' ? '' : ` (expected ${expected})`}`,
        ),
        ...result.lessons.slice(0, LESSONS_SHOWN).map(({ question, answer }) => `${question} ${answer}`),
      )
    }
    const [unwanted, wanted] = checked.map(({ name, keyArn }) => ({ alias: aliasOf(name), keyArn }))
    if (unwanted === undefined || wanted === undefined) throw new Error('the use cases made no two keys')
    const retirements = await retireDemoKeys(cloud, run, [unwanted, wanted], step)
    run.changes.close()
    const faults = tally.faults()
    if (faults.length > 0) throw new Error(faults.join('\n'))
    return {
      format: 'keytrail.run/1',
      clock: new Date(cloud.clock.nowMs()).toISOString(),
      rule: { name: KEY_USAGE_RULE_NAME, state: rule?.state ?? 'missing', problems },
      calls,
      useCases: checked,
      played: { ...played, leftOut: order.leftOut, forged, broken },
      arrived,
      folded,
      parked,
      audit,
      changes: await readChanges(run),
      retirements,
      notices: noticesIn(cloud),
      rolledUpHours: tally.rolledUpHours(),
      usage: { calls: report.calls, unattributed: report.unattributed, dryRuns: report.dryRuns },
      agreesWithUsage: agrees,
    }
  } finally {
    await cloud.close()
  }
}

function countOf(value: number, noun: string): string {
  return `${value} ${noun}${value === 1 ? '' : 's'}`
}

async function readAndCompare(
  cloud: LocalCloud,
  tally: RunTally,
  { accounts, since: firstSecond }: RunOrder,
): Promise<{ readonly tallies: readonly UseTally[]; readonly agrees: boolean }> {
  const now = epochS(cloud.clock.nowMs())
  if (now === null) throw new Error('the local clock stands before 1970')
  const store = createUsageTable(createTable(cloud.clients.dynamodb, cloud.made.get('UsageTable')?.ref ?? ''))
  const since = ((Math.floor(firstSecond / HOUR_S) - 1) * HOUR_S) as EpochS
  const until = (Math.ceil(now / HOUR_S + 1) * HOUR_S) as EpochS
  const tallies = await readUsage(store, { since, until })
  const audited = [cloud.accountId, ...accounts]
  const counted = recount(tally.records(), { audited, since: (now - EVENT_AGE_S_MAX) as EpochS, until: (now + HOUR_S) as EpochS })
  return { tallies, agrees: textOf(tallies) === textOf(counted) }
}

function textOf(tallies: readonly UseTally[]): string {
  const { calls, unattributed, dryRuns } = usageReport({ records: 0, duplicates: 0, tallies, malformed: [], skipped: [] }, DIMENSIONS)
  return JSON.stringify({ calls, unattributed, dryRuns })
}
