import { createHash } from 'node:crypto'
import type { JsonObject } from '../shared/json.ts'
import { failed, type HttpService, jsonAnswer } from './http.ts'
import { callService, type ServiceRoom } from './json-protocol.ts'
import { refusedCall, type Service, type ServiceAnswer, type ServiceCall, unknownOperation } from './service.ts'

/** A function as Lambda's control plane knows it. */
export type ControlledFunction = {
  readonly name: string
  readonly arn: string
  /** Its bundled source: what `CodeSha256` is of. */
  readonly code: Uint8Array
  readonly memoryMb: number
  readonly timeoutMs: number
  readonly modifiedMs: number
  /** Null: none is reserved. */
  readonly reservedConcurrency: number | null
  readonly mappings: readonly ControlledMapping[]
}

/** A queue that Lambda reads for a function. */
export type ControlledMapping = { readonly id: string; readonly queueArn: string; readonly isEnabled: boolean; readonly batchSize: number }

const SIGNING_NAME = 'lambda'
/**
 * Names as CloudTrail has them, with the date of the API's version.
 * https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
 */
const ROUTES: readonly { readonly path: RegExp; readonly operation: string }[] = [
  { path: /^\/2015-03-31\/functions\/(?<name>[^/]+)\/configuration$/, operation: 'GetFunctionConfiguration20150331v2' },
  { path: /^\/2019-09-30\/functions\/(?<name>[^/]+)\/concurrency$/, operation: 'GetFunctionConcurrency20190930' },
  { path: /^\/2015-03-31\/event-source-mappings\/?$/, operation: 'ListEventSourceMappings20150331' },
]

/** What Lambda tells of the functions that there are; it changes none. */
export function createLambdaControl({
  functions,
  room,
}: {
  functions(): readonly ControlledFunction[]
  readonly room: ServiceRoom
}): HttpService {
  const service: Service = {
    signingName: SIGNING_NAME,
    // The operation stands in the path.
    targetPrefixes: [],
    eventSource: 'lambda.amazonaws.com',
    call: (call) => answerOf(functions(), call),
  }
  return {
    async answer(request) {
      const { method, target, requestId } = request
      const [path = '', query = ''] = target.split('?', 2)
      const route = method === 'GET' ? ROUTES.find((each) => each.path.test(path)) : undefined
      if (route === undefined) {
        const message = `The local cloud has of Lambda: ${ROUTES.map(({ operation }) => operation).join(', ')}.`
        return failed(SIGNING_NAME, { code: 'UnknownOperationException', message, status: 404 }, requestId)
      }
      const named = route.path.exec(path)?.groups?.['name'] ?? new URLSearchParams(query).get('FunctionName') ?? ''
      const input = { functionName: decodeURIComponent(named) }
      const answer = await callService({ service, room, request, operation: route.operation, input })
      return 'failure' in answer ? failed(SIGNING_NAME, answer.failure, requestId) : jsonAnswer(200, answer.output)
    },
  }
}

function answerOf(functions: readonly ControlledFunction[], call: ServiceCall): ServiceAnswer {
  const { operation, input } = call
  const trail = { readOnly: true, requestParameters: input, responseElements: null }
  const { functionName: asked } = input
  const found = functions.find(({ name, arn }) => name === asked || arn === asked)
  if (found === undefined) {
    const arn = `arn:aws:lambda:${call.region}:${call.accountId}:function:${String(asked)}`
    return refusedCall('ResourceNotFoundException', `Function not found: ${arn}`, trail, 404)
  }
  switch (operation) {
    case 'GetFunctionConfiguration20150331v2':
      return { output: configurationOf(found), trail }
    case 'GetFunctionConcurrency20190930':
      return {
        output: found.reservedConcurrency === null ? {} : { ReservedConcurrentExecutions: found.reservedConcurrency },
        trail,
      }
    case 'ListEventSourceMappings20150331':
      return { output: { EventSourceMappings: found.mappings.map((mapping) => mappingOf(found, mapping)) }, trail }
    default:
      return unknownOperation()
  }
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html */
function configurationOf({ name, arn, code, memoryMb, timeoutMs, modifiedMs }: ControlledFunction): JsonObject {
  return {
    FunctionName: name,
    FunctionArn: arn,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    CodeSize: code.byteLength,
    CodeSha256: createHash('sha256').update(code).digest('base64'),
    MemorySize: memoryMb,
    Timeout: timeoutMs / 1000,
    // Lambda writes the zone without a colon.
    LastModified: new Date(modifiedMs).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    PackageType: 'Zip',
    Architectures: ['arm64'],
    State: 'Active',
    LastUpdateStatus: 'Successful',
  }
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html */
function mappingOf({ arn }: ControlledFunction, { id, queueArn, isEnabled, batchSize }: ControlledMapping): JsonObject {
  return { UUID: id, EventSourceArn: queueArn, FunctionArn: arn, State: isEnabled ? 'Enabled' : 'Disabled', BatchSize: batchSize }
}
