import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { invalid } from './metric-queries.ts'
import { dimensionsOf, METRIC_NAME, NAMESPACE } from './metrics.ts'
import type { Minutes } from './minutes.ts'

/** "Up to 500 results are returned for any one call." https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html */
const PAGE_MAX = 500
/** "ListMetrics doesn't return information about metrics if those metrics haven't reported data in the past two weeks." The same page. */
const LISTED_S = 14 * 86_400
const RECENT = 'PT3H'
const RECENT_S = 3 * 3600
const HAD = ['Namespace', 'MetricName', 'Dimensions', 'NextToken', 'RecentlyActive']

type Filter = { readonly name: string; readonly value: string | null }

export function listMetrics(minutes: Minutes, visibleUntilS: number, { input, region, timeMs }: ServiceCall): Outcome {
  const unknown = Object.keys(input).find((name) => !HAD.includes(name))
  if (unknown !== undefined) return invalid(`The local cloud does not have the parameter ${unknown} of ListMetrics.`)
  const recent = memberOf(input, 'RecentlyActive')
  if (recent !== undefined && recent !== RECENT) return invalid(`The parameter RecentlyActive must be ${RECENT}.`)
  const filters = filtersIn(input)
  if (filters === null) return invalid('The parameter Dimensions is not a list of dimension filters.')
  const token = memberOf(input, 'NextToken')
  const after = typeof token === 'string' ? Buffer.from(token, 'base64url').toString('utf8') : ''
  if (token !== undefined && !after.startsWith('[')) return refusal('InvalidParameterValue', 'The next token specified is invalid.')
  const isPublished =
    (textOf(input, 'Namespace') ?? NAMESPACE) === NAMESPACE && (textOf(input, 'MetricName') ?? METRIC_NAME) === METRIC_NAME
  if (!isPublished) return { output: { Metrics: [] } }
  const sinceS = timeMs / 1000 - (recent === undefined ? LISTED_S : RECENT_S)
  const known = minutes.metrics({ region, sinceS, untilS: visibleUntilS, after, limit: PAGE_MAX + 1 })
  const page = known.slice(0, PAGE_MAX)
  const last = page.at(-1)
  const metrics = page
    .map(dimensionsOf)
    .filter((dimensions) =>
      filters.every(({ name, value }) => dimensions.some(({ Name, Value }) => Name === name && (value === null || Value === value))),
    )
  return {
    output: {
      Metrics: metrics.map((Dimensions) => ({ Namespace: NAMESPACE, MetricName: METRIC_NAME, Dimensions })),
      ...(known.length > PAGE_MAX && last !== undefined && { NextToken: Buffer.from(last).toString('base64url') }),
    },
  }
}

function filtersIn(input: JsonObject): readonly Filter[] | null {
  const members = memberOf(input, 'Dimensions') ?? []
  if (!Array.isArray(members)) return null
  const filters = members.map((member): Filter | null => {
    const name = isJsonObject(member) ? textOf(member, 'Name') : null
    return name === null || !isJsonObject(member) ? null : { name, value: textOf(member, 'Value') }
  })
  const known = filters.filter((filter) => filter !== null)
  return known.length === filters.length ? known : null
}
