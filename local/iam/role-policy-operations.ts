import { type JsonObject, textOf } from '../../shared/json.ts'
import { type Refusal, refusal } from '../recorded-operation.ts'
import { pageOf } from './page.ts'
import { faultOfPolicy } from './policy-document.ts'
import { invalid, type RoleOperation, roleOf } from './role-operations.ts'

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html */
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/
/** Of all inline policies of a role, white space aside. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const POLICIES_LENGTH_MAX = 10_240

export const putRolePolicy: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const name = policyNameOf(input)
  if (typeof name !== 'string') return name
  const document = textOf(input, 'PolicyDocument') ?? ''
  const fault = faultOfPolicy(document, 'identity')
  if (fault !== null) return refusal('MalformedPolicyDocument', fault)
  const others = roles.policiesOf(role.roleName).filter((policy) => policy.name !== name)
  const length = [...others, { document }].reduce((sum, policy) => sum + policy.document.replaceAll(/\s/g, '').length, 0)
  if (length > POLICIES_LENGTH_MAX)
    return refusal('LimitExceeded', `Maximum policy size of ${POLICIES_LENGTH_MAX} bytes exceeded for role ${role.roleName}`)
  roles.putPolicy(role.roleName, { name, document })
  return { output: {} }
}

export const getRolePolicy: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const name = policyNameOf(input)
  if (typeof name !== 'string') return name
  const policy = roles.policiesOf(role.roleName).find((each) => each.name === name)
  if (policy === undefined) return noSuchPolicy(name)
  return { output: { RoleName: role.roleName, PolicyName: name, PolicyDocument: encodeURIComponent(policy.document) } }
}

export const deleteRolePolicy: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const name = policyNameOf(input)
  if (typeof name !== 'string') return name
  if (!roles.policiesOf(role.roleName).some((policy) => policy.name === name)) return noSuchPolicy(name)
  roles.removePolicy(role.roleName, name)
  return { output: {} }
}

export const listRolePolicies: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const names = roles.policiesOf(role.roleName).map((policy) => policy.name)
  const page = pageOf(input, (after, limit) => names.filter((name) => name > after).slice(0, limit))
  if ('code' in page) return page
  return {
    output: page.output(
      'PolicyNames',
      (name) => name,
      (name) => name,
    ),
  }
}

function policyNameOf(input: JsonObject): string | Refusal {
  const name = textOf(input, 'PolicyName') ?? ''
  return POLICY_NAME.test(name) ? name : invalid('policyName', 'must be 1 to 128 letters, digits and _+=,.@-')
}

function noSuchPolicy(name: string): Refusal {
  return refusal('NoSuchEntity', `The role policy with name ${name} cannot be found.`)
}
