import { trailCases } from './ordinary-trail.ts'

export const cases = trailCases([
  { title: 'logs and delivers', verdict: 'pass' },
  { title: 'is stopped', facts: { isLogging: false }, verdict: 'fail', says: 'logging is stopped' },
  {
    title: 'is stopped and could not deliver',
    facts: { isLogging: false, latestDeliveryError: 'AccessDenied' },
    verdict: 'fail',
    says: 'logging is stopped',
  },
  {
    title: 'cannot deliver',
    facts: { latestDeliveryError: 'NoSuchBucket' },
    verdict: 'fail',
    says: 'log files are not delivered: NoSuchBucket',
  },
  {
    title: 'cannot deliver, for a reason that is longer than any',
    facts: { latestDeliveryError: 'é'.repeat(300) },
    verdict: 'fail',
    says: `log files are not delivered: ${'é'.repeat(32)}`,
  },
  { title: 'has an unread status', unread: ['isLogging', 'latestDeliveryError'], verdict: 'unknown' },
])
