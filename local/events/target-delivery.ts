import { isJsonObject, memberOf, textOf } from '../../shared/json.ts'
import { cappedText } from '../../shared/text.ts'
import type { Rule, Target } from './rules.ts'

export type DeliveryContext = {
  readonly ruleArn: string
  readonly targetId: string
  /** Of a message for a dead-letter queue; empty for a target. */
  readonly messageAttributes: Readonly<Record<string, string>>
}

export type LostEvent = { readonly ruleArn: string; readonly targetArn: string; readonly reason: string; readonly body: string }

export type DeliveryPorts = {
  /** Brings a body to a queue, function, …: false if there is no such target. A failure that may pass is thrown. */
  deliver(targetArn: string, body: string, context: DeliveryContext): boolean | Promise<boolean>
  /** An event that neither its target nor a dead-letter queue took. */
  onLost(lost: LostEvent): void
}

export type TargetOutcome = {
  readonly id: string
  readonly arn: string
  /** `dead-lettered`: the target did not take it, its dead-letter queue did. */
  readonly outcome: 'delivered' | 'dead-lettered' | 'lost'
}

/** AWS tries 185 times within a day; in one process a target that failed four times in a row fails on. */
const RETRIES_MAX = 3
const MESSAGE_BYTES_MAX = 1024

type Attempt = { readonly isDelivered: boolean; readonly retries: number; readonly error: Failure | null }
type Failure = { readonly code: string; readonly message: string; readonly isRetried: boolean }

/** Brings what a rule has for a target to it, to its dead-letter queue otherwise, and tells if neither worked. */
export function createTargetDelivery({ deliver, onLost }: DeliveryPorts) {
  async function once(arn: string, body: string, context: DeliveryContext): Promise<Failure | null> {
    try {
      if (await deliver(arn, body, context)) return null
      return { code: 'NO_RESOURCE', message: `${arn} does not exist`, isRetried: false }
    } catch (error) {
      const message = cappedText(error instanceof Error ? error.message : String(error), MESSAGE_BYTES_MAX)
      return { code: 'ERROR_FROM_TARGET', message, isRetried: true }
    }
  }

  async function attempts(arn: string, body: string, context: DeliveryContext, retriesMax: number): Promise<Attempt> {
    let error = await once(arn, body, context)
    let retries = 0
    while (error?.isRetried === true && retries < retriesMax) {
      retries++
      error = await once(arn, body, context)
    }
    return { isDelivered: error === null, retries, error }
  }

  return async (rule: Rule, target: Target, body: string): Promise<TargetOutcome> => {
    const context = { ruleArn: rule.arn, targetId: target.Id, messageAttributes: {} }
    const { error, retries } = await attempts(target.Arn, body, context, retriesOf(target))
    if (error === null) return { id: target.Id, arn: target.Arn, outcome: 'delivered' }
    const queueArn = deadLetterQueueOf(target)
    if (queueArn !== null) {
      const messageAttributes = deadLetterAttributes({ rule, target, error, retries })
      const { isDelivered } = await attempts(queueArn, body, { ...context, messageAttributes }, RETRIES_MAX)
      if (isDelivered) return { id: target.Id, arn: target.Arn, outcome: 'dead-lettered' }
    }
    onLost({ ruleArn: rule.arn, targetArn: target.Arn, reason: `${error.code}: ${error.message}`, body })
    return { id: target.Id, arn: target.Arn, outcome: 'lost' }
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
function deadLetterAttributes(failed: { readonly rule: Rule; readonly target: Target; readonly error: Failure; readonly retries: number }) {
  const { rule, target, error, retries } = failed
  return {
    RULE_ARN: rule.arn,
    TARGET_ARN: target.Arn,
    ERROR_CODE: error.code,
    ERROR_MESSAGE: error.message,
    // What cannot pass is not tried again: no condition was exhausted.
    ...(error.isRetried && { EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts' }),
    RETRY_ATTEMPTS: String(retries),
  }
}

function deadLetterQueueOf(target: Target): string | null {
  const config = memberOf(target, 'DeadLetterConfig')
  return isJsonObject(config) ? textOf(config, 'Arn') : null
}

function retriesOf(target: Target): number {
  const policy = memberOf(target, 'RetryPolicy')
  const asked = isJsonObject(policy) ? memberOf(policy, 'MaximumRetryAttempts') : undefined
  return typeof asked === 'number' ? Math.min(asked, RETRIES_MAX) : RETRIES_MAX
}
