import { textOf } from '../../shared/json.ts'
import { answerOf, type Outcome, type RecordedOperation, refusal } from '../recorded-operation.ts'
import { refusedCall, type Service, type ServiceAnswer, type ServiceCall } from '../service.ts'
import { type Access, refusalText } from './access.ts'
import { contextOfCall } from './call-context.ts'
import {
  createRole,
  deleteRole,
  getRole,
  listRoles,
  listRoleTags,
  nothingOf,
  type RoleOperation,
  tagRole,
  updateAssumeRolePolicy,
} from './role-operations.ts'
import { deleteRolePolicy, getRolePolicy, listRolePolicies, putRolePolicy } from './role-policy-operations.ts'
import type { Roles } from './roles.ts'

export const IAM_NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'
/** IAM has no Regions: CloudTrail tells its calls there. https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html */
export const IAM_REGION = 'us-east-1'

const OPERATIONS: Readonly<Record<string, { readonly readOnly: boolean; readonly run: RoleOperation }>> = {
  CreateRole: { readOnly: false, run: createRole },
  DeleteRole: { readOnly: false, run: deleteRole },
  DeleteRolePolicy: { readOnly: false, run: deleteRolePolicy },
  GetRole: { readOnly: true, run: getRole },
  GetRolePolicy: { readOnly: true, run: getRolePolicy },
  ListAttachedRolePolicies: { readOnly: true, run: nothingOf('AttachedPolicies') },
  ListInstanceProfilesForRole: { readOnly: true, run: nothingOf('InstanceProfiles') },
  ListRolePolicies: { readOnly: true, run: listRolePolicies },
  ListRoles: { readOnly: true, run: listRoles },
  ListRoleTags: { readOnly: true, run: listRoleTags },
  PutRolePolicy: { readOnly: false, run: putRolePolicy },
  TagRole: { readOnly: false, run: tagRole },
  UpdateAssumeRolePolicy: { readOnly: false, run: updateAssumeRolePolicy },
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html#API_CreateRole_Errors and its neighbours; all others are 400. */
const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  LimitExceeded: 409,
  NoSuchEntity: 404,
}

/** What is no path is refused by the operation. */
const PATH = /^\/.+\/$/

/** IAM as far as roles and their inline policies. What callers may do with them is judged too. */
export function createIam({ roles, access }: { readonly roles: Roles; readonly access: Access }): Service {
  const operations = new Map<string, RecordedOperation>(
    Object.entries(OPERATIONS).map(([name, { readOnly, run }]) => [
      name,
      { readOnly, run: async (call) => (await refusedAccess(roles, access, call)) ?? run(roles, call) },
    ]),
  )
  return {
    signingName: 'iam',
    // The operation stands in a form.
    targetPrefixes: [],
    eventSource: 'iam.amazonaws.com',
    async call(call): Promise<ServiceAnswer> {
      if (!operations.has(call.operation)) return refusedCall('InvalidAction', 'The local cloud does not have this operation.')
      const answer = await answerOf(operations, call)
      return 'failure' in answer ? { ...answer, failure: { ...answer.failure, status: STATUS[answer.failure.code] ?? 400 } } : answer
    },
  }
}

async function refusedAccess(roles: Roles, access: Access, call: ServiceCall): Promise<Outcome | null> {
  const { accountId, input, operation, principal } = call
  const roleName = textOf(input, 'RoleName')
  const path = PATH.exec(textOf(input, 'Path') ?? '')?.[0] ?? '/'
  const named = roleName === null ? '*' : (roles.find(roleName)?.arn ?? `arn:aws:iam::${accountId}:role${path}${roleName}`)
  const action = `iam:${operation}`
  const request = {
    principal,
    action,
    resourceArn: named,
    resourceAccountId: accountId,
    resourcePolicy: null,
    context: contextOfCall(call),
  }
  const verdict = await access.judge(request)
  return verdict.kind === 'allowed' ? null : refusal('AccessDenied', refusalText(request, verdict))
}
