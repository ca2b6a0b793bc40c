import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { createDynamoDBClient, createTable } from '../shared/aws/table.ts'
import { createUsageTable } from '../shared/aws/usage-table.ts'
import { hourText } from '../shared/time.ts'
import { rollUpHours } from '../shared/usage/roll-up-hours.ts'
import { now, rollUpUsageEnvironment } from '../shared/wiring.ts'

const logger = new Logger()
const metrics = new Metrics()
const store = createUsageTable(createTable(createDynamoDBClient(), rollUpUsageEnvironment().usageTable))

/**
 * Triggered by a schedule. Puts the segments of each hour that is over and has new ones together into the hour's roll-up. May run twice at once, and
 * be broken off: hours that were not finished stay marked. Fails if one of them could not be rolled up.
 */
export const handler = middy<ScheduledEvent, { readonly rolledUp: number }>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (_event, context) => {
    const remainingMs = (): number => context.getRemainingTimeInMillis()
    const { rolledUp, superseded, open, left, failed } = await rollUpHours(store, { now: now(), remainingMs })
    const counts = { rolledUp: rolledUp.length, superseded: superseded.length, open: open.length, left: left.length, failed: failed.length }
    logger.info('rolled up', counts)
    metrics.addMetric('RolledUpHours', MetricUnit.Count, rolledUp.length)
    metrics.addMetric('HoursLeft', MetricUnit.Count, left.length + failed.length)
    for (const { hour, error } of failed) logger.error(`the hour ${hourText(hour)} could not be rolled up`, { error })
    if (failed.length > 0) throw new Error(`${failed.length} hours could not be rolled up`, { cause: failed[0]?.error })
    return { rolledUp: rolledUp.length }
  })
