import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { DirectQueues } from './direct-queues.ts'
import type { DeliveryPorts } from './events/target-delivery.ts'
import type { InvocationOutcome, LocalFunction } from './lambda/functions.ts'

/** Brings what EventBridge has for a target to a queue or a function. */
export function createTargets(parts: {
  readonly queues: DirectQueues
  readonly sqs: () => SQSClient
  readonly functions: ReadonlyMap<string, LocalFunction>
  /** What became of a function that an event started. */
  onInvocation(functionArn: string, outcome: InvocationOutcome): void
}): DeliveryPorts['deliver'] {
  const { queues, functions } = parts
  return async (targetArn, body, { messageAttributes }) => {
    const target = functions.get(targetArn)
    if (target !== undefined) {
      parts.onInvocation(targetArn, await target.invoke(JSON.parse(body)))
      return true
    }
    if (!targetArn.includes(':sqs:') || !queues.depth(targetArn).ok) return false
    if (Object.keys(messageAttributes).length === 0) {
      const sent = queues.send(targetArn, [body])
      if (!sent.ok) throw new Error(sent.reason)
      return true
    }
    // Only what comes over the wire has attributes.
    const attributes = Object.entries(messageAttributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }])
    const [, , , , accountId, name] = targetArn.split(':')
    await parts
      .sqs()
      .send(
        new SendMessageCommand({ QueueUrl: `/${accountId}/${name}`, MessageBody: body, MessageAttributes: Object.fromEntries(attributes) }),
      )
    return true
  }
}
