import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Refusal, refusal } from '../recorded-operation.ts'
import { type Dimension, dimensionsText, METRIC_NAME, NAMESPACE } from './metrics.ts'
import { type DimensionsText, MINUTE_S } from './minutes.ts'

/** One of the questions of GetMetricData. */
export type MetricQuery = {
  readonly id: string
  readonly label: string
  readonly returnsData: boolean
  readonly periodS: number
  /** Null: a metric that nobody publishes here, which has no points. */
  readonly dimensions: DimensionsText | null
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html */
const ID = /^[a-z]\w{0,254}$/
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const QUERIES_MAX = 500
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Metric.html */
const DIMENSIONS_MAX = 30
const TEXT_LENGTH_MAX = 1024
/** A count has both, and they are one number: each call is one sample of 1. */
const STATISTICS = ['Sum', 'SampleCount']

export function invalid(message: string): Refusal {
  return refusal('ValidationError', message)
}

export function metricQueries(input: JsonObject): readonly MetricQuery[] | Refusal {
  const members = memberOf(input, 'MetricDataQueries')
  if (!Array.isArray(members) || members.length === 0) return invalid('The parameter MetricDataQueries is required.')
  if (members.length > QUERIES_MAX) return invalid(`The collection MetricDataQueries must not have a size greater than ${QUERIES_MAX}.`)
  const queries: MetricQuery[] = []
  for (const [index, member] of members.entries()) {
    const query = metricQuery(isJsonObject(member) ? member : {}, `MetricDataQueries.member.${index + 1}`)
    if ('code' in query) return query
    queries.push(query)
  }
  if (new Set(queries.map(({ id }) => id)).size < queries.length)
    return invalid('The values for parameter id in MetricDataQueries are not unique.')
  return queries
}

function metricQuery(member: JsonObject, place: string): MetricQuery | Refusal {
  const id = textOf(member, 'Id') ?? ''
  if (!ID.test(id)) return invalid(`The value for parameter ${place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.`)
  const stat = memberOf(member, 'MetricStat')
  if (memberOf(member, 'Expression') !== undefined) return invalid(`The local cloud does not have expressions (${place}.Expression).`)
  if (!isJsonObject(stat)) return invalid(`Exactly one of the parameters ${place}.MetricStat and ${place}.Expression must be given.`)
  const periodS = memberOf(stat, 'Period')
  if (typeof periodS !== 'number' || !Number.isInteger(periodS) || periodS < MINUTE_S || periodS % MINUTE_S !== 0)
    return invalid(`The parameter ${place}.MetricStat.Period must be a multiple of ${MINUTE_S}: metrics of KMS have one point a minute.`)
  const statistic = textOf(stat, 'Stat') ?? ''
  if (!STATISTICS.includes(statistic))
    return invalid(`The local cloud has the statistics ${STATISTICS.join(' and ')} (${place}.MetricStat.Stat).`)
  if (memberOf(stat, 'Unit') !== undefined) return invalid(`The local cloud does not tell units (${place}.MetricStat.Unit).`)
  const metric = memberOf(stat, 'Metric')
  const dimensions = isJsonObject(metric) ? dimensionsIn(metric) : null
  if (!isJsonObject(metric) || dimensions === null) return invalid(`The parameter ${place}.MetricStat.Metric is not a metric.`)
  const isPublished = textOf(metric, 'Namespace') === NAMESPACE && textOf(metric, 'MetricName') === METRIC_NAME
  return {
    id,
    label: textOf(member, 'Label') ?? textOf(metric, 'MetricName') ?? '',
    returnsData: memberOf(member, 'ReturnData') !== false,
    periodS,
    dimensions: isPublished ? dimensionsText(dimensions) : null,
  }
}

function dimensionsIn(metric: JsonObject): readonly Dimension[] | null {
  const members = memberOf(metric, 'Dimensions') ?? []
  if (!Array.isArray(members) || members.length > DIMENSIONS_MAX) return null
  const dimensions = members.map((member): Dimension | null => {
    const [Name, Value] = isJsonObject(member) ? [textOf(member, 'Name'), textOf(member, 'Value')] : [null, null]
    const fits = Name !== null && Value !== null && Name.length <= TEXT_LENGTH_MAX && Value.length <= TEXT_LENGTH_MAX
    return fits ? { Name, Value } : null
  })
  const known = dimensions.filter((dimension) => dimension !== null)
  return known.length === dimensions.length ? known : null
}
