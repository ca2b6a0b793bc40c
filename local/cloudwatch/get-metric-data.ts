import { type JsonObject, memberOf } from '../../shared/json.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { invalid, metricQueries, type MetricQuery } from './metric-queries.ts'
import { MINUTE_S, type Minutes } from './minutes.ts'

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const DATA_POINTS_MAX = 100_800
const SCAN_ORDERS = ['TimestampDescending', 'TimestampAscending']
const DAY_S = 86_400

/** How far a reader got: in which query, behind how many of its points, and what was visible when it began. */
type Position = { readonly query: number; readonly skip: number; readonly visibleUntilS: number }

type Span = { readonly fromS: number; readonly untilS: number; readonly resolutionS: number }
type Page = { readonly queries: readonly MetricQuery[]; readonly span: Span; readonly newestFirst: boolean; readonly limit: number }

/** `visibleUntilS`: what was counted from that minute on is not published yet. */
export function getMetricData(minutes: Minutes, visibleUntilS: number, call: ServiceCall): Outcome {
  const { input } = call
  const queries = metricQueries(input)
  if ('code' in queries) return queries
  const span = spanOf(input, call.timeMs)
  if ('code' in span) return span
  const order = memberOf(input, 'ScanBy') ?? 'TimestampDescending'
  if (typeof order !== 'string' || !SCAN_ORDERS.includes(order))
    return invalid(`The parameter ScanBy must be one of ${SCAN_ORDERS.join(', ')}.`)
  const limit = memberOf(input, 'MaxDatapoints') ?? DATA_POINTS_MAX
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) return invalid('The parameter MaxDatapoints must be 1 or more.')
  const token = memberOf(input, 'NextToken')
  const position = token === undefined ? { query: 0, skip: 0, visibleUntilS } : positionOf(token, queries.length, visibleUntilS)
  if (position === null) return refusal('InvalidNextToken', 'The next token specified is invalid.')
  const page = {
    queries,
    span: { ...span, untilS: Math.min(span.untilS, position.visibleUntilS) },
    newestFirst: order === 'TimestampDescending',
    limit: Math.min(limit, DATA_POINTS_MAX),
  }
  return { output: pageOf(minutes, call.region, page, position) }
}

/**
 * "Start time less than 15 days ago: round down to the nearest whole minute", and so on; a period that is no multiple of what is kept that
 * long has no points. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
 */
function spanOf(input: JsonObject, nowMs: number): Span | Refusal {
  const [startS, endS] = [memberOf(input, 'StartTime'), memberOf(input, 'EndTime')]
  if (typeof startS !== 'number' || typeof endS !== 'number') return invalid('The parameters StartTime and EndTime are required.')
  if (startS >= endS) return invalid('The parameter StartTime must be less than the parameter EndTime.')
  const ageS = nowMs / 1000 - startS
  const resolutionS = ageS < 15 * DAY_S ? MINUTE_S : ageS < 63 * DAY_S ? 5 * MINUTE_S : 60 * MINUTE_S
  return { fromS: Math.floor(startS / resolutionS) * resolutionS, untilS: endS, resolutionS }
}

/** Every page tells of every query, so that whoever puts pages together by ID misses none. */
function pageOf(minutes: Minutes, region: string, { queries, span, newestFirst, limit }: Page, position: Position): JsonObject {
  let room = limit
  let next: Position | null = null
  const results: JsonObject[] = []
  for (const [index, { id, label, periodS, dimensions, returnsData }] of queries.entries()) {
    if (!returnsData) continue
    const isRead = index >= position.query && next === null
    const skip = index === position.query ? position.skip : 0
    // Periods begin at the start of the span. Where that is a multiple of the period, as AWS advises, they are whole periods of the clock.
    const range = { region, fromS: span.fromS, untilS: span.untilS, periodS, newestFirst, skip, limit: room + 1 }
    const found = isRead && dimensions !== null && periodS % span.resolutionS === 0 ? minutes.points({ ...range, dimensions }) : []
    const points = found.slice(0, room)
    if (found.length > room) next = { query: index, skip: skip + room, visibleUntilS: position.visibleUntilS }
    room -= points.length
    results.push({
      Id: id,
      Label: label,
      Timestamps: points.map(({ startS }) => startS),
      Values: points.map(({ count }) => count),
      StatusCode: next === null ? 'Complete' : 'PartialData',
    })
  }
  return { MetricDataResults: results, Messages: [], ...(next !== null && { NextToken: tokenOf(next) }) }
}

function tokenOf({ query, skip, visibleUntilS }: Position): string {
  return Buffer.from(JSON.stringify([query, skip, visibleUntilS])).toString('base64url')
}

function positionOf(token: unknown, queries: number, visibleUntilS: number): Position | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(String(token), 'base64url').toString('utf8'))
    const [query, skip, untilS] = Array.isArray(parts) && parts.every((part) => Number.isSafeInteger(part) && part >= 0) ? parts : []
    if (typeof query !== 'number' || typeof skip !== 'number' || typeof untilS !== 'number') return null
    return query < queries && untilS <= visibleUntilS ? { query, skip, visibleUntilS: untilS } : null
  } catch {
    return null
  }
}
