/** `npm run bench:audit`: how many resources all rules of a kind judge in a second, beside a bare loop over the same facts. */
import { observed } from '../shared/observed.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import type { ResourceKind } from '../shared/rules/facts.ts'
import { parsePolicy } from '../shared/rules/policy/document.ts'
import type { AnyFacts, Rule } from '../shared/rules/rule.ts'
import { ordinaryBuckets } from './audit-buckets.ts'
import { ordinaryKeys } from './audit-keys.ts'
import type { BenchResource } from './audit-resource.ts'
import { ordinaryTrails } from './audit-trails.ts'
import { median, say, within, type Verdict } from './live-say.ts'

const RESOURCES = 20_000
const TURNS = 7
const RESOURCES_PER_S_MIN = 50_000

type Rates = { readonly ofProcessor: number; readonly ofWall: number }
type Bench = { readonly title: string; readonly peer: string; judgeAll(): Record<string, number>; lookAtAll(): unknown }

/** Every verdict of every resource, counted by kind, so that none is left out. */
function judgeAll(
  rules: readonly Rule[],
  resources: readonly BenchResource[],
  factsOf: (resource: BenchResource) => AnyFacts,
): Record<string, number> {
  const kinds = { pass: 0, fail: 0, not_applicable: 0, unknown: 0 }
  for (const resource of resources) {
    const facts = factsOf(resource)
    for (const rule of rules) kinds[rule.judge(facts, resource.surroundings).kind]++
  }
  return kinds
}

/** The least that any auditor does: it looks at each fact that each rule needs, and asks whether it was read. */
function lookAtAll(rules: readonly Rule[], resources: readonly BenchResource[]): number {
  let read = 0
  for (const { facts } of resources) {
    for (const rule of rules) {
      for (const name of rule.facts) if (facts[name]?.known === true) read++
    }
  }
  return read
}

/** The least that any reader of policies does. */
function readTexts(resources: readonly BenchResource[]): number {
  let read = 0
  for (const { policy } of resources) if (policy?.known === true && policy.value !== null && JSON.parse(policy.value) !== null) read++
  return read
}

function withPolicy({ facts, policy }: BenchResource): AnyFacts {
  if (policy === null) return facts
  return { ...facts, policy: policy.known ? observed(policy.value === null ? null : parsePolicy(policy.value)) : policy }
}

/** What the machine does besides takes time on the wall, and not of the processor as one core has it. */
function ratesPerS(count: number, work: () => unknown): Rates {
  const [begunAtMs, begun] = [performance.now(), process.cpuUsage()]
  work()
  const { user, system } = process.cpuUsage(begun)
  return { ofProcessor: (1_000_000 * count) / (user + system), ofWall: (1000 * count) / (performance.now() - begunAtMs) }
}

function medians(rates: readonly Rates[]): Rates {
  return { ofProcessor: median(rates.map(({ ofProcessor }) => ofProcessor)), ofWall: median(rates.map(({ ofWall }) => ofWall)) }
}

function told(count: number): string {
  return Math.round(count).toLocaleString('en')
}

/** @throws if a verdict is missing, or no verdict of some kind is there */
function measured(bench: Bench, verdictCount: number): Rates {
  const kinds = bench.judgeAll()
  const counts = Object.values(kinds)
  if (counts.reduce((sum, count) => sum + count, 0) !== verdictCount || counts.includes(0)) throw new Error('verdicts are missing')
  const turns = Array.from({ length: TURNS }, () => ({
    judged: ratesPerS(RESOURCES, () => bench.judgeAll()),
    bare: ratesPerS(RESOURCES, () => bench.lookAtAll()),
  }))
  const judged = medians(turns.map((turn) => turn.judged))
  const bare = medians(turns.map((turn) => turn.bare))
  say(
    `${bench.title}: ${Object.entries(kinds)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
  )
  say(`   in a second of the processor ${told(judged.ofProcessor)}, on the wall ${told(judged.ofWall)}`)
  say(
    `   peer, ${bench.peer}: ${told(bare.ofProcessor)} a second, ${(bare.ofProcessor / judged.ofProcessor).toFixed(1)} times as many; on the wall ${told(bare.ofWall)}`,
  )
  return judged
}

/** The limit is on judging. To read the texts of policies comes on top in a real audit: most of that is JSON.parse, as its peer shows. */
function verdictOn(title: string, kind: ResourceKind, resources: readonly BenchResource[]): Verdict {
  const rules = ALL_RULES.filter((rule) => rule.kind === kind)
  const verdictCount = rules.length * resources.length
  const read = resources.map((resource) => ({ ...resource, facts: withPolicy(resource) }))
  const bare = {
    title: `${title} judged by ${rules.length} rules`,
    peer: 'a bare loop over their facts',
    judgeAll: () => judgeAll(rules, read, ({ facts }) => facts),
    lookAtAll: () => lookAtAll(rules, read),
  }
  const { ofProcessor } = measured(bare, verdictCount)
  if (resources.some(({ policy }) => policy !== null)) {
    const fromText = {
      title: `${title} judged from the texts of their policies on`,
      peer: 'JSON.parse of the texts and a bare loop over their facts',
      judgeAll: () => judgeAll(rules, resources, withPolicy),
      lookAtAll: () => readTexts(resources) + lookAtAll(rules, read),
    }
    measured(fromText, verdictCount)
  }
  return within(`${title} judged in a second of the processor`, ofProcessor, { least: RESOURCES_PER_S_MIN })
}

const verdicts = [
  verdictOn('KMS keys', 'kms_key', ordinaryKeys(RESOURCES)),
  verdictOn('S3 buckets', 's3_bucket', ordinaryBuckets(RESOURCES)),
  verdictOn('trails', 'cloudtrail_trail', ordinaryTrails(RESOURCES)),
]
say()
for (const { title, text } of verdicts) say(`${title}   ${text}`)
process.exitCode = verdicts.every(({ holds }) => holds) ? 0 : 1
