import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../shared/json.ts'
import { AWS_INTERNAL, wholeSecondText } from './record.ts'

/** Something that a service did by itself, for CloudTrail to tell of. */
export type ServiceEvent = {
  readonly eventName: string
  readonly region: string
  readonly accountId: string
  readonly timeMs: number
  readonly responseElements: JsonObject | null
  /** Null where CloudTrail writes it as a call: it is one, of a service to itself. */
  readonly serviceEventDetails: JsonObject | null
  readonly resources: readonly JsonObject[]
}

/**
 * What CloudTrail writes of it, in the shape of the samples in events/.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/non-api-aws-service-events.html
 */
export function recordOfServiceEvent(event: ServiceEvent, eventSource: string, newId: () => string = randomUUID): JsonObject {
  const { eventName, region, accountId, timeMs, responseElements, serviceEventDetails, resources } = event
  return {
    eventVersion: '1.11',
    userIdentity: { accountId, invokedBy: AWS_INTERNAL },
    eventTime: wholeSecondText(timeMs),
    eventSource,
    eventName,
    awsRegion: region,
    sourceIPAddress: AWS_INTERNAL,
    userAgent: AWS_INTERNAL,
    requestParameters: null,
    responseElements,
    ...(serviceEventDetails === null && { requestID: newId() }),
    eventID: newId(),
    readOnly: false,
    resources,
    eventType: serviceEventDetails === null ? 'AwsApiCall' : 'AwsServiceEvent',
    managementEvent: true,
    recipientAccountId: accountId,
    ...(serviceEventDetails !== null && { serviceEventDetails }),
    eventCategory: 'Management',
  }
}
