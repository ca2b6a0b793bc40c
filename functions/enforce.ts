import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { setTimeout as pause } from 'node:timers/promises'
import { createStackChanges } from '../shared/aws/changes/stack-changes.ts'
import { enforceMessages } from '../shared/changes/enforce-messages.ts'
import { tellNotices } from '../shared/changes/tell-notices.ts'
import { ownPolicy } from '../shared/policy-file/own-policy.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { queueMessage } from '../shared/queue-message.ts'
import { changesEnvironment, newToken, now } from '../shared/wiring.ts'

const [logger, metrics] = [new Logger(), new Metrics()]
const policy = ownPolicy(ALL_RULES, now())
const { changePorts, notices, send, park, control } = createStackChanges(changesEnvironment(), { rules: ALL_RULES, policy, newToken })
const change = changePorts({ now, pause, perHourMax: policy.changes.perHourMax })

/**
 * Triggered by the queue of what is to be put right. Changes it if it still fails and nothing speaks against it, and tells what was done;
 * what cannot be told now, the next run or `clean-up` tells. Answers with just the messages that have to come again.
 */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async ({ Records }, context) => {
    const remainingMs = (): number => context.getRemainingTimeInMillis()
    const tell = async (): Promise<void> => {
      const { faults } = await tellNotices(notices, { ...send, control }, { now: now() })
      for (const { what, id, error } of faults) logger.error(`${what} failed`, { id, error })
    }
    const { failed, counts, failures } = await enforceMessages(Records.map(queueMessage), { change, park, tell, remainingMs })
    for (const error of failures) logger.error('a change could not be made or told', error)
    logger.info('enforced', { messages: Records.length, failed: failed.length, ...counts })
    metrics.addMetric('EnforcedChanges', MetricUnit.Count, counts.done)
    metrics.addMetric('ParkedEvents', MetricUnit.Count, counts.malformed)
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  })
