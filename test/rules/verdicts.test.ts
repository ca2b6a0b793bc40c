import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { observed } from '../../shared/observed.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import type { AnyFacts, Rule, Surroundings } from '../../shared/rules/rule.ts'
import type { Verdict } from '../../shared/rules/verdict.ts'
import { casesOf, factsOf, saidBy, surroundingsOf, withUnread } from './rule-cases.ts'

const tables = await Promise.all(ALL_RULES.map(async (rule) => ({ id: rule.id, rule, cases: await casesOf(rule) })))

describe.each(tables)('$id', ({ rule, cases }) => {
  const judged = cases.rows.map((row) => {
    const facts = factsOf(cases, row)
    const surroundings = surroundingsOf(cases, row)
    return { row, facts, surroundings, verdict: rule.judge(facts, surroundings) }
  })

  it.each(judged)('$row.verdict: a resource that $row.title', ({ row, verdict }) => {
    const said = saidBy(verdict)
    expect({ kind: verdict.kind, said }).toEqual({ kind: row.verdict, said: row.says ?? said })
  })

  it('has a row of every kind, and no two of one title', () => {
    // There is one account, and what is asked of it is asked of every account.
    const kinds = ['pass', 'fail', 'unknown', ...(rule.kind === 'aws_account' ? [] : ['not_applicable'])]
    expect(new Set(cases.rows.map(({ verdict }) => verdict))).toEqual(new Set(kinds))
    expect(cases.rows.some(({ unread = [] }) => unread.some((fact) => rule.facts.includes(fact)))).toBe(true)
    const titles = cases.rows.map(({ title }) => title)
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([])
    expect(cases.resource.kind).toBe(rule.kind)
  })

  it('says why, in a sentence without an end, short enough for a line of an e-mail', () => {
    const reasons = judged.filter(({ verdict }) => verdict.kind !== 'pass').map(({ verdict }) => saidBy(verdict))
    expect(
      reasons.filter((reason) => reason === '' || reason.endsWith('.') || reason.includes('undefined') || reason.length > 500),
    ).toEqual([])
  })

  // Whatever else is known of a resource: what was not read never passes and never fails.
  it.each(rule.facts.filter((fact) => !rule.optionalFacts.includes(fact)))('neither passes nor fails while %s is unread', (fact) => {
    const verdicts = judged.map(({ facts, surroundings }) => rule.judge(withUnread(facts, [fact]), surroundings))
    expect(verdicts.map(({ kind }) => kind).filter((kind) => kind === 'pass' || kind === 'fail')).toEqual([])
    const unknown = verdicts.filter((verdict) => verdict.kind === 'unknown')
    expect(unknown.some(({ unread }) => unread.some(({ action }) => action === `read:${fact}`))).toBe(true)
  })

  // What decides without it would decide with it, whatever it is.
  it.each(rule.optionalFacts)('says what it would say anyway, or nothing, while %s is unread', (fact) => {
    const pairs = judged.map(({ facts, surroundings, verdict }) => ({
      known: verdict.kind,
      without: rule.judge(withUnread(facts, [fact]), surroundings),
    }))
    expect(pairs.filter(({ known, without }) => without.kind !== 'unknown' && without.kind !== known)).toEqual([])
    const unread = pairs.flatMap(({ without }) => (without.kind === 'unknown' ? without.unread : []))
    expect(unread.some(({ action }) => action === `read:${fact}`)).toBe(true)
    expect(pairs.some(({ without }) => without.kind !== 'unknown')).toBe(true)
  })

  it('knows its scope from the facts of its scope alone', () => {
    const excluded = judged.map(({ facts, surroundings, verdict }) => {
      const scoping = Object.fromEntries(rule.scopeFacts.map((name) => [name, facts[name]]))
      return rule.exclude(scoping, surroundings) ?? verdict
    })
    expect(excluded).toEqual(judged.map(({ verdict }) => verdict))
  })

  // A rule reads a fact if its verdict is another, or none, once the fact is a thing that nothing can be read from.
  it.each(rule.facts)('reads %s in some row', (fact) => {
    const noticing = judged.filter(({ facts, surroundings, verdict }) => {
      if (facts[fact]?.known !== true) return false
      return !isDeepStrictEqual(judgedWith(rule, { ...facts, [fact]: observed(unreadable()) }, surroundings), verdict)
    })
    expect(noticing.length).toBeGreaterThan(0)
  })

  it('reads nothing that it does not declare', () => {
    for (const { facts, surroundings, verdict } of judged) {
      const declared = Object.fromEntries(rule.facts.map((name) => [name, facts[name]]))
      expect(rule.judge(declared, surroundings)).toEqual(verdict)
    }
  })

  it('says the same of the same, and changes nothing', () => {
    for (const { facts, surroundings, verdict } of judged) {
      const before = structuredClone(facts)
      expect(rule.judge(facts, surroundings)).toEqual(verdict)
      expect(facts).toEqual(before)
    }
  })
})

function judgedWith(rule: Rule, facts: AnyFacts, surroundings: Surroundings): Verdict | 'thrown' {
  try {
    return rule.judge(facts, surroundings)
  } catch {
    return 'thrown'
  }
}

function unreadable(): unknown {
  return new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse, getPrototypeOf: refuse })
}

function refuse(): never {
  throw new Error('nothing can be read from this')
}
