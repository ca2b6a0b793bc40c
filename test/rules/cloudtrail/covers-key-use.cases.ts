import type { TrailCoverage } from '../../../shared/rules/facts.ts'
import type { RuleCases } from '../rule-cases.ts'
import { EVERYTHING } from './ordinary-trail.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'

const ORGANIZATION: TrailCoverage = {
  name: 'organization',
  homeRegion: 'us-east-1',
  isMultiRegion: true,
  isLogging: true,
  managementEvents: EVERYTHING,
}
const OWN: TrailCoverage = { ...ORGANIZATION, name: 'own', homeRegion: REGION, isMultiRegion: false }

function trails(...each: readonly TrailCoverage[]): { readonly trails: readonly TrailCoverage[] } {
  return { trails: each }
}

function taking(managementEvents: TrailCoverage['managementEvents']): { readonly trails: readonly TrailCoverage[] } {
  return trails({ ...OWN, managementEvents })
}

const NOTHING = 'no trail logs read or write events of AWS KMS in eu-central-1'

export const cases: RuleCases<'aws_account'> = {
  resource: { kind: 'aws_account', arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT, region: REGION },
  facts: trails(ORGANIZATION),
  rows: [
    { title: 'has a trail of all Regions', verdict: 'pass' },
    { title: 'has a trail of this Region', facts: trails(OWN), verdict: 'pass' },
    {
      title: 'has a trail that is stopped beside one that is not',
      facts: trails({ ...OWN, isLogging: false }, ORGANIZATION),
      verdict: 'pass',
    },
    { title: 'has no trail', facts: trails(), verdict: 'fail', says: 'the account has no trail' },
    {
      title: 'has its only trail stopped',
      facts: trails({ ...OWN, isLogging: false }),
      verdict: 'fail',
      says: `${NOTHING}: own is stopped`,
    },
    {
      title: 'has a trail of another Region alone',
      facts: trails({ ...ORGANIZATION, isMultiRegion: false }),
      verdict: 'fail',
      says: `${NOTHING}: organization is for us-east-1 alone`,
    },
    {
      title: 'has a trail that logs no management events',
      facts: taking('none'),
      verdict: 'fail',
      says: `${NOTHING}: own logs no management events`,
    },
    {
      title: 'has a trail that leaves KMS out',
      facts: taking({ ...EVERYTHING, excludedSources: ['rdsdata.amazonaws.com', 'kms.amazonaws.com'] }),
      verdict: 'fail',
      says: `${NOTHING}: own leaves AWS KMS out`,
    },
    {
      title: 'has a trail that leaves another service out',
      facts: taking({ ...EVERYTHING, excludedSources: ['rdsdata.amazonaws.com'] }),
      verdict: 'pass',
    },
    {
      title: 'has a trail of write events',
      facts: taking({ ...EVERYTHING, reads: false }),
      verdict: 'fail',
      says: 'no trail logs read events of AWS KMS in eu-central-1: own logs write events only',
    },
    {
      title: 'has a trail of read events',
      facts: taking({ ...EVERYTHING, writes: false }),
      verdict: 'fail',
      says: 'no trail logs write events of AWS KMS in eu-central-1: own logs read events only',
    },
    {
      title: 'has one trail of read events and one of write events',
      facts: trails(
        { ...OWN, managementEvents: { ...EVERYTHING, reads: false } },
        { ...ORGANIZATION, managementEvents: { ...EVERYTHING, writes: false } },
      ),
      verdict: 'pass',
    },
    {
      title: 'has trails that all fail it',
      facts: trails(
        { ...OWN, isLogging: false, managementEvents: 'unclear' },
        { ...OWN, name: 'kms', managementEvents: { ...EVERYTHING, excludedSources: ['kms.amazonaws.com'] } },
        { ...OWN, name: 'data', managementEvents: 'none' },
        { ...ORGANIZATION, isMultiRegion: false },
      ),
      verdict: 'fail',
      says: `${NOTHING}: own is stopped, kms leaves AWS KMS out, data logs no management events and 1 more`,
    },
    {
      title: 'has a trail whose name is longer than any',
      facts: trails({ ...OWN, name: 'n'.repeat(400), isLogging: false }),
      verdict: 'fail',
      says: `${NOTHING}: ${'n'.repeat(128)} is stopped`,
    },
    {
      title: 'has a trail whose selectors are not understood',
      facts: taking('unclear'),
      verdict: 'unknown',
      says: 'SelectorsNotUnderstood',
    },
    {
      title: 'has a trail whose selectors are not understood, and another that logs it all',
      facts: trails({ ...OWN, managementEvents: 'unclear' }, ORGANIZATION),
      verdict: 'pass',
    },
    {
      title: 'has a trail whose selectors are not understood, and another that logs half of it',
      facts: trails({ ...OWN, managementEvents: 'unclear' }, { ...ORGANIZATION, managementEvents: { ...EVERYTHING, reads: false } }),
      verdict: 'unknown',
      says: 'SelectorsNotUnderstood',
    },
    {
      title: 'has a stopped trail whose selectors are not understood',
      facts: trails({ ...OWN, isLogging: false, managementEvents: 'unclear' }),
      verdict: 'fail',
      says: `${NOTHING}: own is stopped`,
    },
    { title: 'has unread trails', unread: ['trails'], verdict: 'unknown', says: 'AccessDeniedException' },
  ],
}
