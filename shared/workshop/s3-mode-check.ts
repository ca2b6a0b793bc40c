import type { Scope } from '../usage/scope.ts'
import type { UseTally } from '../usage/use-ledger.ts'
import type { RunFacts } from './registry.ts'
import {
  type CallRanges,
  type Cells,
  cellIn,
  CELLS,
  documented,
  documentedCalls,
  KMS_MODES,
  type KmsMode,
  type Range,
  S3_MODES,
  type S3Mode,
  SSE,
  TITLES,
} from './s3-mode-list.ts'
import { s3ModeLessons } from './s3-mode-lessons.ts'
import type { Stage } from './stage.ts'
import { type Check, type CheckResult, checked, type Table } from './use-case.ts'
import { type Awaited, awaitUses, lateText, succeededUses } from './waiting.ts'

const CELL_NAMES: Readonly<Record<keyof Cells, string>> = {
  sent: 'headers sent',
  stored: 'headers stored',
  key: 'key',
  readers: 'who can read',
}

/** Every cell of the table beside what AWS documents. */
export async function checkS3Modes(stage: Stage, facts: RunFacts): Promise<CheckResult> {
  const uses = await awaitAll(stage, facts)
  const stray = await strayUses(stage, facts)
  const areComplete = KMS_MODES.every((mode) => uses[mode].isComplete)
  const checks = S3_MODES.flatMap((mode) => {
    const wanted = documented(mode, facts)
    const calls = isKmsMode(mode) ? callsCheck(mode, uses[mode]) : noCallsCheck(mode, stray, areComplete)
    return [...CELLS.map((cell) => checked(`${TITLES[mode]}, ${CELL_NAMES[cell]}`, wanted[cell], cellIn(facts, mode, cell))), calls]
  })
  return {
    tables: [tableOf(facts, checks)],
    checks: [
      ...checks,
      scopeCheck('sse-kms', uses['sse-kms'], 's3-object', "each object's"),
      scopeCheck('bucket-key', uses['bucket-key'], 's3-bucket', "the bucket's"),
      checked('SSE-C while the bucket blocks it', 'refused', String(facts['sse-c.whileBlocked'] ?? 'not seen')),
      checked('SSE-C over plain HTTP', 'refused', String(facts['sse-c.overHttp'] ?? 'not seen')),
    ],
    lessons: s3ModeLessons(uses['sse-kms'], uses['bucket-key']),
  }
}

async function awaitAll(stage: Stage, facts: RunFacts): Promise<Readonly<Record<KmsMode, Awaited>>> {
  const awaitMode = (mode: KmsMode): Promise<Awaited> => {
    const { GenerateDataKey, Decrypt } = documentedCalls(mode)
    const { since = 0, until = 0 } = facts
    const wanted = { GenerateDataKey: GenerateDataKey.least, Decrypt: Decrypt.least }
    return awaitUses(stage, { keyArn: facts[`${mode}.keyArn`] ?? '', since, until }, wanted)
  }
  return {
    'sse-kms': await awaitMode('sse-kms'),
    'bucket-key': await awaitMode('bucket-key'),
    'dsse-kms': await awaitMode('dsse-kms'),
    'client-side': await awaitMode('client-side'),
  }
}

function isKmsMode(mode: S3Mode): mode is KmsMode {
  return KMS_MODES.some((known) => known === mode)
}

/** Uses that the roles made of any other key than the run's: of modes that need none there should be none. */
async function strayUses(stage: Stage, facts: RunFacts): Promise<readonly UseTally[]> {
  const own = new Set(KMS_MODES.map((mode) => facts[`${mode}.keyArn`]))
  const stray: UseTally[] = []
  for (const role of ['writer', 'reader', 'decrypter']) {
    const uses = await succeededUses(stage, { since: facts['since'] ?? 0 }, { caller: String(facts[role]) })
    stray.push(...uses.filter(({ use }) => use.keyArn === null || !own.has(use.keyArn)))
  }
  return stray
}

function callsCheck(mode: KmsMode, { counts, isComplete, waitedS }: Awaited): Check {
  const ranges = documentedCalls(mode)
  const expected = rangesText(ranges)
  const seen = callsText(counts)
  const what = `${TITLES[mode]}, KMS calls`
  const isTooMuch = Object.entries(counts).some(([operation, count]) => count > mostOf(ranges, operation))
  if (!isComplete && !isTooMuch) return { what, expected, seen: lateText(seen, waitedS), verdict: 'unknown' }
  return { what, expected, seen, verdict: isTooMuch ? 'fail' : 'pass' }
}

function noCallsCheck(mode: S3Mode, stray: readonly UseTally[], isComplete: boolean): Check {
  const seen = stray.length === 0 ? NONE : stray.map(({ use, count }) => `${count} ${use.operation}`).join(', ')
  const what = `${TITLES[mode]}, KMS calls`
  if (stray.length === 0 && !isComplete) return { what, expected: NONE, seen: 'not all calls of the run were told', verdict: 'unknown' }
  return checked(what, NONE, seen)
}

/** What the calls' encryption contexts name. */
function scopeCheck(mode: KmsMode, { tallies, isComplete, waitedS }: Awaited, scope: Scope, whose: string): Check {
  const what = `${TITLES[mode]}, the ARN in the encryption context`
  const seen = [...new Set(tallies.map(({ use }) => (use.scope === scope ? whose : use.scope)))].toSorted().join(', ')
  if (isComplete || (seen !== '' && seen !== whose)) return checked(what, whose, seen)
  return { what, expected: whose, seen: lateText(seen === '' ? 'no calls' : seen, waitedS), verdict: 'unknown' }
}

const NONE = 'none'

function mostOf(ranges: CallRanges, operation: string): number {
  return operation === 'GenerateDataKey' || operation === 'Decrypt' ? ranges[operation].most : 0
}

function callsText(counts: Awaited['counts']): string {
  const calls = Object.entries(counts).toSorted(([left], [right]) => (left < right ? 1 : -1))
  return calls.length === 0 ? NONE : calls.map(([operation, count]) => `${count} ${operation}`).join(', ')
}

function rangesText({ GenerateDataKey, Decrypt }: CallRanges): string {
  return `${rangeText(GenerateDataKey)} GenerateDataKey, ${rangeText(Decrypt)} Decrypt`
}

function rangeText({ least, most }: Range): string {
  if (least === most) return String(least)
  return most === Infinity ? `at least ${least}` : `${least} to ${most}`
}

/** What was seen, in short words. */
function tableOf(facts: RunFacts, checks: readonly Check[]): Table {
  const calls = new Map(checks.map(({ what, seen }) => [what, seen]))
  const rows = S3_MODES.map((mode) => [
    TITLES[mode],
    ...CELLS.map((cell) => shortened(cellIn(facts, mode, cell), mode, facts)),
    calls.get(`${TITLES[mode]}, KMS calls`) ?? '',
  ])
  const head = ['mode', ...CELLS.map((cell) => CELL_NAMES[cell]), 'KMS calls']
  return { title: `What was seen (… stands for ${SSE})`, rows: [head, ...rows] }
}

function shortened(text: string, mode: S3Mode, facts: RunFacts): string {
  const keyArn = facts[`${mode}.keyArn`]
  const md5 = facts['sse-c.keyMd5']
  const named = typeof keyArn === 'string' && keyArn !== '' ? text.replaceAll(keyArn, 'its KMS key') : text
  return (typeof md5 === 'string' && md5 !== '' ? named.replaceAll(md5, 'MD5 of your key') : named).replaceAll(SSE, '…')
}
