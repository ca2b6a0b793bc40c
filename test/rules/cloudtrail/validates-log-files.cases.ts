import { trailCases } from './ordinary-trail.ts'

export const cases = trailCases([
  { title: 'signs digests', verdict: 'pass' },
  { title: 'signs none', facts: { validatesLogFiles: false }, verdict: 'fail', says: 'log file validation is off' },
  { title: 'may sign digests or not', unread: ['validatesLogFiles'], verdict: 'unknown', says: 'AccessDeniedException' },
])
