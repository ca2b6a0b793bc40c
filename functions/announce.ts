import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware'
import middy from '@middy/core'
import type { ScheduledEvent, SQSEvent } from 'aws-lambda'
import { tellsOfSweep } from '../shared/audit/announce-message.ts'
import { createSendPorts } from '../shared/aws/send-ports.ts'
import { createFindingsTable } from '../shared/aws/findings-table.ts'
import { createDynamoDBClient, createTable } from '../shared/aws/table.ts'
import { announceOutbox } from '../shared/findings/announce.ts'
import { reimport } from '../shared/findings/reimport.ts'
import { ownPolicy } from '../shared/policy-file/own-policy.ts'
import { rulesUnder } from '../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { announceEnvironment, newToken, now } from '../shared/wiring.ts'

const [logger, metrics] = [new Logger(), new Metrics()]
const { findingsTable, findingsTopic, hub } = announceEnvironment()
const store = createFindingsTable(createTable(createDynamoDBClient(), findingsTable), newToken)
const ports = createSendPorts({}, findingsTopic)
const rules = rulesUnder(ownPolicy(ALL_RULES, now()), ALL_RULES)

/** Triggered by a push and by a schedule. Tells everybody what is in the outbox, each change at least once. Fails if it could not. */
export const handler = middy<SQSEvent | ScheduledEvent, { readonly announced: number }>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (event, context) => {
    const { announced, waiting, mails, events, imported, givenUp, faults } = await announceOutbox(store, ports, { now: now(), rules, hub })
    const isSweepOver = 'Records' in event && event.Records.some(({ body }) => tellsOfSweep(body))
    const again = isSweepOver ? await reimport(store, ports, { now: now(), rules, hub }, () => context.getRemainingTimeInMillis()) : null
    logger.info('announced', { announced, waiting, mails, events, imported, givenUp, importedAgain: again?.imported ?? 0 })
    if (again?.isCut === true) logger.warn('not everything could be imported again: the rest comes after the next sweep')
    metrics.addMetric('AnnouncedFindings', MetricUnit.Count, announced)
    metrics.addMetric('RefusedFindings', MetricUnit.Count, givenUp.length + (again?.refused.length ?? 0))
    for (const { what, id, error } of [...faults, ...(again?.faults ?? [])]) logger.error(`${what} failed`, { id, error })
    if (faults.length > 0) throw new Error(`${faults.length} announcements failed`, { cause: faults[0]?.error })
    return { announced }
  })
