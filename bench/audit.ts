/** `npm run bench:audit`: how many resources all rules of a kind judge in a second, beside a bare loop over the same facts. */
import { observed } from '../shared/observed.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { DEFAULT_EXPECTATIONS } from '../shared/rules/expectations.ts'
import type { AnyFacts, Rule, Surroundings } from '../shared/rules/rule.ts'
import { ordinaryKeys } from './audit-keys.ts'
import { median, say, within, type Verdict } from './live-say.ts'

const RESOURCES = 20_000
const TURNS = 5
const RESOURCES_PER_S_MIN = 50_000

type Judged = { readonly facts: AnyFacts; readonly surroundings: Surroundings }

/** Every verdict of every resource, counted by kind, so that none is left out. */
function judgeAll(rules: readonly Rule[], resources: readonly Judged[]): Record<string, number> {
  const kinds: Record<string, number> = { pass: 0, fail: 0, not_applicable: 0, unknown: 0 }
  for (const { facts, surroundings } of resources) {
    for (const rule of rules) {
      const { kind } = rule.judge(facts, surroundings)
      kinds[kind] = (kinds[kind] ?? 0) + 1
    }
  }
  return kinds
}

/** The least that any auditor does: it looks at each fact that each rule needs, and asks whether it was read. */
function lookAtAll(rules: readonly Rule[], resources: readonly Judged[]): number {
  let read = 0
  for (const { facts } of resources) {
    for (const rule of rules) {
      for (const name of rule.facts) if (facts[name]?.known === true) read++
    }
  }
  return read
}

/** In time of the processor, as one core has it: what else the machine does takes time on the wall, not of this. */
function ratePerS(count: number, work: () => unknown): number {
  const begun = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begun)
  return (1_000_000 * count) / (user + system)
}

function benchKind(title: string, rules: readonly Rule[], resources: readonly Judged[]): Verdict {
  const kinds = judgeAll(rules, resources)
  const verdicts = Object.values(kinds).reduce((sum, count) => sum + count, 0)
  if (verdicts !== rules.length * resources.length || Object.values(kinds).some((count) => count === 0))
    throw new Error('verdicts are missing')
  lookAtAll(rules, resources)
  const turns = Array.from({ length: TURNS }, () => ({
    judged: ratePerS(resources.length, () => judgeAll(rules, resources)),
    bare: ratePerS(resources.length, () => lookAtAll(rules, resources)),
  }))
  const judged = median(turns.map((turn) => turn.judged))
  const bare = median(turns.map((turn) => turn.bare))
  say(
    `${resources.length} ${title}, ${rules.length} rules: ${Object.entries(kinds)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
  )
  say(`peer, a bare loop over their facts: ${Math.round(bare).toLocaleString('en')} a second, ${(bare / judged).toFixed(1)} times as many`)
  return within(`${title} judged a second`, judged, { least: RESOURCES_PER_S_MIN })
}

const keys = ordinaryKeys(RESOURCES).map(({ resource, values, now }) => ({
  facts: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, observed(value)])),
  surroundings: { resource, expectations: DEFAULT_EXPECTATIONS, now },
}))
// Some were not read: those are judged too.
const withUnread = keys.map((key, index) =>
  index % 19 === 0
    ? {
        ...key,
        facts: {
          ...key.facts,
          policy: { known: false, action: 'kms:GetKeyPolicy', because: 'denied', code: 'AccessDeniedException' } as const,
        },
      }
    : key,
)

const verdicts = [
  benchKind(
    'KMS keys',
    ALL_RULES.filter(({ kind }) => kind === 'kms_key'),
    withUnread,
  ),
]
for (const { title, text } of verdicts) say(`${title}   ${text}`)
process.exitCode = verdicts.every(({ holds }) => holds) ? 0 : 1
