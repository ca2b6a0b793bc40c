import { parseKmsKeyArn } from '../../shared/arn.ts'
import { memberOf } from '../../shared/json.ts'
import { isCryptographicEvent, KMS_EVENT_SOURCE } from '../../shared/usage/operations.ts'
import type { SeenCall } from '../json-protocol.ts'
import type { DimensionsText } from './minutes.ts'

/**
 * KMS publishes one count of successful cryptographic calls.
 * https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-cloudwatch.html
 */
export const NAMESPACE = 'AWS/KMS'
export const METRIC_NAME = 'SuccessfulRequest'

export type Dimension = { readonly Name: string; readonly Value: string }

export function dimensionsText(dimensions: readonly Dimension[]): DimensionsText {
  return JSON.stringify(dimensions.map(({ Name, Value }) => [Name, Value]).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)))
}

export function dimensionsOf(text: DimensionsText): readonly Dimension[] {
  const pairs = JSON.parse(text) as readonly (readonly [string, string])[]
  return pairs.map(([Name, Value]) => ({ Name, Value }))
}

/**
 * The metric that a call counts for; null if it counts for none: a call of another service, one that failed, one that manages.
 * @throws if a cryptographic call of KMS does not answer with the ARN of its key
 */
export function metricOf({ service, call, answer }: SeenCall): { readonly region: string; readonly dimensions: DimensionsText } | null {
  const { operation, region } = call
  if (service.eventSource !== KMS_EVENT_SOURCE || !isCryptographicEvent(operation)) return null
  // Trying without doing (DryRun) fails too, with DryRunOperationException.
  if ('failure' in answer) return null
  const arnIn = (member: string): string => {
    const keyArn = parseKmsKeyArn(memberOf(answer.output, member))
    if (keyArn === null) throw new Error(`${operation} of the local KMS answered no key ARN as ${member}: it is not counted`)
    return keyArn
  }
  const keys =
    operation === 'ReEncrypt'
      ? [dimension('SourceKeyArn', arnIn('SourceKeyId')), dimension('DestinationKeyArn', arnIn('KeyId'))]
      : [dimension('KeyArn', arnIn('KeyId'))]
  return { region, dimensions: dimensionsText([...keys, dimension('Operation', operation)]) }
}

function dimension(Name: string, Value: string): Dimension {
  return { Name, Value }
}
