import {
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  type LambdaClient,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda'
import { createHash } from 'node:crypto'
import { observed } from '../../observed.ts'
import type { EpochS } from '../../time.ts'
import { type Asked, asked, askedBeside, isRead, itemsOf, mapped, present, sortedJson } from './asked.ts'
import { UnusableAnswerError } from './errors.ts'
import { NOT_THERE, type OwnFunction } from './own-stack.ts'
import type { SeenCode, SeenStore } from './seen-store.ts'

export type FunctionReading = {
  readonly client: LambdaClient
  readonly seen: SeenStore
  readonly stackArn: string
  /** When the stack was last made or changed. */
  readonly changedAt: EpochS
  readonly known: readonly SeenCode[]
}

/** A function of ours is fed by one queue or none. */
const MAPPING_PAGES_MAX = 10
/** Between these it goes from one to the other. https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html */
const READING_STATES = ['Creating', 'Enabled', 'Enabling', 'Updating']

/** What is wrong with a function of the stack; `queueArns`: what Lambda should read for it. */
export async function functionProblems(
  reading: FunctionReading,
  { name }: OwnFunction,
  queueArns: readonly string[],
): Promise<Asked<readonly string[]>> {
  const code = await codeProblems(reading, name)
  if (!isRead(code) || code.value === NOT_THERE) return code
  const problems = [...code.value]
  for (const answer of [await concurrencyProblems(reading, name), await mappingProblems(reading, name, queueArns)]) {
    if (!isRead(answer)) return answer
    problems.push(...answer.value)
  }
  return observed(problems)
}

/** The code and configuration that are seen first after a change of the stack are taken for what was deployed with it. */
async function codeProblems(
  { client, seen, stackArn, changedAt, known }: FunctionReading,
  name: string,
): Promise<Asked<readonly string[]>> {
  const digest = await asked<string | null>(
    'lambda:GetFunctionConfiguration',
    async () => digestOf(await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }))),
    { gone: null },
  )
  if (!isRead(digest)) return digest
  if (digest.value === null) return observed(NOT_THERE)
  const first = known.find(({ functionName }) => functionName === name)
  if (first !== undefined && first.stackChangedAt >= changedAt) return observed(changesBetween(first.digest, digest.value))
  const code: SeenCode = { functionName: name, digest: digest.value, stackChangedAt: changedAt }
  const noted = await askedBeside('dynamodb:PutItem', () => seen.noteCode(stackArn, code))
  return noted.known ? observed([]) : noted
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html: reserved concurrency of 0 stops a function. */
async function concurrencyProblems({ client }: FunctionReading, name: string): Promise<Asked<readonly string[]>> {
  const reserved = await asked<number | null>(
    'lambda:GetFunctionConcurrency',
    async () => (await client.send(new GetFunctionConcurrencyCommand({ FunctionName: name }))).ReservedConcurrentExecutions ?? null,
  )
  return mapped(reserved, (most) => (most === 0 ? ['it may not run: its reserved concurrency is 0'] : []))
}

async function mappingProblems({ client }: FunctionReading, name: string, queueArns: readonly string[]): Promise<Asked<readonly string[]>> {
  if (queueArns.length === 0) return observed([])
  const mappings = await asked('lambda:ListEventSourceMappings', () =>
    itemsOf(
      paginateListEventSourceMappings({ client }, { FunctionName: name }),
      MAPPING_PAGES_MAX,
      ({ EventSourceMappings }) => EventSourceMappings,
    ),
  )
  return mapped(mappings, (all) => {
    const reading = all.filter(({ State: state }) => READING_STATES.includes(state ?? ''))
    const read = reading.map(({ EventSourceArn }) => EventSourceArn)
    // What no filter lets through is deleted unread. https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    const filtered = reading.filter(({ FilterCriteria }) => (FilterCriteria?.Filters ?? []).length > 0)
    return [
      ...queueArns.filter((arn) => !read.includes(arn)).map((arn) => `Lambda does not read its queue ${arn}`),
      ...filtered.map(({ EventSourceArn }) => `Lambda reads of its queue ${EventSourceArn ?? ''} what a filter lets through`),
    ]
  })
}

/** What changes although nobody changed the function; and what its code's own digest says. */
const PASSING = [
  '$metadata',
  'CodeSha256',
  'CodeSize',
  'LastModified',
  'LastUpdateStatus',
  'LastUpdateStatusReason',
  'LastUpdateStatusReasonCode',
  'RevisionId',
  // AWS moves functions to newer versions of their runtime. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
  'RuntimeVersionConfig',
  'State',
  'StateReason',
  'StateReasonCode',
]

/** Of its code and of its configuration, with a space between. @throws `UnusableAnswerError` if its environment may not be seen */
function digestOf(configuration: GetFunctionConfigurationCommandOutput): string {
  if (configuration.Environment?.Error !== undefined) throw new UnusableAnswerError('IncompleteAnswer')
  const lasting = Object.fromEntries(Object.entries(configuration).filter(([name]) => !PASSING.includes(name)))
  return `${present(configuration.CodeSha256)} ${createHash('sha256').update(sortedJson(lasting)).digest('base64')}`
}

function changesBetween(first: string, now: string): readonly string[] {
  const [[code, configuration], [codeNow, configurationNow]] = [first.split(' '), now.split(' ')]
  return [
    ...(code === codeNow ? [] : ['its code was changed, and the stack was not']),
    ...(configuration === configurationNow ? [] : ['its configuration was changed, and the stack was not']),
  ]
}
