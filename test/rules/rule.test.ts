import { describe, expect, it } from 'vitest'
import { observed, unread } from '../../shared/observed.ts'
import { auditResource } from '../../shared/rules/audit.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import { type AnyFacts, defineRule, type Rule } from '../../shared/rules/rule.ts'
import { fail, pass, type Verdict } from '../../shared/rules/verdict.ts'
import { KEY } from './kms/ordinary-key.ts'
import { NOW } from './rule-cases.ts'

const SURROUNDINGS = { resource: KEY, expectations: DEFAULT_EXPECTATIONS, now: NOW }
const DESCRIBED = { id: 'kms-key-x', title: 'x', severity: 'low', resource: 'kms_key', controls: [], source: '', advice: '' } as const

const rotates = defineRule({
  ...DESCRIBED,
  watches: [],
  scope: { facts: ['manager'], outOfScope: [], exclude: ({ manager }) => (manager === 'AWS' ? 'not ours' : null) },
  facts: ['rotation'],
  evaluate: ({ manager, rotation }) => (rotation.isEnabled && manager === 'CUSTOMER' ? pass : fail('off')),
})

/** A reader of these facts that writes down what it was asked. */
function readerOf(facts: AnyFacts) {
  const asked: (readonly string[])[] = []
  const reader = () => (names: readonly string[]) => {
    asked.push(names)
    return Promise.resolve<AnyFacts>(Object.fromEntries(names.map((name) => [name, facts[name]])))
  }
  return { asked, reader }
}

const ON = observed({ isEnabled: true, periodDays: 365, nextAt: null })
const DENIED = unread('kms:GetKeyRotationStatus', 'denied', 'AccessDeniedException')

describe('a rule', () => {
  it('needs the facts of its scope and those it judges, each once', () => {
    expect(rotates.scopeFacts).toEqual(['manager'])
    expect(rotates.facts).toEqual(['manager', 'rotation'])
  })

  it('is a fault of whoever did not ask for its facts', () => {
    expect(() => rotates.judge({ manager: observed('CUSTOMER') }, SURROUNDINGS)).toThrow('the fact rotation was not asked for')
  })

  it('does not compile with an event, a fact or a control that does not exist', () => {
    const scope = { facts: ['manager'], outOfScope: [], exclude: () => null } as const
    const kms = 'kms.amazonaws.com'
    const refused: readonly (() => Rule)[] = [
      // @ts-expect-error an IAM action is no event
      () => defineRule({ ...DESCRIBED, watches: [{ source: kms, names: ['kms:CreateKey'] }], scope, facts: [], evaluate: () => pass }),
      // @ts-expect-error CloudTrail writes CreateKey
      () => defineRule({ ...DESCRIBED, watches: [{ source: kms, names: ['createKey'] }], scope, facts: [], evaluate: () => pass }),
      // @ts-expect-error an event of another source
      () => defineRule({ ...DESCRIBED, watches: [{ source: kms, names: ['PutBucketPolicy'] }], scope, facts: [], evaluate: () => pass }),
      // @ts-expect-error a source that does not exist
      () => defineRule({ ...DESCRIBED, watches: [{ source: 'aws.kms', names: ['CreateKey'] }], scope, facts: [], evaluate: () => pass }),
      // @ts-expect-error a fact that does not exist
      () => defineRule({ ...DESCRIBED, watches: [], scope, facts: ['keyState'], evaluate: () => pass }),
      // @ts-expect-error a fact of another kind of resource
      () => defineRule({ ...DESCRIBED, watches: [], scope, facts: ['encryption'], evaluate: () => pass }),
      // @ts-expect-error a fact that is not declared
      () => defineRule({ ...DESCRIBED, watches: [], scope, facts: ['rotation'], evaluate: ({ rotations }) => (rotations ? pass : pass) }),
      // @ts-expect-error a fact that the scope does not declare
      () => defineRule({ ...DESCRIBED, watches: [], scope: { ...scope, exclude: ({ spec }) => spec }, facts: [], evaluate: () => pass }),
      // @ts-expect-error a control that is not sourced
      () => defineRule({ ...DESCRIBED, controls: ['CIS:3.6'], watches: [], scope, facts: [], evaluate: () => pass }),
      // @ts-expect-error a path without a verdict
      () => defineRule({ ...DESCRIBED, watches: [], scope, facts: ['state'], evaluate: ({ state }) => (state === '' ? pass : undefined) }),
      // @ts-expect-error a severity that does not exist
      () => defineRule({ ...DESCRIBED, severity: 'urgent', watches: [], scope, facts: [], evaluate: () => pass }),
    ]
    expect(refused).toHaveLength(11)
  })
})

describe('an audit of a resource', () => {
  it('reads the facts of scope first, then what the rules need that apply', async () => {
    const { asked, reader } = readerOf({ manager: observed('CUSTOMER'), rotation: ON })
    const audit = await auditResource([rotates], reader, SURROUNDINGS)
    expect(asked).toEqual([['manager'], ['rotation']])
    expect(audit).toMatchObject({ kind: 'judged', judgements: [{ verdict: { kind: 'pass' } }] })
  })

  it('does not read what no rule needs: ACM’s managed key denies its rotation to everybody', async () => {
    const { asked, reader } = readerOf({ manager: observed('AWS'), rotation: DENIED })
    const audit = await auditResource([rotates], reader, SURROUNDINGS)
    expect(asked).toEqual([['manager']])
    expect(audit).toMatchObject({ kind: 'judged', judgements: [{ verdict: { kind: 'not_applicable', reason: 'not ours' } }] })
  })

  it('says what could not be read', async () => {
    const { reader } = readerOf({ manager: observed('CUSTOMER'), rotation: DENIED })
    expect(await auditResource([rotates], reader, SURROUNDINGS)).toMatchObject({
      judgements: [{ verdict: { kind: 'unknown', unread: [DENIED] } }],
    })
  })

  it('says that the scope could not be read, and reads no further', async () => {
    const { asked, reader } = readerOf({ manager: unread('kms:DescribeKey', 'failed', 'ThrottlingException') })
    const audit = await auditResource([rotates], reader, SURROUNDINGS)
    expect(asked).toEqual([['manager']])
    expect(audit).toMatchObject({ judgements: [{ verdict: { kind: 'unknown', unread: [{ action: 'kms:DescribeKey' }] } }] })
  })

  it.each(['gone', 'unready'] as const)('judges nothing of what is %s', async (state) => {
    expect(await auditResource([rotates], () => () => Promise.resolve(state), SURROUNDINGS)).toEqual({ kind: state, resource: KEY })
  })
})

/** A rule that says this of keys of AWS and of customers, or does not apply to some of them. */
function saying(verdicts: Readonly<Record<'AWS' | 'CUSTOMER', Verdict>>, excludes: readonly string[] = []): Rule {
  return defineRule({
    ...DESCRIBED,
    watches: [],
    scope: { facts: ['manager'], outOfScope: [], exclude: ({ manager }) => (excludes.includes(manager) ? 'not ours' : null) },
    facts: ['state'],
    evaluate: ({ manager }) => verdicts[manager],
  })
}

describe('a fact of which only the values are known that it may have', () => {
  const OPEN = { ...unread('kms:DescribeKey', 'denied', 'AccessDeniedException'), among: ['AWS', 'CUSTOMER'] }
  const FACTS = { manager: OPEN, state: observed('Enabled') }
  const unknown = { kind: 'unknown', unread: [OPEN] }

  it.each<readonly [title: string, rule: Rule, verdict: object]>([
    ['what passes by each passes', saying({ AWS: pass, CUSTOMER: pass }), pass],
    ['what fails by each fails', saying({ AWS: fail('off'), CUSTOMER: fail('off too') }), { kind: 'fail' }],
    ['what fails by one of them alone is unknown', saying({ AWS: fail('off'), CUSTOMER: pass }), unknown],
    ['what does not apply by each does not apply', saying({ AWS: pass, CUSTOMER: pass }, ['AWS', 'CUSTOMER']), { kind: 'not_applicable' }],
    ['what passes or does not apply does not apply', saying({ AWS: pass, CUSTOMER: pass }, ['AWS']), { kind: 'not_applicable' }],
    ['what fails or does not apply is unknown', saying({ AWS: pass, CUSTOMER: fail('off') }, ['AWS']), unknown],
  ])('%s', async (_title, rule, verdict) => {
    const audit = await auditResource([rule], readerOf(FACTS).reader, SURROUNDINGS)
    expect(audit).toMatchObject({ kind: 'judged', judgements: [{ verdict }] })
  })

  it('does not stand for another that is unread', async () => {
    const facts = { manager: OPEN, state: DENIED }
    const audit = await auditResource([saying({ AWS: pass, CUSTOMER: pass })], readerOf(facts).reader, SURROUNDINGS)
    expect(audit).toMatchObject({ judgements: [{ verdict: { kind: 'unknown', unread: [DENIED] } }] })
  })
})
