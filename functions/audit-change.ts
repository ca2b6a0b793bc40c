import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { auditMessages } from '../shared/audit/audit-messages.ts'
import { createStackAudit } from '../shared/aws/stack-audit.ts'
import { ownPolicy } from '../shared/policy-file/own-policy.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { queueMessage } from '../shared/queue-message.ts'
import { auditChangeEnvironment, newToken, now } from '../shared/wiring.ts'

const [logger, metrics] = [new Logger(), new Metrics()]
const environment = auditChangeEnvironment()
const { ownStack, account: ownAccount, accounts } = environment
const stackAudit = createStackAudit(environment, { rules: ALL_RULES, policy: ownPolicy(ALL_RULES, now()), newToken })

/**
 * Triggered by the queue of changes. Reads what the events point at, judges it and keeps its findings; what cannot be read now is sent to the
 * queue again, what does not fit is parked. Answers with just the messages that have to come again. Never logs what an event says.
 */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }, context) => {
    const { failed, counts, failures } = await auditMessages(Records.map(queueMessage), {
      ...stackAudit,
      audit: stackAudit.ports('event', now),
      reader: { accounts, ownAccount, ownStack },
      remainingMs: () => context.getRemainingTimeInMillis(),
    })
    for (const error of failures) logger.error('a change could not be judged', error)
    logger.info('audited', { messages: Records.length, failed: failed.length, ...counts })
    metrics.addMetric('ChangedFindings', MetricUnit.Count, counts.changes)
    metrics.addMetric('ParkedEvents', MetricUnit.Count, counts.malformed + counts.spoofed)
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  })
