import { failed, type HttpService, jsonAnswer } from '../http.ts'
import { jsonBody } from '../json-body.ts'
import { callService, type ServiceRoom } from '../json-protocol.ts'
import type { Service } from '../service.ts'

/** Operations by method and path, such as `POST /findings`. */
export type Routes = Readonly<Record<string, string>>

const UNREADABLE = { code: 'SerializationException', message: 'The body is not a JSON object.', status: 400 } as const

/**
 * A service of ours whose operations are methods on paths, and whose members stand in JSON or in the query.
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
 */
export function restJsonProtocol(service: Service, routes: Routes, room: ServiceRoom): HttpService {
  return {
    async answer(request) {
      const { method, target, requestId } = request
      const [path = '', query = ''] = target.split('?', 2)
      const route = `${method} ${path}`
      const operation = Object.hasOwn(routes, route) ? routes[route] : undefined
      if (operation === undefined) {
        const message = `The local cloud has of ${service.signingName}: ${Object.values(routes).join(', ')}.`
        return failed(service.signingName, { code: 'UnknownOperationException', message, status: 404 }, requestId)
      }
      const members = jsonBody(request.body)
      if (members === null) return failed(service.signingName, UNREADABLE, requestId)
      const input = { ...Object.fromEntries(new URLSearchParams(query)), ...members }
      const answer = await callService({ service, room, request, operation, input })
      return 'failure' in answer ? failed(service.signingName, answer.failure, requestId) : jsonAnswer(200, answer.output)
    },
  }
}
