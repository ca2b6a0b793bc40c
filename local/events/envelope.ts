import { randomUUID } from 'node:crypto'
import { type JsonObject, textOf } from '../../shared/json.ts'

/**
 * The EventBridge event that carries a CloudTrail record. `resources` is empty, so rules match `detail.resources.ARN`.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export function envelopeOfRecord(record: JsonObject, newId: () => string = randomUUID): JsonObject {
  return {
    version: '0',
    id: newId(),
    'detail-type': textOf(record, 'eventType') === 'AwsServiceEvent' ? 'AWS Service Event via CloudTrail' : 'AWS API Call via CloudTrail',
    source: `aws.${(textOf(record, 'eventSource') ?? 'unknown').split('.', 1)[0] ?? ''}`,
    account: textOf(record, 'recipientAccountId'),
    time: textOf(record, 'eventTime'),
    region: textOf(record, 'awsRegion'),
    resources: [],
    detail: record,
  }
}
