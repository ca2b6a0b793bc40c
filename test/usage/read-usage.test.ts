import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAccountId } from '../../shared/arn.ts'
import { type EpochS, HOUR_S } from '../../shared/time.ts'
import { createContextDigester } from '../../shared/usage/context-digest.ts'
import { countMessages } from '../../shared/usage/count-messages.ts'
import { readUsage, type UsageQuery } from '../../shared/usage/read-usage.ts'
import { rollUpHours } from '../../shared/usage/roll-up-hours.ts'
import { kmsRecord, KEY_ARN } from '../support/cli.ts'
import { createMemoryUsageStore } from '../support/memory-usage-store.ts'

const NOON = (Date.parse('2026-10-01T12:00:00Z') / 1000) as EpochS
const hour = (hours: number): EpochS => (NOON + hours * HOUR_S) as EpochS
const OTHER_ARN = `${KEY_ARN.slice(0, -1)}d`
const ROLE = { type: 'AssumedRole', arn: 'arn:aws:sts::111122223333:assumed-role/app/s', accountId: '111122223333' }
const AT = ['2026-10-01T12:10:00Z', '2026-10-01T13:10:00Z', '2026-10-01T14:10:00Z']

/** In the order of hours: what the calls are. */
const CALLS = [
  kmsRecord('a', { eventTime: AT[0] }),
  kmsRecord('b', { eventTime: AT[0], eventName: 'Encrypt' }),
  kmsRecord('c', { eventTime: AT[1], resources: [{ ARN: OTHER_ARN }] }),
  kmsRecord('d', { eventTime: AT[1], userIdentity: ROLE }),
  kmsRecord('e', { eventTime: AT[2], userIdentity: { ...ROLE, invokedBy: 's3.amazonaws.com' } }),
  kmsRecord('f', { eventTime: AT[2], resources: [], requestParameters: { keyId: 'alias/app' } }),
]

const store = createMemoryUsageStore()

beforeAll(async () => {
  const accounts = new Set([parseAccountId('111122223333')].filter((account) => account !== null))
  const reader = { accounts, now: hour(3), digestOf: createContextDigester(Buffer.alloc(32)) }
  const messages = CALLS.map((detail, index) => ({
    id: `${index}`,
    sentAt: NOON,
    body: JSON.stringify({ 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.kms', account: '111122223333', detail }),
  }))
  await countMessages(messages, { reader, store, remainingMs: () => 60_000, newToken: randomUUID })
  // The first two hours are rolled up, the third is read from its segments.
  await rollUpHours(store, { now: (hour(2) + 1000) as EpochS, remainingMs: () => 60_000 })
})

async function found(query: Partial<UsageQuery>): Promise<readonly string[]> {
  const tallies = await readUsage(store, { since: NOON, until: hour(3), ...query })
  return tallies.map(
    ({ use, hour: at, count }) => `${count} ${use.operation} of ${use.keyArn?.slice(-1) ?? use.sent} at ${((at ?? 0) - NOON) / HOUR_S}`,
  )
}

describe('usage is read', () => {
  const ALL = [
    '1 Decrypt of c at 0',
    '1 Encrypt of c at 0',
    '1 Decrypt of d at 1',
    '1 Decrypt of c at 1',
    '1 Decrypt of c at 2',
    '1 Decrypt of alias/app at 2',
  ]

  it.each<readonly [title: string, query: Partial<UsageQuery>, wanted: readonly number[]]>([
    ['in whole', {}, [0, 1, 2, 3, 4, 5]],
    ['from an hour on', { since: hour(1) }, [2, 3, 4, 5]],
    ['before an hour', { until: hour(1) }, [0, 1]],
    ['of no time', { until: NOON }, []],
    ['of hours without calls', { since: hour(-5), until: NOON }, []],
    ['by key', { where: { keyArn: KEY_ARN as never } }, [0, 1, 3, 4]],
    ['by no key', { where: { keyArn: null } }, [5]],
    ['by operation', { where: { operation: 'Encrypt' } }, [1]],
    ['by caller', { where: { caller: 'arn:aws:iam::111122223333:role/app' } }, [3, 4]],
    ['by service', { where: { service: 's3.amazonaws.com' } }, [4]],
    ['by the lack of a service', { where: { service: null, operation: 'Encrypt' } }, [1]],
    ['by several', { where: { keyArn: OTHER_ARN as never, operation: 'Encrypt' } }, []],
    ['by time, key and caller', { since: hour(2), where: { keyArn: KEY_ARN as never, caller: 'arn:aws:iam::111122223333:role/app' } }, [4]],
  ])('%s', async (_title, query, wanted) => {
    expect([...(await found(query))].toSorted()).toEqual(wanted.map((index) => ALL[index] ?? '').toSorted())
  })

  it('by whole hours only, and a limited number of them', async () => {
    await expect(found({ since: (NOON + 1) as EpochS })).rejects.toThrow('whole hours')
    await expect(found({ since: hour(4) })).rejects.toThrow('hours at a time')
    await expect(found({ since: 0 as EpochS })).rejects.toThrow('hours at a time')
  })
})
