import { isJsonObject, parsedJson, textOf } from '../../json.ts'
import { parsePolicy, type PolicyStatement } from '../../rules/policy/document.ts'
import { cappedText } from '../../text.ts'

/** A statement's name is whatever its author likes. */
const SID_BYTES_MAX = 64
const SENDER = 'aws:PrincipalArn'

/** The policy that serverless.yml gives to a queue of the stack; `onlyFromArns`: of roles besides whom nobody may send, if there are any. */
export function ownQueuePolicy(queueArn: string, senderArns: readonly string[], onlyFromArns: readonly string[] = []): string {
  const Resource = queueArn
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      ...senderArns.map((arn) => ({
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource,
        Condition: { ArnEquals: { 'aws:SourceArn': arn } },
      })),
      ...(onlyFromArns.length === 0
        ? []
        : [
            {
              Effect: 'Deny',
              Principal: '*',
              Action: 'sqs:SendMessage',
              Resource,
              Condition: { ArnNotEquals: { [SENDER]: onlyFromArns } },
            },
          ]),
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource,
        Condition: { Bool: { 'aws:SecureTransport': 'false', 'aws:PrincipalIsAWSService': 'false' } },
      },
    ],
  })
}

/** How a queue's policy differs from what it should be; a queue without one has an empty text. The names of statements do not matter. */
export function queuePolicyProblems(found: string, expected: string): readonly string[] {
  const wanted = parsePolicy(expected)?.statements ?? []
  const there = found === '' ? [] : parsePolicy(found)?.statements
  if (there === undefined) return ['its policy cannot be read']
  const [wantedForms, thereForms] = [new Set(wanted.map(formOf)), new Set(there.map(formOf))]
  return [
    ...wanted.filter((statement) => !thereForms.has(formOf(statement))).map(lacked),
    ...there.filter((statement) => !wantedForms.has(formOf(statement))).map(added),
  ]
}

function lacked({ effect, conditions }: PolicyStatement): string {
  if (conditions.some(({ key }) => key.toLowerCase() === SENDER.toLowerCase()))
    return 'it does not refuse what others than its own functions send'
  return effect === 'Deny'
    ? 'it does not refuse what comes without TLS'
    : `it does not let its own rule send: ${conditions.flatMap(({ values }) => values).join(', ')}`
}

function added({ effect, sid }: PolicyStatement): string {
  const named = sid === null ? 'a statement without a name' : `the statement ${cappedText(sid, SID_BYTES_MAX)}`
  return `${named} ${effect === 'Allow' ? 'lets others in' : 'refuses more'} than was deployed`
}

/**
 * Where messages go that nobody could handle; `expected`: the ARN of that queue, or null for nowhere.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
 */
export function redriveProblems(found: string | undefined, expected: string | null): readonly string[] {
  const policy = parsedJson(found ?? '')
  const target = isJsonObject(policy) ? textOf(policy, 'deadLetterTargetArn') : null
  return target === expected ? [] : [`messages that nobody could handle do not ${expected === null ? 'stay' : `go to ${expected}`}`]
}

/** Equal for statements that say the same. Names of actions and condition keys know no capital letters. */
function formOf({ effect, principals, actions, resources, conditions }: PolicyStatement): string {
  return JSON.stringify([
    effect,
    principals.negated,
    ...[principals.aws, principals.services, principals.federated, principals.canonicalUsers].map(sorted),
    actions.negated,
    sorted(actions.patterns.map((pattern) => pattern.toLowerCase())),
    resources.negated,
    sorted(resources.patterns),
    conditions.map(({ operator, key, values }) => JSON.stringify([operator, key, sorted(values)])).toSorted(),
  ])
}

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted()
}
