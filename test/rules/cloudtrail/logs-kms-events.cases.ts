import { logging, NO_MANAGEMENT_EVENTS_ROWS, trailCases } from './ordinary-trail.ts'

export const cases = trailCases([
  { title: 'leaves nothing out', verdict: 'pass' },
  {
    title: 'leaves KMS out',
    facts: logging({ excludedSources: ['kms.amazonaws.com'] }),
    verdict: 'fail',
    says: 'events of AWS KMS are excluded',
  },
  {
    title: 'leaves KMS out beside others',
    facts: logging({ excludedSources: ['rdsdata.amazonaws.com', 'kms.amazonaws.com'] }),
    verdict: 'fail',
  },
  { title: 'leaves the RDS Data API out', facts: logging({ excludedSources: ['rdsdata.amazonaws.com'] }), verdict: 'pass' },
  {
    title: 'leaves KMS out of write events',
    facts: logging({ reads: false, excludedSources: ['kms.amazonaws.com'] }),
    verdict: 'fail',
  },
  ...NO_MANAGEMENT_EVENTS_ROWS,
])
