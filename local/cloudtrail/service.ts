import type { DatabaseSync } from 'node:sqlite'
import type { Service } from '../service.ts'
import { createHistory } from './history.ts'
import { lookupEvents } from './lookup.ts'
import { answerOf, type RecordedOperation } from '../recorded-operation.ts'
import { selectorOperations } from './selector-operations.ts'
import { trailOperations } from './trail-operations.ts'
import { createTrails } from './trails.ts'

/** The first from the SDK for JavaScript, the second from those that go by botocore's models, such as the AWS CLI. */
const TARGET_PREFIXES = ['CloudTrail_20131101', 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101']

/** CloudTrail's trails and its event history. Records come in through `createDelivery` on the same database. */
export function createCloudTrail({ db }: { readonly db: DatabaseSync }): Service {
  const trails = createTrails(db)
  const history = createHistory(db)
  const operations = new Map<string, RecordedOperation>([
    ...trailOperations(trails),
    ...selectorOperations(trails),
    ['LookupEvents', { readOnly: true, run: (call) => lookupEvents(history, call) }],
  ])
  return {
    signingName: 'cloudtrail',
    targetPrefixes: TARGET_PREFIXES,
    eventSource: 'cloudtrail.amazonaws.com',
    call: (call) => answerOf(operations, call),
  }
}
