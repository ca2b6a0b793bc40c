import { isJsonObject, memberOf, parsedJson, textOf } from '../json.ts'
import { type Parsed, parsed, refused } from '../parsed.ts'
import type { ResourceKind } from '../rules/facts.ts'
import type { Resource } from '../rules/rule.ts'

/** A finding that the policy wants put right. It only points: whoever gets it reads and judges the resource again. */
export type EnforceRequest = { readonly ruleId: string; readonly resource: Resource; readonly eventId: string | null }

const FORMAT = 'keytrail.enforce/1'
const TEXT_LENGTH_MAX = 2048
const KINDS: readonly ResourceKind[] = ['kms_key', 's3_bucket', 'cloudtrail_trail', 'aws_account', 'keytrail_stack']

export function enforceBody(request: EnforceRequest): string {
  return JSON.stringify({ format: FORMAT, ...request })
}

export function parseEnforceRequest(body: string): Parsed<EnforceRequest> {
  const message = parsedJson(body)
  if (!isJsonObject(message) || memberOf(message, 'format') !== FORMAT) return refused('no request to put something right')
  const [ruleId, named] = [textOf(message, 'ruleId'), memberOf(message, 'resource')]
  if (ruleId === null || ruleId.length > TEXT_LENGTH_MAX || !isJsonObject(named))
    return refused('a request that names no rule or no resource')
  const kind = KINDS.find((known) => known === memberOf(named, 'kind'))
  const [arn, accountId, region] = ['arn', 'accountId', 'region'].map((name) => textOf(named, name))
  if (kind === undefined || !arn || !accountId || !region || arn.length > TEXT_LENGTH_MAX)
    return refused('a request that names no resource')
  return parsed({
    ruleId,
    resource: { kind, arn, accountId, region },
    eventId: textOf(message, 'eventId')?.slice(0, TEXT_LENGTH_MAX) ?? null,
  })
}
