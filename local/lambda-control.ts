import { createHash } from 'node:crypto'
import { type JsonObject, memberOf, textOf } from '../shared/json.ts'
import { failed, type HttpRequest, type HttpService, jsonAnswer } from './http.ts'
import { jsonBody } from './json-body.ts'
import { callService, type ServiceRoom } from './json-protocol.ts'
import type { ControlledFunction, ControlledFunctions, ControlledMapping } from './lambda/deployed.ts'
import { recordedMembers } from './recorded-operation.ts'
import { refusedCall, type Service, type ServiceAnswer, type ServiceCall, unknownOperation } from './service.ts'

type Route = {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly path: RegExp
  /** As CloudTrail has it, with the date of the API's version. */
  readonly operation: string
  readonly status: number
}

const SIGNING_NAME = 'lambda'
const FUNCTION = '(?<FunctionName>[^/]+)'
const MAPPINGS = '^/2015-03-31/event-source-mappings'
/** https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html and the HTTP traits of the API's model. */
const ROUTES: readonly Route[] = [
  route('GET', `^/2015-03-31/functions/${FUNCTION}/configuration$`, 'GetFunctionConfiguration20150331v2'),
  route('GET', `^/2019-09-30/functions/${FUNCTION}/concurrency$`, 'GetFunctionConcurrency20190930'),
  route('GET', `${MAPPINGS}/?$`, 'ListEventSourceMappings20150331'),
  route('PUT', `^/2015-03-31/functions/${FUNCTION}/code$`, 'UpdateFunctionCode20150331v2'),
  route('PUT', `^/2017-10-31/functions/${FUNCTION}/concurrency$`, 'PutFunctionConcurrency20171031'),
  route('PUT', `${MAPPINGS}/(?<UUID>[^/]+)$`, 'UpdateEventSourceMapping20150331', 202),
  route('DELETE', `${MAPPINGS}/(?<UUID>[^/]+)$`, 'DeleteEventSourceMapping20150331', 202),
]

function route(method: Route['method'], path: string, operation: string, status = 200): Route {
  return { method, path: new RegExp(path), operation, status }
}

/** Lambda's control plane of the functions that there are: it tells of them and changes them, and makes none. */
export function createLambdaControl({
  functions,
  room,
}: {
  readonly functions: ControlledFunctions
  readonly room: ServiceRoom
}): HttpService {
  const service: Service = {
    signingName: SIGNING_NAME,
    // The operation stands in the path.
    targetPrefixes: [],
    eventSource: 'lambda.amazonaws.com',
    call: (call) => answerOf(functions, call),
  }
  return {
    async answer(request) {
      const { method, requestId } = request
      const [path = ''] = request.target.split('?', 1)
      const found = ROUTES.find((each) => each.method === method && each.path.test(path))
      if (found === undefined) {
        const message = `The local cloud has of Lambda: ${ROUTES.map(({ operation }) => operation).join(', ')}.`
        return failed(SIGNING_NAME, { code: 'UnknownOperationException', message, status: 404 }, requestId)
      }
      const input = inputOf(request, found.path.exec(path)?.groups ?? {})
      if (input === null)
        return failed(SIGNING_NAME, { code: 'InvalidRequestContentException', message: 'Could not parse it.', status: 400 }, requestId)
      const answer = await callService({ service, room, request, operation: found.operation, input })
      return 'failure' in answer ? failed(SIGNING_NAME, answer.failure, requestId) : jsonAnswer(found.status, answer.output)
    },
  }
}

/** What stands in path, query and body, under the names of the API; null: some of it cannot be read. */
function inputOf({ target, body }: HttpRequest, named: Readonly<Record<string, string>>): JsonObject | null {
  const sent = body.length === 0 ? {} : jsonBody(body)
  if (sent === null) return null
  const query = Object.fromEntries(new URLSearchParams(target.split('?', 2)[1] ?? ''))
  try {
    const fromPath = Object.entries(named).map(([name, value]) => [name, decodeURIComponent(value)])
    return { ...sent, ...query, ...Object.fromEntries(fromPath) }
  } catch {
    // `%` and no digits behind it.
    return null
  }
}

function answerOf(functions: ControlledFunctions, call: ServiceCall): ServiceAnswer {
  const { operation, input, region } = call
  const here = functions.all().filter(({ arn }) => arn.split(':')[3] === region)
  switch (operation) {
    case 'ListEventSourceMappings20150331':
      return listMappings(here, call)
    case 'UpdateEventSourceMapping20150331':
    case 'DeleteEventSourceMapping20150331':
      return changeMapping(functions, here, call)
    default:
  }
  const found = functionNamed(here, textOf(input, 'FunctionName') ?? '')
  return found === undefined ? noFunction(call) : functionAnswer(functions, found, call)
}

function functionAnswer(functions: ControlledFunctions, found: ControlledFunction, call: ServiceCall): ServiceAnswer {
  switch (call.operation) {
    case 'GetFunctionConfiguration20150331v2':
      return told(call, configurationOf(found))
    case 'GetFunctionConcurrency20190930':
      return told(call, found.reservedConcurrency === null ? {} : { ReservedConcurrentExecutions: found.reservedConcurrency })
    case 'UpdateFunctionCode20150331v2':
      return updateCode(functions, found, call)
    case 'PutFunctionConcurrency20171031':
      return putConcurrency(functions, found, call)
    default:
      return unknownOperation()
  }
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html: of all functions where none is named. */
function listMappings(here: readonly ControlledFunction[], call: ServiceCall): ServiceAnswer {
  const name = textOf(call.input, 'FunctionName')
  const one = name === null ? undefined : functionNamed(here, name)
  if (name !== null && one === undefined) return noFunction(call)
  const asked = one === undefined ? here : [one]
  const all = asked.flatMap((each) => each.mappings.map((mapping) => mappingOf(each, mapping)))
  return told(call, { EventSourceMappings: all })
}

/** What takes AWS a moment is done when it is answered. https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html */
function changeMapping(functions: ControlledFunctions, here: readonly ControlledFunction[], call: ServiceCall): ServiceAnswer {
  const { operation, input } = call
  const asked = textOf(input, 'UUID')
  const owner = here.find(({ mappings }) => mappings.some(({ id }) => id === asked))
  const mapping = owner?.mappings.find(({ id }) => id === asked)
  if (owner === undefined || mapping === undefined)
    return refusedCall('ResourceNotFoundException', 'The resource you requested does not exist.', trailOf(call, null), 404)
  if (operation === 'DeleteEventSourceMapping20150331') {
    functions.put({ ...owner, mappings: owner.mappings.filter((each) => each !== mapping) })
    return changed(call, { ...mappingOf(owner, mapping), State: 'Deleting' })
  }
  const isEnabled = memberOf(input, 'Enabled') ?? mapping.isEnabled
  const others = Object.keys(input).filter((name) => !['UUID', 'Enabled', 'FunctionName'].includes(name))
  if (typeof isEnabled !== 'boolean' || others.length > 0) return invalid(call, 'The local cloud changes Enabled of a mapping alone.')
  const updated = { ...mapping, isEnabled }
  functions.put({ ...owner, mappings: owner.mappings.map((each) => (each === mapping ? updated : each)) })
  return changed(call, mappingOf(owner, updated))
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html */
function updateCode(functions: ControlledFunctions, found: ControlledFunction, call: ServiceCall): ServiceAnswer {
  const code = Buffer.from(textOf(call.input, 'ZipFile') ?? '', 'base64')
  if (code.length === 0) return invalid(call, 'The local cloud takes code as ZipFile alone.')
  const updated = { ...found, code, modifiedMs: call.timeMs }
  if (memberOf(call.input, 'DryRun') !== true) functions.put(updated)
  return changed(call, configurationOf(updated))
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html */
function putConcurrency(functions: ControlledFunctions, found: ControlledFunction, call: ServiceCall): ServiceAnswer {
  const reserved = memberOf(call.input, 'ReservedConcurrentExecutions')
  if (typeof reserved !== 'number' || !Number.isInteger(reserved) || reserved < 0)
    return invalid(call, 'ReservedConcurrentExecutions must be 0 or more.')
  functions.put({ ...found, reservedConcurrency: reserved })
  return changed(call, { ReservedConcurrentExecutions: reserved })
}

/** By name, ARN, or `<account>:function:<name>`: all of them end in the name. */
function functionNamed(here: readonly ControlledFunction[], asked: string): ControlledFunction | undefined {
  return here.find(({ name, arn }) => asked === name || asked === arn || arn.endsWith(`:${asked}`))
}

function noFunction(call: ServiceCall): ServiceAnswer {
  const arn = `arn:aws:lambda:${call.region}:${call.accountId}:function:${textOf(call.input, 'FunctionName') ?? ''}`
  return refusedCall('ResourceNotFoundException', `Function not found: ${arn}`, trailOf(call, null), 404)
}

function invalid(call: ServiceCall, message: string): ServiceAnswer {
  return refusedCall('InvalidParameterValueException', message, trailOf(call, null))
}

function told(call: ServiceCall, output: JsonObject): ServiceAnswer {
  return { output, trail: trailOf(call, null) }
}

function changed(call: ServiceCall, output: JsonObject): ServiceAnswer {
  return { output, trail: trailOf(call, recordedMembers(output)) }
}

/** Code is not recorded. */
function trailOf({ operation, input }: ServiceCall, responseElements: JsonObject | null) {
  const { ZipFile: _code, ...rest } = input
  return { readOnly: /^(Get|List)/.test(operation), requestParameters: recordedMembers(rest), responseElements }
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
