import type { AspectState, DefaultEncryption } from '../../shared/changes/aspect.ts'
import type { ChangePolicy, ChangePorts } from '../../shared/changes/change-ports.ts'
import { meansTheSame } from '../../shared/changes/meaning.ts'
import type { Planner } from '../../shared/changes/planner.ts'
import type { GuardPort } from '../../shared/changes/ports.ts'
import type { UndoPorts } from '../../shared/changes/undo.ts'
import type { EnforceRequest } from '../../shared/findings/enforce-request.ts'
import { observed } from '../../shared/observed.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import { defineRule, type Resource, type Rule } from '../../shared/rules/rule.ts'
import { fail, pass } from '../../shared/rules/verdict.ts'
import type { EpochS } from '../../shared/time.ts'
import { ACCOUNT, NOW } from '../findings/findings-ground.ts'
import { createModelAccount } from './model-account.ts'
import { createModelChangeStore, createModelControl, createModelNotices } from './model-stores.ts'

export const ROTATION = 'kms-key-turns'
export const SSE_C = 's3-bucket-blocks'
export const TLS = 's3-bucket-speaks-tls'
export const PERSON = 'arn:aws:iam::111122223333:user/ada'

export function key(name: string): Resource {
  return { kind: 'kms_key', arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${name}`, accountId: ACCOUNT, region: 'us-east-1' }
}

export function bucket(name: string): Resource {
  return { kind: 's3_bucket', arn: `arn:aws:s3:::${name}`, accountId: ACCOUNT, region: 'us-east-1' }
}

export const OFF: AspectState = { aspect: 'key-rotation', value: { isEnabled: false, periodDays: null } }
export const ON: AspectState = { aspect: 'key-rotation', value: { isEnabled: true, periodDays: 365 } }

export function rotationEvery(periodDays: number): AspectState {
  return { aspect: 'key-rotation', value: { isEnabled: true, periodDays } }
}

export function encryption(changes: Partial<DefaultEncryption> = {}): AspectState {
  return {
    aspect: 'bucket-encryption',
    value: [{ algorithm: 'aws:kms', key: key('default').arn, isBucketKeyEnabled: true, blockedTypes: [], ...changes }],
  }
}

export function policy(value: string | null): AspectState {
  return { aspect: 'bucket-policy', value }
}

/** Rules of which what they find is to be seen at a glance. */
const about = { severity: 'medium', controls: [], source: '', watches: [], advice: '' } as const
const everything = { outOfScope: [], exclude: () => null }
const RULES: readonly Rule[] = [
  defineRule({
    ...about,
    id: ROTATION,
    title: 'Keys turn',
    resource: 'kms_key',
    scope: { ...everything, facts: ['manager'] },
    facts: ['rotation'],
    evaluate: ({ rotation }) => (rotation.isEnabled ? pass : fail('automatic rotation is off')),
  }),
  defineRule({
    ...about,
    id: SSE_C,
    title: 'Buckets block SSE-C',
    resource: 's3_bucket',
    scope: { ...everything, facts: [] },
    facts: ['encryption'],
    evaluate: ({ encryption: rules }) => (rules.every(({ blockedTypes }) => blockedTypes.includes('SSE-C')) ? pass : fail('open to SSE-C')),
  }),
  defineRule({
    ...about,
    id: TLS,
    title: 'Buckets speak TLS',
    resource: 's3_bucket',
    scope: { ...everything, facts: [] },
    facts: ['policy'],
    evaluate: ({ policy: text }) => (JSON.stringify(text).includes('tls') ? pass : fail('no statement')),
  }),
]

const PLANNERS: ReadonlyMap<string, Planner> = new Map([
  [ROTATION, planner('key-rotation', () => ON)],
  [
    SSE_C,
    planner('bucket-encryption', (state) =>
      state.aspect === 'bucket-encryption'
        ? { ...state, value: state.value.map((rule) => ({ ...rule, blockedTypes: [...rule.blockedTypes, 'SSE-C'] })) }
        : state,
    ),
  ],
  [TLS, planner('bucket-policy', (state) => policy(`{ "Statement": ["tls"], "was": ${JSON.stringify(state.value)} }`))],
])

function planner(aspect: Planner['aspect'], after: (state: AspectState) => AspectState): Planner {
  return {
    aspect,
    facts: [],
    plan: ({ state }) => {
      const wanted = after(state)
      return meansTheSame(state, wanted) ? { kind: 'nothing' } : { kind: 'change', after: wanted, summary: `puts ${aspect} right` }
    },
    guard: () => Promise.resolve({ kind: 'clear' }),
  }
}

/** Has a hand in every call of a process: it may let it wait, or fail before or after it. */
export type Meet = <Result>(name: string, run: () => Promise<Result>) => Promise<Result>
const steadily: Meet = (_, run) => run()

export function createWorld({ staleS = () => 0, start = NOW }: { readonly staleS?: () => number; readonly start?: EpochS } = {}) {
  let clock: number = start
  let tokens = 0
  const now = () => Math.floor(clock) as EpochS
  const account = createModelAccount(now, staleS)
  const [store, control, notices] = [createModelChangeStore(), createModelControl(), createModelNotices()]
  const guard: GuardPort = {
    stackOf: () => Promise.resolve(observed(null)),
    keyStanding: () => Promise.resolve(observed(null)),
    keyPolicy: () => Promise.resolve(observed('')),
    isWebsite: () => Promise.resolve(observed(false)),
  }
  const world = {
    account,
    store,
    control,
    notices,
    now,
    pass: (seconds: number) => void (clock += seconds),
    records: () => [...store.records.values()],
    /** The ports of one process. */
    ports(changes: Partial<ChangePorts> = {}, meet: Meet = steadily): ChangePorts & UndoPorts {
      const policyOf = changes.policy ?? enforcing()
      const reads = changes.guard ?? guard
      return {
        rules: RULES,
        planners: PLANNERS,
        perHourMax: 1000,
        now,
        newToken: () => `token ${tokens++}`,
        ...changes,
        policy: policyOf,
        policyDigest: policyOf.digest,
        freshReader: () => (resource) => {
          const read = account.reader(resource)
          return (names) => meet('facts', () => read(names))
        },
        aspects: {
          read: (resource, aspect) => meet('read', () => account.read(resource, aspect)),
          write: (resource, state) => meet('write', () => account.write(resource, state)),
        },
        guard: { ...reads, stackOf: (resource) => meet('stackOf', () => reads.stackOf(resource)) },
        store: {
          write: (record, over) => meet('record', () => store.write(record, over)),
          find: (id) => meet('find', () => store.find(id)),
          ofResource: (resource, since) => meet('ofResource', () => store.ofResource(resource, since)),
          newestFirst: () => store.newestFirst(),
        },
        control: {
          stop: () => meet('stop', () => control.stop()),
          setStop: (stop) => meet('setStop', () => control.setStop(stop)),
          claim: (name, at, forS) => meet('claim', () => control.claim(name, at, forS)),
          release: (claim) => meet('release', () => control.release(claim)),
          spend: (budget, at, max) => meet('spend', () => control.spend(budget, at, max)),
          policySince: (digest, at) => meet('policySince', () => control.policySince(digest, at)),
        },
        notices: { ...notices, put: (notice) => meet('put', () => notices.put(notice)) },
        pause: (ms) => meet('pause', async () => void (clock += ms / 1000)),
      }
    },
  }
  return world
}

export type World = ReturnType<typeof createWorld>

/** A `keytrail.yml` that enforces all three rules. */
export function enforcing(changes: Partial<ChangePolicy> = {}): ChangePolicy {
  return {
    digest: 'ab'.repeat(32),
    expectations: DEFAULT_EXPECTATIONS,
    exemptions: [],
    modes: new Map([ROTATION, SSE_C, TLS].map((ruleId) => [ruleId, 'enforce'])),
    owners: [],
    ...changes,
  }
}

export function request(resource: Resource, ruleId: string): EnforceRequest {
  return { ruleId, resource, eventId: null }
}
