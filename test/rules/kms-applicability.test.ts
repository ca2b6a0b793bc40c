import { describe, expect, it } from 'vitest'
import { observed } from '../../shared/observed.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import { KMS_RULES } from '../../shared/rules/kms-rules.ts'
import type { AnyFacts } from '../../shared/rules/rule.ts'
import { KEY } from './kms/ordinary-key.ts'
import { NOW } from './rule-cases.ts'

/*
 * Transcribed from AWS's pages, not from the rules:
 * https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
 * https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 * https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
 */
const MANAGERS = ['AWS', 'CUSTOMER'] as const
const ORIGINS = ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const
const ROLES = [null, 'PRIMARY', 'REPLICA'] as const
const STATES = [
  'Creating',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
] as const
const USAGES = ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const
const USAGES_OF_SPEC: Readonly<Record<string, readonly string[]>> = {
  SYMMETRIC_DEFAULT: ['ENCRYPT_DECRYPT'],
  RSA_2048: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  RSA_3072: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  RSA_4096: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  ECC_NIST_P256: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_P384: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_P521: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_SECG_P256K1: ['SIGN_VERIFY'],
  ECC_NIST_EDWARDS25519: ['SIGN_VERIFY'],
  SM2: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'KEY_AGREEMENT'],
  HMAC_224: ['GENERATE_VERIFY_MAC'],
  HMAC_256: ['GENERATE_VERIFY_MAC'],
  HMAC_384: ['GENERATE_VERIFY_MAC'],
  HMAC_512: ['GENERATE_VERIFY_MAC'],
  ML_DSA_44: ['SIGN_VERIFY'],
  ML_DSA_65: ['SIGN_VERIFY'],
  ML_DSA_87: ['SIGN_VERIFY'],
}

type Key = {
  readonly manager: (typeof MANAGERS)[number]
  readonly origin: (typeof ORIGINS)[number]
  readonly spec: string
  readonly usage: (typeof USAGES)[number]
  readonly state: (typeof STATES)[number]
  readonly multiRegionRole: (typeof ROLES)[number]
}

const KEYS: readonly Key[] = MANAGERS.flatMap((manager) =>
  ORIGINS.flatMap((origin) =>
    Object.keys(USAGES_OF_SPEC).flatMap((spec) =>
      USAGES.flatMap((usage) =>
        STATES.flatMap((state) => ROLES.map((multiRegionRole) => ({ manager, origin, spec, usage, state, multiRegionRole }))),
      ),
    ),
  ),
)

/** Why AWS makes no such key; the first that holds. */
const IMPOSSIBLE: readonly (readonly [reason: string, holds: (key: Key) => boolean])[] = [
  ['the spec is not for this usage', ({ spec, usage }) => USAGES_OF_SPEC[spec]?.includes(usage) !== true],
  [
    'AWS managed keys are symmetric, single-Region, of AWS and enabled',
    ({ manager, spec, origin, multiRegionRole, state }) =>
      manager === 'AWS' && (spec !== 'SYMMETRIC_DEFAULT' || origin !== 'AWS_KMS' || multiRegionRole !== null || state !== 'Enabled'),
  ],
  ['custom key stores hold symmetric keys', ({ spec, origin }) => isInStore(origin) && spec !== 'SYMMETRIC_DEFAULT'],
  ['custom key stores hold single-Region keys', ({ multiRegionRole, origin }) => isInStore(origin) && multiRegionRole !== null],
  ['only keys in custom key stores are unavailable', ({ state, origin }) => state === 'Unavailable' && !isInStore(origin)],
  ['only imported material is waited for', ({ state, origin }) => state === 'PendingImport' && origin !== 'EXTERNAL'],
  [
    'only a primary waits for replicas',
    ({ state, multiRegionRole }) => state === 'PendingReplicaDeletion' && multiRegionRole !== 'PRIMARY',
  ],
]

/** What a rule judges, row by row: values apart by spaces; what is not named may be anything. */
const JUDGED: Readonly<Record<string, readonly Readonly<Partial<Record<keyof Key, string>>>[]>> = {
  'kms-key-rotation-enabled': [rotated()],
  'kms-key-rotation-period-within-bounds': [rotated()],
  'kms-key-rotated-on-time': [rotated()],
  'kms-key-imported-material-not-expiring': ['Creating', 'Enabled', 'Disabled', 'PendingImport', 'Unavailable', 'Updating'].map(
    (state) => ({
      manager: 'CUSTOMER',
      origin: 'EXTERNAL',
      state,
    }),
  ),
  'kms-key-not-pending-deletion': [{ manager: 'CUSTOMER' }],
  'kms-key-not-disabled-while-used': ['Disabled', 'PendingDeletion', 'PendingReplicaDeletion'].map((state) => ({
    manager: 'CUSTOMER',
    state,
  })),
  'kms-key-policy-not-public': [{ manager: 'CUSTOMER' }],
  'kms-key-policy-no-foreign-account': [{ manager: 'CUSTOMER' }],
  'kms-key-policy-keeps-an-administrator': [{ manager: 'CUSTOMER' }],
  'kms-key-grants-within-account': [{ manager: 'CUSTOMER' }],
  'kms-key-grants-not-duplicate': [{ manager: 'CUSTOMER' }],
  'kms-alias-not-repointed': [{ manager: 'CUSTOMER' }],
  'kms-key-in-use': [{ manager: 'CUSTOMER', state: 'Enabled' }],
  'kms-key-no-failure-burst': [{ manager: 'CUSTOMER' }],
}

/** Symmetric encryption keys with material of AWS; single-Region keys and primaries; enabled. */
function rotated(): Readonly<Partial<Record<keyof Key, string>>> {
  return {
    manager: 'CUSTOMER',
    origin: 'AWS_KMS',
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    state: 'Enabled',
    multiRegionRole: 'null PRIMARY',
  }
}

function isInStore(origin: Key['origin']): boolean {
  return origin === 'AWS_CLOUDHSM' || origin === 'EXTERNAL_KEY_STORE'
}

function isJudged(id: string, key: Key): boolean {
  const rows = JUDGED[id] ?? []
  return rows.some((row) => Object.entries(row).every(([name, values]) => values.split(' ').includes(String(key[name as keyof Key]))))
}

function whyImpossible(key: Key): string | null {
  return IMPOSSIBLE.find(([, holds]) => holds(key))?.[0] ?? null
}

function scopeOf(key: Key): AnyFacts {
  return Object.fromEntries(Object.entries(key).map(([name, value]) => [name, observed(value)]))
}

const SURROUNDINGS = { resource: KEY, expectations: DEFAULT_EXPECTATIONS, now: NOW }
const possible = KEYS.filter((key) => whyImpossible(key) === null)

describe('keys of every origin, spec, usage, state, manager and multi-Region role', () => {
  it('are all combinations, and those that AWS makes are known', () => {
    expect(KEYS).toHaveLength(2 * 4 * 17 * 4 * 8 * 3)
    const counts = Map.groupBy(KEYS, whyImpossible)
    expect(Object.fromEntries([...counts].map(([reason, keys]) => [reason ?? 'possible', keys.length]))).toMatchInlineSnapshot(`
      {
        "AWS managed keys are symmetric, single-Region, of AWS and enabled": 2399,
        "custom key stores hold single-Region keys": 32,
        "custom key stores hold symmetric keys": 1152,
        "only a primary waits for replicas": 102,
        "only imported material is waited for": 77,
        "only keys in custom key stores are unavailable": 150,
        "possible": 888,
        "the spec is not for this usage": 8256,
      }
    `)
  })

  it.each(KMS_RULES)('are judged by $id as the transcription says', (rule) => {
    const wrong = KEYS.filter((key) => (rule.exclude(scopeOf(key), SURROUNDINGS) === null) !== isJudged(rule.id, key))
    expect(wrong.slice(0, 5)).toEqual([])
    // Both are there among the keys that AWS makes.
    expect(new Set(possible.map((key) => isJudged(rule.id, key))).size).toBe(2)
  })

  it.each(KMS_RULES)('are told by $id why they are left out', (rule) => {
    const verdicts = KEYS.map((key) => rule.exclude(scopeOf(key), SURROUNDINGS)).filter((verdict) => verdict !== null)
    expect(verdicts.filter((verdict) => verdict.kind !== 'not_applicable' || !/^[A-Za-z][^.]+$/.test(verdict.reason))).toEqual([])
  })

  it('are transcribed for every rule, and for no other', () => {
    expect(Object.keys(JUDGED).toSorted()).toEqual(KMS_RULES.map(({ id }) => id).toSorted())
  })

  it('rotate where KMS rotates them: one row in all, twice', () => {
    const keys = possible.filter((key) => isJudged('kms-key-rotation-enabled', key))
    expect(keys.map(({ multiRegionRole }) => multiRegionRole)).toEqual([null, 'PRIMARY'])
  })
})
