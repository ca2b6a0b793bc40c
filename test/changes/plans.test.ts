import { describe, expect, it } from 'vitest'
import type { AspectState } from '../../shared/changes/aspect.ts'
import { meansTheSame } from '../../shared/changes/meaning.ts'
import type { Planned } from '../../shared/changes/planner.ts'
import { PLANNERS } from '../../shared/changes/planners.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { casesOf, factsOf, surroundingsOf } from '../rules/rule-cases.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import {
  bucketPolicy,
  encryptedWith,
  expecting,
  expectingOf,
  FOREIGN_KEY_ARN,
  KEY_ARN,
  OTHER_KEY_ARN,
} from '../rules/s3/ordinary-bucket.ts'
import { BUCKET_RESOURCE, bucketGround, encryptionState, factsWith, policyText, stateOf } from './plans-ground.ts'

const WRITES = {
  'key-rotation': ['kms:EnableKeyRotation'],
  'bucket-encryption': ['s3:PutEncryptionConfiguration'],
  'bucket-policy': ['s3:PutBucketPolicy'],
}

/** Failures of the rules' own tables that a person has to put right, and why. */
const NO_KEY = 'names none that is the only one for this bucket'
const TAKES_LOGS = 'access logs are delivered here'
const NOT_SAID = 'this bucket says nothing of SSE-C'
const REFUSED: Readonly<Record<string, string>> = {
  'takes access logs under SSE-KMS': TAKES_LOGS,
  'takes access logs under DSSE-KMS': TAKES_LOGS,
  'is one that nothing is expected of, and takes access logs': TAKES_LOGS,
  'blocks nothing': NOT_SAID,
  'blocks something that nobody knew': NOT_SAID,
  'blocks SSE-C in one of two rules': NOT_SAID,
  'has no policy either': NOT_SAID,
  'denies SSE-C for a folder': NOT_SAID,
  'denies SSE-C to one role': NOT_SAID,
  'denies what is not SSE-C': NOT_SAID,
  'has SSE-S3, where KMS is expected': NO_KEY,
  'has a second rule that falls short': NO_KEY,
  'has an algorithm that nobody knew beside one that falls short': 'which is weaker than the aws:fsx',
  'is named by keytrail.yml, which expects more of it': NO_KEY,
  'says that it blocks nothing': 'somebody allowed SSE-C on this bucket in so many words',
  'went from DSSE-KMS to SSE-KMS and takes access logs': TAKES_LOGS,
}

describe('planners', () => {
  it('there are for just the rules that say how they are put right, and write what those say', () => {
    const remedied = ALL_RULES.flatMap(({ id, remediation }) => (remediation === null ? [] : [[id, remediation.writes]]))
    expect(Object.fromEntries([...PLANNERS].map(([id, { aspect }]) => [id, WRITES[aspect]]))).toEqual(Object.fromEntries(remedied))
  })
})

const tables = await Promise.all(
  [...PLANNERS].map(async ([id, planner]) => ({ id, planner, rule: ruleOf(id), cases: await casesOf(ruleOf(id)) })),
)

function ruleOf(id: string) {
  const rule = ALL_RULES.find((each) => each.id === id)
  if (rule === undefined) throw new Error(`there is no rule ${id}`)
  return rule
}

describe.each(tables)('what $id finds', ({ planner, rule, cases }) => {
  const planned = cases.rows
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'pass')
    .map((row) => {
      const facts = factsOf(cases, row)
      const around = surroundingsOf(cases, row)
      const ground = { ...around, state: stateOf(planner, facts), facts }
      return { title: row.title, verdict: row.verdict, ground, around, plan: planner.plan(ground) }
    })
  const failing = planned.filter(({ verdict }) => verdict === 'fail')
  const changed = planned.flatMap(({ plan, ...rest }) => (plan.kind === 'change' ? [{ ...rest, after: plan.after }] : []))

  it.each(changed)('in a resource that $title is put right', ({ ground, around, after }) => {
    const facts = factsWith(ground.facts, after)
    expect(rule.judge(facts, around)).toEqual({ kind: 'pass' })
    expect(planner.plan({ ...ground, state: after, facts }).kind).toBe('nothing')
    expect(meansTheSame(ground.state, after)).toBe(false)
    expect(othersOf(ground.state)).toEqual(othersOf(after))
  })

  it('is left to a person where nobody else can tell', () => {
    const left = failing.flatMap(({ title, plan }) => (plan.kind === 'refused' ? [[title, plan.reason]] : []))
    expect(left).toEqual(
      left.map(([title = '']) => [title, expect.stringContaining(REFUSED[title] ?? 'a reason that is expected') as unknown]),
    )
    expect(failing.filter(({ plan }) => plan.kind === 'nothing')).toEqual([])
  })

  it('is planned alike each time', () => {
    expect(planned.map(({ ground }) => planner.plan(ground))).toEqual(planned.map(({ plan }) => plan))
  })
})

/** What no plan touches: the statements that were there. */
function othersOf(state: AspectState): unknown {
  if (state.aspect !== 'bucket-policy' || state.value === null) return null
  const { Statement } = JSON.parse(state.value) as { readonly Statement: readonly { readonly Sid?: string }[] }
  const others = Statement.filter(({ Sid }) => Sid !== 'KeytrailDenyPlainHttp')
  return others.length === 0 ? null : others
}

function plannerOf(id: string) {
  const planner = PLANNERS.get(id)
  if (planner === undefined) throw new Error(`there is no planner for ${id}`)
  return planner
}

function changedTo(planned: Planned): unknown {
  return planned.kind === 'change' ? planned.after.value : planned
}

describe('the default encryption', () => {
  const planner = plannerOf('s3-bucket-encrypted-as-expected')
  const sseS3 = { algorithm: 'AES256', key: null }

  it('is merged: what the rule says nothing of stays', () => {
    const state = encryptionState({ ...sseS3, blockedTypes: ['SSE-C'] })
    const planned = planner.plan(
      bucketGround({ state, expectations: expecting({ algorithms: ['aws:kms'], keyArns: [KEY_ARN], requiresBucketKey: false }) }),
    )
    expect(changedTo(planned)).toEqual([{ algorithm: 'aws:kms', key: KEY_ARN, isBucketKeyEnabled: false, blockedTypes: ['SSE-C'] }])
  })

  it('of a log bucket is never switched to SSE-KMS, nor away from it: a log bucket switched to SSE-KMS', () => {
    const expectations = expecting({ algorithms: ['aws:kms'], keyArns: [KEY_ARN] })
    const planFor = (state: AspectState) => planner.plan(bucketGround({ state, expectations, facts: { isLogTarget: true } }))
    // Whoever may name any bucket as the target of access logs would weaken it.
    expect(planFor(encryptionState({ isBucketKeyEnabled: true }))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('weaker than the aws:kms that stands there') as unknown,
    })
    expect(planFor(encryptionState(sseS3))).toEqual({ kind: 'nothing' })
    const weakened = plannerOf('s3-bucket-encryption-not-weakened')
    const seen = { algorithm: 'aws:kms', key: KEY_ARN, seenAt: bucketGround({ state: encryptionState(sseS3) }).now }
    const restored = weakened.plan(bucketGround({ state: encryptionState(sseS3), facts: { isLogTarget: true, strongestSeen: seen } }))
    expect(restored).toMatchObject({ kind: 'refused', reason: expect.stringContaining('access logs are delivered here') as unknown })
  })

  it.each([
    ['would become weaker', encryptionState({ algorithm: 'aws:kms:dsse' }), { algorithms: ['aws:kms'], keyArns: [KEY_ARN] }, 'weaker'],
    [
      'needs one of several keys',
      encryptionState(sseS3),
      { algorithms: ['aws:kms'], keyArns: [KEY_ARN, OTHER_KEY_ARN] },
      'names none that is the only one',
    ],
    [
      'needs a key that nobody names',
      encryptionState(sseS3),
      { algorithms: ['aws:kms'], keyArns: [KEY_ARN.replace('eu-central-1', 'eu-west-1')] },
      'names none',
    ],
    ['needs what is not known', encryptionState(sseS3), { algorithms: ['aws:quantum'] }, 'not known here'],
    ['is of an algorithm that is not known', encryptionState({ algorithm: 'aws:quantum' }), { algorithms: ['AES256'] }, 'weaker'],
  ])('is left to a person where it %s', (_, state, expected, says) => {
    const planned = planner.plan(bucketGround({ state, expectations: expecting(expected) }))
    expect(planned).toMatchObject({ kind: 'refused', reason: expect.stringContaining(says) as unknown })
  })

  it('gets the key of its Region where there is one in each', () => {
    const keyArns = [KEY_ARN.replace('eu-central-1', 'eu-west-1'), KEY_ARN]
    const planned = planner.plan(
      bucketGround({ state: encryptionState(sseS3), expectations: expecting({ algorithms: ['aws:kms'], keyArns }) }),
    )
    expect(changedTo(planned)).toMatchObject([{ key: KEY_ARN, isBucketKeyEnabled: true }])
  })

  it('keeps a key that is expected', () => {
    const state = encryptionState({ key: OTHER_KEY_ARN })
    const expectations = expecting({ algorithms: ['aws:kms'], keyArns: [KEY_ARN, OTHER_KEY_ARN] })
    expect(planner.plan(bucketGround({ state, expectations }))).toEqual({ kind: 'nothing' })
  })
})

describe('the block of SSE-C', () => {
  const planner = plannerOf('s3-bucket-sse-c-blocked')

  it('is added to what is blocked, and to nothing else, where keytrail.yml names the bucket', () => {
    const state = encryptionState({ isBucketKeyEnabled: true })
    const expectations = expectingOf('northwind-*', { blocksSseC: true })
    expect(changedTo(planner.plan(bucketGround({ state, expectations })))).toEqual([
      { algorithm: 'aws:kms', key: KEY_ARN, isBucketKeyEnabled: true, blockedTypes: ['SSE-C'] },
    ])
  })

  it.each([
    ['no line', DEFAULT_EXPECTATIONS],
    ['a line of another bucket', expectingOf('southwind-*', { blocksSseC: true })],
    ['a line that says something else', expectingOf('northwind-*', { requiresTls: false })],
  ])('is left to a person where the bucket says nothing: such are in accounts that use SSE-C; with %s', (_, expectations) => {
    const planned = planner.plan(bucketGround({ state: encryptionState({}), expectations }))
    expect(planned).toMatchObject({ kind: 'refused', reason: expect.stringContaining('blocksSseC: true') as unknown })
  })

  it('is left to a person where somebody allowed SSE-C in so many words', () => {
    expect(planner.plan(bucketGround({ state: encryptionState({ blockedTypes: ['NONE'] }) })).kind).toBe('refused')
  })
})

/** The text of a bucket policy that grows by a byte with each. */
function policyWithSid(length: number): string {
  return policyText(bucketPolicy({ Sid: 's'.repeat(length), Effect: 'Allow', Principal: { AWS: '111122223333' } }))
}

function policyAfter(planned: Planned): string {
  if (planned.kind !== 'change' || planned.after.aspect !== 'bucket-policy') throw new Error('no change of the bucket policy')
  return planned.after.value ?? ''
}

describe('the denial of plain HTTP', () => {
  const planner = plannerOf('s3-bucket-tls-only')
  const planFor = (value: string | null) => planner.plan(bucketGround({ state: { aspect: 'bucket-policy', value } }))

  it('binds anonymous requests too, of which IAM does not say that they are no service', () => {
    const { Statement } = JSON.parse(policyAfter(planFor(null))) as { readonly Statement: readonly { readonly Condition: unknown }[] }
    expect(Statement.map(({ Condition }) => Condition)).toEqual([
      { Bool: { 'aws:SecureTransport': 'false' }, BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } },
    ])
  })

  it('is added behind the statements that are there, whatever else stands in the document', () => {
    const text =
      '{"Version":"2008-10-17","Id":"p1","Statement":{"Sid":"A","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}'
    const document = JSON.parse(policyAfter(planFor(text))) as {
      readonly Version: string
      readonly Id: string
      readonly Statement: readonly unknown[]
    }
    expect(document).toMatchObject({ Version: '2008-10-17', Id: 'p1' })
    expect(document.Statement).toHaveLength(2)
    expect(document.Statement[0]).toEqual((JSON.parse(text) as { readonly Statement: unknown }).Statement)
  })

  it('is never added twice: a TLS statement added twice', () => {
    const after = policyAfter(planFor(null))
    expect(planFor(after)).toEqual({ kind: 'nothing' })
    const weakened = after.replace('"s3:*"', '"s3:GetObject"')
    expect(planFor(weakened)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('somebody changed the statement') as unknown,
    })
  })

  it('never takes a policy past what S3 holds: a policy pushed past 20 KB', () => {
    const added = Buffer.byteLength(policyAfter(planFor(policyWithSid(1)))) - Buffer.byteLength(policyWithSid(1))
    const room = 20_480 - added - Buffer.byteLength(policyWithSid(0))
    expect(planFor(policyWithSid(room)).kind).toBe('change')
    expect(planFor(policyWithSid(room + 1))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('20481 bytes, of 20480') as unknown,
    })
  })

  it.each(['no JSON', '[]', '{}', '"text"'])('is left to a person where the policy is %s', (text) => {
    expect(planFor(text).kind).toBe('refused')
  })
})

describe('a bucket that was weakened', () => {
  const planner = plannerOf('s3-bucket-encryption-not-weakened')
  const seen = { algorithm: 'aws:kms', key: KEY_ARN, seenAt: bucketGround({ state: encryptionState({}) }).now }
  const sseS3 = encryptionState({ algorithm: 'AES256', key: null })
  const facts = { strongestSeen: seen, encryption: [encryptedWith('AES256')] }

  it('gets back the algorithm and the key that it had, be the key foreign: the guard asks about that', () => {
    const strongestSeen = { ...seen, algorithm: 'aws:kms:dsse', key: FOREIGN_KEY_ARN }
    const state = encryptionState({ algorithm: 'AES256', key: null, blockedTypes: ['SSE-C'] })
    expect(changedTo(planner.plan(bucketGround({ state, facts: { ...facts, strongestSeen } })))).toEqual([
      { algorithm: 'aws:kms:dsse', key: FOREIGN_KEY_ARN, isBucketKeyEnabled: false, blockedTypes: ['SSE-C'] },
    ])
  })

  it.each([true, false])('gets back a Bucket Key where one is expected: %s', (requiresBucketKey) => {
    const planned = planner.plan(bucketGround({ state: sseS3, facts, expectations: expecting({ requiresBucketKey }) }))
    expect(changedTo(planned)).toEqual([{ algorithm: 'aws:kms', key: KEY_ARN, isBucketKeyEnabled: requiresBucketKey, blockedTypes: [] }])
  })

  it.each([true, false])('keeps the Bucket Key as it is where only the key changes: %s', (isBucketKeyEnabled) => {
    const state = encryptionState({ key: FOREIGN_KEY_ARN, isBucketKeyEnabled })
    expect(changedTo(planner.plan(bucketGround({ state, facts: { strongestSeen: seen } })))).toEqual([
      { algorithm: 'aws:kms', key: KEY_ARN, isBucketKeyEnabled, blockedTypes: [] },
    ])
  })

  const planFor = (keyArns: readonly string[], key: string | null) =>
    planner.plan(bucketGround({ state: sseS3, facts: { ...facts, strongestSeen: { ...seen, key } }, expectations: expecting({ keyArns }) }))

  it('gets back no key that keytrail.yml does not name, where it names keys: what was seen may be planted', () => {
    for (const key of [KEY_ARN, null])
      expect(planFor([OTHER_KEY_ARN], key)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('keyArns') as unknown })
    expect(planFor([OTHER_KEY_ARN, KEY_ARN], KEY_ARN).kind).toBe('change')
  })

  it('is one of this account and Region in these tables', () => expect(BUCKET_RESOURCE.region).toBe('eu-central-1'))
})
