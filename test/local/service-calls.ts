import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import type { JsonObject } from '../../shared/json.ts'
import type { Principal, Service, ServiceAnswer, ServiceCall } from '../../local/service.ts'

export const REGION = 'eu-central-1'
export const ACCOUNT = accountId('111122223333')
export const START_MS = Date.UTC(2026, 9, 20, 6, 0, 0)

function accountId(text: string): AccountId {
  const parsed = parseAccountId(text)
  if (parsed === null) throw new Error('no account id')
  return parsed
}

const ROLE = 'arn:aws:iam::111122223333:role/OrdersService'
export const PRINCIPAL: Principal = {
  accessKeyId: 'ASIAQORDERSSVEXAMPLE',
  accountId: ACCOUNT,
  arn: 'arn:aws:sts::111122223333:assumed-role/OrdersService/orders-api',
  userId: 'AROAQORDERSSVCEXAMPLE:orders-api',
  userIdentity: {
    type: 'AssumedRole',
    principalId: 'AROAQORDERSSVCEXAMPLE:orders-api',
    arn: 'arn:aws:sts::111122223333:assumed-role/OrdersService/orders-api',
    accountId: ACCOUNT,
    accessKeyId: 'ASIAQORDERSSVEXAMPLE',
    sessionContext: { sessionIssuer: { type: 'Role', arn: ROLE, accountId: ACCOUNT, userName: 'OrdersService' } },
  },
}

export function callOf(operation: string, input: JsonObject = {}, changes: Partial<ServiceCall> = {}): ServiceCall {
  return {
    operation,
    input,
    region: REGION,
    accountId: ACCOUNT,
    principal: PRINCIPAL,
    via: null,
    isSecure: false,
    requestId: '7e9b1a52-0c3d-4a55-9a3b-3f1f0d9a7c11',
    timeMs: START_MS,
    ...changes,
  }
}

/** Calls a service and gives what it answers: the output, or the code of the failure. */
export function caller(service: Service) {
  const answer = async (operation: string, input: JsonObject = {}, changes: Partial<ServiceCall> = {}): Promise<ServiceAnswer> =>
    service.call(callOf(operation, input, changes))
  return {
    answer,
    output: async (operation: string, input: JsonObject = {}, changes: Partial<ServiceCall> = {}): Promise<JsonObject> => {
      const answered = await answer(operation, input, changes)
      if ('failure' in answered) throw new Error(`${operation}: ${answered.failure.code}: ${answered.failure.message}`)
      return answered.output
    },
    code: async (operation: string, input: JsonObject = {}, changes: Partial<ServiceCall> = {}): Promise<string> => {
      const answered = await answer(operation, input, changes)
      return 'failure' in answered ? answered.failure.code : 'OK'
    },
  }
}
