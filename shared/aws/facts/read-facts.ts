import type { Observed } from '../../observed.ts'
import type { FactReader } from '../../rules/audit.ts'
import type { Resource } from '../../rules/rule.ts'
import { createAccountView } from './account-view.ts'
import { accountSources } from './account-facts.ts'
import { type Asked, askedBeside } from './asked.ts'
import type { FactParts } from './fact-parts.ts'
import { kmsKeySources } from './kms-key-facts.ts'
import { s3BucketSources } from './s3-bucket-facts.ts'
import { stackSources } from './stack-facts.ts'
import { trailSources } from './trail-facts.ts'

/**
 * "In some cases, it might take several minutes" until what was made is seen everywhere.
 * https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
 */
const UNSETTLED_S = 300

/** Reads facts from AWS and from what Keytrail knows. Lives for one sweep or one event: what it read of the account stays as it was read. */
export function createFactReader(parts: FactParts): FactReader {
  const account = createAccountView(parts)
  const { madeAt, now } = parts
  const isNew = madeAt !== null && now - madeAt < UNSETTLED_S

  return (resource) => {
    const sources = sourcesOf(resource)
    return async (names) => {
      const answers = await Promise.all(names.map((name) => answerOf(sources, name)))
      const facts: Record<string, Observed<unknown>> = {}
      for (const [index, answer] of answers.entries()) {
        if (answer === 'gone') return isNew ? 'unready' : gone(resource)
        if (answer === 'unready') continue
        facts[names[index] ?? ''] = answer
      }
      return answers.includes('unready') ? 'unready' : facts
    }
  }

  async function gone({ kind, arn }: Resource): Promise<'gone'> {
    // Notes that stay are older than the next bucket of this name, and taken for that.
    if (kind === 's3_bucket') await askedBeside('dynamodb:DeleteItem', () => parts.seen.forgetBucket(arn))
    return 'gone'
  }

  function sourcesOf(resource: Resource): Sources {
    switch (resource.kind) {
      case 'kms_key':
        return kmsKeySources(resource, parts, account)
      case 's3_bucket':
        return s3BucketSources(resource, parts, account)
      case 'cloudtrail_trail':
        return trailSources(resource, parts, account)
      case 'aws_account':
        return accountSources(resource, parts, account)
      case 'keytrail_stack':
        return stackSources(resource, parts)
    }
  }
}

type Sources = Readonly<Record<string, () => Promise<Asked<unknown>>>>

/** @throws if there is no such fact: a rule and the readers do not fit each other */
function answerOf(sources: Sources, name: string): Promise<Asked<unknown>> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (source === undefined) throw new Error(`nobody reads the fact ${name}`)
  return source()
}
