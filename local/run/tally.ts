import { isJsonObject, type JsonObject, memberOf, parsedJson } from '../../shared/json.ts'
import type { RuleOutcome } from '../events/bus.ts'
import type { BatchOutcome } from '../lambda/mapping.ts'
import type { InvocationOutcome } from '../lambda/functions.ts'
import { KEY_USAGE_RULE_NAME } from '../../shared/usage/key-usage-rule.ts'
import { KMS_SOURCE } from '../../shared/usage/operations.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'

/** Keeps count of what a local cloud tells while it runs. */
export type RunTally = {
  onPublished(envelope: JsonObject, outcomes: readonly RuleOutcome[]): void
  onLog(functionName: string, line: string): void
  onBatch(functionName: string, batch: BatchOutcome): void
  onInvocation(functionName: string, outcome: InvocationOutcome): void
  onLost(): void
  onFault(error: unknown): void
  /** What went wrong in the local cloud itself, and in its functions. */
  faults(): readonly string[]
  arrived(): RunReport['arrived']
  folded(): RunReport['folded']
  rolledUpHours(): number
  /** The records of KMS events that came to the bus, whatever the rule did with them. */
  records(): readonly unknown[]
}

type Folded = { -readonly [Name in keyof RunReport['folded']]: number }
const COUNTED: readonly (keyof Folded)[] = ['messages', 'segments', 'uses', 'other', 'tooOld', 'malformed', 'spoofed', 'failed']
const FAULTS_MAX = 20

export function createRunTally(): RunTally {
  const faults: string[] = []
  const records: unknown[] = []
  const arrived = { onBus: 0, inQueue: 0, lost: 0 }
  const folded: Folded = { batches: 0, messages: 0, segments: 0, uses: 0, other: 0, tooOld: 0, malformed: 0, spoofed: 0, failed: 0 }
  let rolledUpHours = 0

  function fault(text: string): void {
    if (faults.length < FAULTS_MAX) faults.push(text)
  }

  return {
    onPublished(envelope, outcomes) {
      arrived.onBus++
      const ours = outcomes.filter(({ ruleName }) => ruleName === KEY_USAGE_RULE_NAME).flatMap(({ targets }) => targets)
      arrived.inQueue += ours.filter(({ outcome }) => outcome === 'delivered').length
      // Whatever the rule did with it: a rule that lets nothing through must not prove itself right.
      if (memberOf(envelope, 'source') === KMS_SOURCE) records.push(memberOf(envelope, 'detail'))
    },
    onLog(functionName, line) {
      const entry = parsedJson(line)
      if (!isJsonObject(entry)) return
      if (entry['level'] === 'ERROR') fault(`${functionName}: ${String(entry['message'])}`)
      if (entry['message'] !== 'counted') return
      folded.batches++
      for (const name of COUNTED) folded[name] += Number(entry[name] ?? 0)
    },
    onBatch(functionName, { outcome }) {
      if (outcome.kind === 'failure') fault(`${functionName}: ${outcome.message}`)
    },
    onInvocation(functionName, outcome) {
      if (outcome.kind === 'failure') fault(`${functionName}: ${outcome.message}`)
      else if (isJsonObject(outcome.value)) rolledUpHours += Number(outcome.value['rolledUp'] ?? 0)
    },
    onLost() {
      arrived.lost++
    },
    onFault: (error) => fault(error instanceof Error ? error.message : String(error)),
    faults: () => faults,
    arrived: () => ({ ...arrived }),
    folded: () => ({ ...folded }),
    rolledUpHours: () => rolledUpHours,
    records: () => records,
  }
}
