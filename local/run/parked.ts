import { paginateScan } from '@aws-sdk/client-dynamodb'
import type { ParkedShown } from '../../shared/workshop/run-report.ts'
import type { LocalCloud } from '../cloud.ts'

const PARKED_MAX = 1000

/** The messages that were set aside, by message ID. */
export async function readParked(cloud: LocalCloud): Promise<readonly ParkedShown[]> {
  const parked: ParkedShown[] = []
  const pages = paginateScan(
    { client: cloud.clients.dynamodb },
    {
      TableName: cloud.made.get('UsageTable')?.ref,
      FilterExpression: 'begins_with(pk, :parked)',
      ExpressionAttributeValues: { ':parked': { S: 'parked#' } },
    },
  )
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      if (parked.length === PARKED_MAX) return parked
      parked.push({
        messageId: item['sk']?.S ?? '',
        kind: item['kind']?.S ?? '',
        reason: item['reason']?.S ?? '',
        bodyBytes: Number(item['bodyBytes']?.N),
        bodySha256: item['bodySha256']?.S ?? '',
      })
    }
  }
  return parked.toSorted((a, b) => (`${a.kind} ${a.reason} ${a.messageId}` < `${b.kind} ${b.reason} ${b.messageId}` ? -1 : 1))
}
