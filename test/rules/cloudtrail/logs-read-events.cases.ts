import { logging, NO_MANAGEMENT_EVENTS_ROWS, trailCases } from './ordinary-trail.ts'

export const cases = trailCases([
  { title: 'logs read and write events', verdict: 'pass' },
  {
    title: 'logs write events only',
    facts: logging({ reads: false }),
    verdict: 'fail',
    says: 'the trail logs write events only, no use of a KMS key',
  },
  {
    title: 'logs read events only',
    facts: logging({ writes: false }),
    verdict: 'fail',
    says: 'the trail logs read events only, no change of anything',
  },
  { title: 'logs both but KMS', facts: logging({ excludedSources: ['kms.amazonaws.com'] }), verdict: 'pass' },
  ...NO_MANAGEMENT_EVENTS_ROWS,
])
