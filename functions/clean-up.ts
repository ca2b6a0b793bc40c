import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { createStackChanges } from '../shared/aws/changes/stack-changes.ts'
import { retireAll } from '../shared/changes/retire/retire-all.ts'
import { tellNotices } from '../shared/changes/tell-notices.ts'
import { ownPolicy } from '../shared/policy-file/own-policy.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { changesEnvironment, newToken, now } from '../shared/wiring.ts'

const [logger, metrics] = [new Logger(), new Metrics()]
const policy = ownPolicy(ALL_RULES, now())
const { retirePorts, notices, send, control } = createStackChanges(changesEnvironment(), { rules: ALL_RULES, policy, newToken })

/**
 * Triggered by a schedule. Takes demo keys a step further out of the account, or back, and tells all that nobody has heard of yet, what
 * `enforce` left too. Fails at its end if anything did.
 */
export const handler = middy<ScheduledEvent, { readonly keys: number }>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (_event, context) => {
    const run = { now, remainingMs: () => context.getRemainingTimeInMillis(), settings: policy.cleanUp }
    const [retired] = await Promise.allSettled([retireAll(retirePorts(run), { apply: true, by: 'schedule' })])
    const [told] = await Promise.allSettled([tellNotices(notices, { ...send, control }, { now: now() })])
    const { stop, keys } = retired.status === 'fulfilled' ? retired.value : { stop: null, keys: [] }
    const { mailed, sent, givenUp, faults } = told.status === 'fulfilled' ? told.value : { mailed: 0, sent: 0, givenUp: [], faults: [] }
    const [failed, steps] = [keys.filter(({ failure }) => failure !== null), keys.flatMap(({ done }) => done)]
    for (const { keyArn, failure } of failed) logger.error('a demo key could not be brought further', { keyArn, failure })
    for (const { what, id, error } of faults) logger.error(`${what} failed`, { id, error })
    logger.info('cleaned up', { isStopped: stop !== null, keys: keys.length, steps: steps.length, failed: failed.length, mailed, sent })
    metrics.addMetric('RetirementSteps', MetricUnit.Count, steps.length)
    metrics.addMetric('RefusedNotices', MetricUnit.Count, givenUp.length)
    const broken = [retired, told].flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    const failures = broken.length + failed.length + faults.length
    if (failures > 0)
      throw new Error(`clean-up failed in ${failures} places`, { cause: broken[0] ?? failed[0]?.failure ?? faults[0]?.error })
    return { keys: keys.length }
  })
