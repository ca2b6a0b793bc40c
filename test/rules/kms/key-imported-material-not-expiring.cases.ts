import { daysAgo, inDays } from '../rule-cases.ts'
import { keyCases } from './ordinary-key.ts'

const IMPORTED = { origin: 'EXTERNAL' } as const

export const cases = keyCases([
  { title: 'has material that never expires', facts: IMPORTED, verdict: 'pass' },
  { title: 'has material that expires much later', facts: { ...IMPORTED, materialExpiresAt: inDays(31) }, verdict: 'pass' },
  {
    title: 'has material that expires in a month',
    facts: { ...IMPORTED, materialExpiresAt: inDays(30) },
    verdict: 'fail',
    says: 'the imported key material expires on 2026-12-22, in 30 days',
  },
  {
    title: 'has material that expires tomorrow',
    facts: { ...IMPORTED, materialExpiresAt: inDays(1) },
    verdict: 'fail',
    says: 'the imported key material expires on 2026-11-23, in 1 day',
  },
  {
    title: 'has material that has expired',
    facts: { ...IMPORTED, materialExpiresAt: daysAgo(1) },
    verdict: 'fail',
    says: 'the imported key material expired on 2026-11-21',
  },
  {
    title: 'has no material any more',
    facts: { ...IMPORTED, state: 'PendingImport' },
    verdict: 'fail',
    says: 'the key has no key material: none was imported, or it expired or was deleted',
  },
  { title: 'is new and has none yet', facts: { ...IMPORTED, state: 'PendingImport', createdAt: daysAgo(0.5) }, verdict: 'not_applicable' },
  { title: 'is disabled and expires', facts: { ...IMPORTED, state: 'Disabled', materialExpiresAt: inDays(2) }, verdict: 'fail' },
  { title: 'is a replica and expires', facts: { ...IMPORTED, multiRegionRole: 'REPLICA', materialExpiresAt: inDays(2) }, verdict: 'fail' },
  { title: 'has material of AWS', verdict: 'not_applicable', says: 'key material of origin AWS_KMS does not expire' },
  { title: 'is to be deleted', facts: { ...IMPORTED, state: 'PendingDeletion', materialExpiresAt: inDays(2) }, verdict: 'not_applicable' },
  { title: 'is managed by AWS', facts: { manager: 'AWS' }, verdict: 'not_applicable', says: 'AWS manages this key' },
  // Only a rule that asks who manages a key leaves this one out.
  {
    title: 'is managed by AWS, of a strange origin',
    facts: { ...IMPORTED, manager: 'AWS' },
    verdict: 'not_applicable',
    says: 'AWS manages this key',
  },
  { title: 'has an unread expiry', facts: IMPORTED, unread: ['materialExpiresAt'], verdict: 'unknown' },
])
