import type { DatabaseSync } from 'node:sqlite'
import type { SeenCall } from '../json-protocol.ts'
import { answerOf, type RecordedOperation } from '../recorded-operation.ts'
import type { Service, ServiceCall } from '../service.ts'
import { getMetricData } from './get-metric-data.ts'
import { listMetrics } from './list-metrics.ts'
import { metricOf } from './metrics.ts'
import { minutesIn, wholeMinuteS } from './minutes.ts'

export type CloudWatch = Service & {
  /** Counts a call of KMS, whatever CloudTrail makes of it: late, twice or lost. Calls of other services count for nothing. */
  see(seen: SeenCall): void
}

export type CloudWatchOptions = {
  readonly db: DatabaseSync
  /** How long after its end a minute is published, by the local clock. Left out: at its end, so up to a minute after a call. */
  readonly delayMs?: number
}

/** CloudWatch as far as reading the metric of KMS, which is counted a minute at a time in the database. */
export function createCloudWatch({ db, delayMs = 0 }: CloudWatchOptions): CloudWatch {
  const minutes = minutesIn(db)
  const visibleUntilS = ({ timeMs }: ServiceCall): number => wholeMinuteS(timeMs - delayMs)
  // Reading metrics is a data event, of which trails and the event history say nothing by default.
  // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
  const unrecorded = { readOnly: true, recorded: null }
  const operations = new Map<string, RecordedOperation>([
    ['GetMetricData', { ...unrecorded, run: (call) => getMetricData(minutes, visibleUntilS(call), call) }],
    ['ListMetrics', { ...unrecorded, run: (call) => listMetrics(minutes, visibleUntilS(call), call) }],
  ])
  return {
    signingName: 'monitoring',
    targetPrefixes: ['GraniteServiceVersion20100801'],
    eventSource: 'monitoring.amazonaws.com',
    call: (call) => answerOf(operations, call),
    see(seen) {
      const metric = metricOf(seen)
      if (metric !== null) minutes.count(metric, seen.call.timeMs)
    },
  }
}
