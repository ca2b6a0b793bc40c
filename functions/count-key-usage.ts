import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { readSecret } from '../shared/aws/secret.ts'
import { createDynamoDBClient, createTable } from '../shared/aws/table.ts'
import { createUsageTable } from '../shared/aws/usage-table.ts'
import { createContextDigester } from '../shared/usage/context-digest.ts'
import { countMessages } from '../shared/usage/count-messages.ts'
import { queueMessage } from '../shared/queue-message.ts'
import { countKeyUsageEnvironment, newToken, now } from '../shared/wiring.ts'

const logger = new Logger()
const metrics = new Metrics()
const { usageTable, accounts, contextDigestSecret } = countKeyUsageEnvironment()
const store = createUsageTable(createTable(createDynamoDBClient(), usageTable))
/** Outside the handler: read once, when the function starts. */
const digestOf = createContextDigester(Buffer.from(await readSecret(contextDigestSecret)))

/**
 * Triggered by the queue of KMS events. Counts each use of a key once, however often its event comes; events that hold nothing to count
 * are parked. Answers with just the messages that have to come again. Never logs what an event says.
 */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }, context) => {
    const remainingMs = (): number => context.getRemainingTimeInMillis()
    const ports = { reader: { accounts, now: now(), digestOf }, store, remainingMs, newToken }
    const result = await countMessages(Records.map(queueMessage), ports)
    const { failed, counts, segments } = result
    for (const error of result.storeFailures) logger.error('the table of usage could not be written', error)
    logger.info('counted', { messages: Records.length, segments, failed: failed.length, ...counts })
    metrics.addMetric('CountedEvents', MetricUnit.Count, counts.uses)
    metrics.addMetric('ParkedEvents', MetricUnit.Count, counts.malformed + counts.spoofed)
    metrics.addMetric('TooOldEvents', MetricUnit.Count, counts.tooOld)
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  })
