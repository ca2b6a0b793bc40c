import { createHash } from 'node:crypto'
import { LineCounter, parseDocument } from 'yaml'
import type { Exemption } from '../findings/exemption.ts'
import { DEFAULT_EXPECTATIONS, type Expectations } from '../rules/expectations.ts'
import type { Rule, Severity } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import { policyShape, type PolicyValues, type RuleMode } from './policy-shape.ts'
import { type PolicyProblem, PROBLEMS_MAX } from './problem.ts'
import { createReading, placeOf, problemAt } from './reading.ts'

/** What a team decided: `keytrail.yml`, with defaults for what it leaves out. */
export type Policy = {
  /** SHA-256 of the file's bytes, in hexadecimal digits; of no bytes where there is no file. */
  readonly digest: string
  readonly expectations: Expectations
  readonly exemptions: readonly Exemption[]
  /** By rule; a rule that is not here is only reported. */
  readonly modes: ReadonlyMap<string, RuleMode>
  /** By rule, where it is not the rule's own. */
  readonly severities: ReadonlyMap<string, Severity>
  readonly owners: readonly Owner[]
  readonly changes: {
    /** So many writes an hour, of all runs together. */
    readonly perHourMax: number
  }
  readonly cleanUp: CleanUpPolicy
}

/** How demo keys are retired. */
export type CleanUpPolicy = {
  /** So long after it was registered and last used a key is due. */
  readonly afterDays: number
  /** So long it is disabled, with nobody trying to use it, before its aliases are freed and its deletion is scheduled. */
  readonly watchHours: number
  /** So long the deletion waits. */
  readonly pendingDays: number
  /** New retirements that one run may begin. */
  readonly perRunMax: number
  /** Keys by ARN, and aliases, with `*` for any text, that are never touched. */
  readonly exclude: readonly string[]
}

const DEFAULT_CHANGES: Policy['changes'] = { perHourMax: 20 }
const DEFAULT_CLEAN_UP: CleanUpPolicy = { afterDays: 7, watchHours: 72, pendingDays: 7, perRunMax: 20, exclude: [] }

/** A resource that infrastructure-as-code owns: what Keytrail changed there would be changed back. */
export type Owner = {
  /** ARN, with `*` for any text. */
  readonly resource: string
  readonly tool: string
  /** Where to change it. */
  readonly place: string | null
}

export type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly warnings: readonly PolicyProblem[] }
  /** Every problem, by its place; `unlisted`: and how many more. */
  | { readonly ok: false; readonly problems: readonly PolicyProblem[]; readonly unlisted: number }

export const POLICY_BYTES_MAX = 256 * 1024

/** Reads `keytrail.yml`. Nothing of a file with a problem holds: half a policy is another policy. */
export function readPolicy(bytes: Uint8Array, { rules, now }: { readonly rules: readonly Rule[]; readonly now: EpochS }): ReadPolicy {
  if (bytes.length > POLICY_BYTES_MAX) return refusedWhole(`the file has ${bytes.length} bytes: ${POLICY_BYTES_MAX} at most`)
  const text = decoded(bytes)
  if (text === null) return refusedWhole('the file is not UTF-8 text')
  const lines = new LineCounter()
  // What is wrong is told here, with places: told by the parser, it takes a minute to quote what is wrong with 256 KiB of quotes.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, version: '1.2', schema: 'core' })
  if (document.errors.length > 0) {
    // The parser comes to the same problem once for each mapping or list that is open there.
    const errors = [...new Map(document.errors.map((error) => [`${error.pos[0]} ${error.message}`, error])).values()]
    const problems = errors.slice(0, PROBLEMS_MAX).map(({ pos, message }) => problemAt(lines, pos[0], `this is not YAML: ${message}`))
    return { ok: false, problems, unlisted: errors.length - problems.length }
  }
  const reading = createReading(document, lines)
  for (const { pos, message } of document.warnings) reading.refuse({ offset: pos[0] }, message)
  const values = document.contents === null ? {} : policyShape(rules, now).read(placeOf(document.contents, 0), reading)
  if (values === undefined || reading.problems.length > 0)
    return { ok: false, problems: reading.problems.toSorted(byPlace), unlisted: reading.unlisted() }
  return { ok: true, policy: policyOf(values, digestOf(bytes)), warnings: reading.warnings.toSorted(byPlace) }
}

/** What holds where there is no file. */
export function defaultPolicy(): Policy {
  return policyOf({}, digestOf(new Uint8Array()))
}

/** The rules with the severities that the policy gives them. */
export function rulesUnder(policy: Policy, rules: readonly Rule[]): readonly Rule[] {
  return rules.map((rule) => ({ ...rule, severity: policy.severities.get(rule.id) ?? rule.severity }))
}

function policyOf(values: PolicyValues, digest: string): Policy {
  const { expectations = {}, rules, exemptions = [], owners = [], changes, cleanUp } = values
  const { rotationPeriodDays, buckets, ...rest } = expectations
  const ruled = rules === undefined ? [] : Object.entries(rules)
  return {
    digest,
    expectations: {
      ...DEFAULT_EXPECTATIONS,
      ...rest,
      rotationPeriodDays: { ...DEFAULT_EXPECTATIONS.rotationPeriodDays, ...rotationPeriodDays },
      buckets: { ...DEFAULT_EXPECTATIONS.buckets, ...buckets },
    },
    exemptions: exemptions.map(({ rule, ...exemption }) => ({ ruleId: rule, ...exemption })),
    modes: new Map(ruled.flatMap(([id, rule]) => (rule?.mode === undefined ? [] : [[id, rule.mode]]))),
    severities: new Map(ruled.flatMap(([id, rule]) => (rule?.severity === undefined ? [] : [[id, rule.severity]]))),
    owners: owners.map(({ place = null, ...owner }) => ({ ...owner, place })),
    changes: { ...DEFAULT_CHANGES, ...changes },
    cleanUp: { ...DEFAULT_CLEAN_UP, ...cleanUp },
  }
}

function refusedWhole(message: string): ReadPolicy {
  return { ok: false, problems: [{ line: 1, column: 1, message }], unlisted: 0 }
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function byPlace(a: PolicyProblem, b: PolicyProblem): number {
  return a.line - b.line || a.column - b.column
}
