import { failed, type HttpService } from './http.ts'
import { callService, type ServiceRoom } from './json-protocol.ts'
import { refusedCall, type Service, type ServiceAnswer } from './service.ts'
import { escapedXml } from './xml.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

const STS: Service = {
  signingName: 'sts',
  // The operation stands in a form.
  targetPrefixes: [],
  eventSource: 'sts.amazonaws.com',
  call({ operation, principal }): ServiceAnswer {
    if (operation !== 'GetCallerIdentity') return refusedCall('InvalidAction', 'The local cloud does not have this operation.')
    const output = { Arn: principal.arn, UserId: principal.userId, Account: principal.accountId }
    return { output, trail: { readOnly: true, requestParameters: null, responseElements: null } }
  },
}

/** STS as far as `GetCallerIdentity`: a form in, XML out. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
export function sts(room: ServiceRoom): HttpService {
  return {
    async answer(request) {
      const form = new URLSearchParams(request.body.toString('utf8'))
      const operation = form.get('Action') ?? ''
      const answer = await callService({ service: STS, room, request, operation, input: {} })
      if ('failure' in answer) return failed(STS.signingName, answer.failure, request.requestId)
      const members = Object.entries(answer.output).map(([name, value]) => `<${name}>${escapedXml(String(value))}</${name}>`)
      const result = `<${operation}Result>${members.join('')}</${operation}Result>`
      const metadata = `<ResponseMetadata><RequestId>${request.requestId}</RequestId></ResponseMetadata>`
      const body = `<${operation}Response xmlns="${NAMESPACE}">${result}${metadata}</${operation}Response>`
      return { status: 200, headers: { 'content-type': 'text/xml' }, body }
    },
  }
}
