import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { sweep, type SweepResult } from '../shared/audit/sweep.ts'
import { createStackAudit } from '../shared/aws/stack-audit.ts'
import { ownPolicy } from '../shared/policy-file/own-policy.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { newToken, now, sweepEnvironment } from '../shared/wiring.ts'

const [logger, metrics] = [new Logger(), new Metrics()]
const stackAudit = createStackAudit(sweepEnvironment(), { rules: ALL_RULES, policy: ownPolicy(ALL_RULES, now()), newToken })

/** Triggered by a schedule. Begins a sweep of everything a day after the last one began, or goes on with the one that is under way. */
export const handler = middy<ScheduledEvent, Pick<SweepResult, 'kind'>>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (_event, context) => {
    const { kind, log, unmatched, failures } = await sweep({
      ...stackAudit,
      audit: stackAudit.ports('sweep', now),
      remainingMs: () => context.getRemainingTimeInMillis(),
    })
    for (const error of failures) logger.error('a resource could not be judged', error)
    for (const { exemption, because } of unmatched) logger.warn('an exemption has no effect', { ruleId: exemption.ruleId, because })
    const { met, changes, leftCount, left, unlisted } = log.state
    logger.info('swept', { kind, met, changes, leftCount, left, unlisted })
    metrics.addMetric('IdleExemptions', MetricUnit.Count, unmatched.length)
    metrics.addMetric('SweepAge', MetricUnit.Seconds, now() - (log.complete?.endedAt ?? log.firstAt))
    return { kind }
  })
