import type { AccountId } from '../../shared/arn.ts'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { uniqueId } from '../principals.ts'
import { type Outcome, type Refusal, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { pageOf } from './page.ts'
import { faultOfPolicy } from './policy-document.ts'
import type { Role, Roles } from './roles.ts'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: roles of an account, tags of a role, a trust policy. */
const ROLES_MAX = 1000
const TAGS_MAX = 50
const TRUST_LENGTH_MAX = 2048
/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/
const PATH = /^\/(?:[\u0021-\u007F]{1,510}\/)?$/
const DESCRIPTION_LENGTH_MAX = 1000
const SESSION_SECONDS = { min: 3600, max: 43_200, usual: 3600 }
const TAG_KEY_LENGTH_MAX = 128
const TAG_VALUE_LENGTH_MAX = 256

export type RoleOperation = (roles: Roles, call: ServiceCall) => Outcome

export const createRole: RoleOperation = (roles, call) => {
  const { input, accountId, timeMs } = call
  const roleName = textOf(input, 'RoleName') ?? ''
  const path = textOf(input, 'Path') ?? '/'
  const description = textOf(input, 'Description') ?? ''
  const trust = textOf(input, 'AssumeRolePolicyDocument') ?? ''
  const sessionSecondsMax = Number(memberOf(input, 'MaxSessionDuration') ?? SESSION_SECONDS.usual)
  const tags = tagsOf(input)
  if (!ROLE_NAME.test(roleName)) return invalid('roleName', 'must be 1 to 64 letters, digits and _+=,.@-')
  if (!PATH.test(path)) return invalid('path', 'must begin and end with /')
  if (description.length > DESCRIPTION_LENGTH_MAX) return invalid('description', `must have ${DESCRIPTION_LENGTH_MAX} characters at most`)
  const { min, max } = SESSION_SECONDS
  if (!Number.isInteger(sessionSecondsMax) || sessionSecondsMax < min || sessionSecondsMax > max)
    return invalid('maxSessionDuration', `must be ${min} to ${max} seconds`)
  if (memberOf(input, 'PermissionsBoundary') !== undefined) return invalid('permissionsBoundary', 'is nothing the local cloud knows')
  if ('code' in tags) return tags
  const refused = refusalOfTrust(trust)
  if (refused !== null) return refused
  if (roles.find(roleName) !== null) return refusal('EntityAlreadyExists', `Role with name ${roleName} already exists.`)
  if (roles.count() >= ROLES_MAX) return refusal('LimitExceeded', `Cannot exceed quota for RolesPerAccount: ${ROLES_MAX}`)
  const role = newRole({ accountId, roleName, path, trust, description, sessionSecondsMax, createdMs: timeMs, tags: tags.tags })
  roles.create(role)
  const output = { Role: { ...described(role), ...tagsOutput(role) } }
  return { output, responseElements: { role: trailOfRole(role) } }
}

export function newRole(parts: Omit<Role, 'arn' | 'roleId'> & { readonly accountId: AccountId }): Role {
  const { accountId, ...role } = parts
  const arn = `arn:aws:iam::${accountId}:role${role.path}${role.roleName}`
  return { ...role, arn, roleId: uniqueId('AROA', arn) }
}

export const getRole: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const more = { Description: role.description === '' ? null : role.description, MaxSessionDuration: role.sessionSecondsMax }
  return { output: { Role: { ...described(role), ...more, ...tagsOutput(role) } } }
}

export const listRoles: RoleOperation = (roles, { input }) => {
  const prefix = textOf(input, 'PathPrefix') ?? '/'
  const page = pageOf(input, (after, limit) => roles.page(prefix, after, limit))
  if ('code' in page) return page
  return { output: page.output('Roles', ({ roleName }) => roleName.toLowerCase(), listed) }
}

export const deleteRole: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  if (roles.policiesOf(role.roleName).length > 0) return refusal('DeleteConflict', 'Cannot delete entity, must delete policies first.')
  roles.remove(role.roleName)
  return { output: {} }
}

export const updateAssumeRolePolicy: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const trust = textOf(input, 'PolicyDocument') ?? ''
  const refused = refusalOfTrust(trust)
  if (refused !== null) return refused
  roles.setTrust(role.roleName, trust)
  return { output: {} }
}

export const tagRole: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const tags = tagsOf(input)
  if ('code' in tags) return tags
  const all = { ...role.tags, ...tags.tags }
  if (Object.keys(all).length > TAGS_MAX)
    return refusal('LimitExceeded', `The number of tags has reached the maximum limit of ${TAGS_MAX}.`)
  roles.setTags(role.roleName, all)
  return { output: {} }
}

export const listRoleTags: RoleOperation = (roles, { input }) => {
  const role = roleOf(roles, input)
  if ('code' in role) return role
  const sorted = Object.entries(role.tags).toSorted(([left], [right]) => (left < right ? -1 : 1))
  const page = pageOf(input, (after, limit) => sorted.filter(([key]) => key > after).slice(0, limit))
  if ('code' in page) return page
  return {
    output: page.output(
      'Tags',
      ([key]) => key,
      ([Key, Value]) => ({ Key, Value }),
    ),
  }
}

function listed(role: Role): JsonObject {
  return { ...described(role), MaxSessionDuration: role.sessionSecondsMax }
}

/** Nothing of the kind exists here: `member` of the answer is an empty list. */
export function nothingOf(member: string): RoleOperation {
  return (roles, { input }) => {
    const role = roleOf(roles, input)
    return 'code' in role ? role : { output: { [member]: [], IsTruncated: false } }
  }
}

/** The role that a request names. */
export function roleOf(roles: Roles, input: JsonObject): Role | Refusal {
  const roleName = textOf(input, 'RoleName') ?? ''
  if (!ROLE_NAME.test(roleName)) return invalid('roleName', 'must be 1 to 64 letters, digits and _+=,.@-')
  return roles.find(roleName) ?? refusal('NoSuchEntity', `The role with name ${roleName} cannot be found.`)
}

export function invalid(member: string, rule: string): Refusal {
  return refusal('ValidationError', `1 validation error detected: Value at '${member}' failed to satisfy constraint: it ${rule}`)
}

function refusalOfTrust(trust: string): Refusal | null {
  const fault = faultOfPolicy(trust, 'trust')
  if (fault !== null) return refusal('MalformedPolicyDocument', fault)
  return trust.replaceAll(/\s/g, '').length > TRUST_LENGTH_MAX
    ? refusal('LimitExceeded', `Cannot exceed quota for ACLSizePerRole: ${TRUST_LENGTH_MAX}`)
    : null
}

function tagsOf(input: JsonObject): { readonly tags: Readonly<Record<string, string>> } | Refusal {
  const items = memberOf(input, 'Tags')
  const entries = (Array.isArray(items) ? items : []).map((item): [string, string] => {
    const tag: JsonObject = isJsonObject(item) ? item : {}
    return [textOf(tag, 'Key') ?? '', textOf(tag, 'Value') ?? '']
  })
  if (entries.length > TAGS_MAX) return refusal('LimitExceeded', `A role can have ${TAGS_MAX} tags at most.`)
  if (entries.some(([key, value]) => key === '' || key.length > TAG_KEY_LENGTH_MAX || value.length > TAG_VALUE_LENGTH_MAX))
    return invalid('tags', `must have keys of 1 to ${TAG_KEY_LENGTH_MAX} and values of up to ${TAG_VALUE_LENGTH_MAX} characters`)
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html: keys of one resource differ by more than their case.
  if (new Set(entries.map(([key]) => key.toLowerCase())).size < entries.length)
    return refusal('InvalidInput', 'Duplicate tag keys found. Please note that Tag keys are case insensitive.')
  return { tags: Object.fromEntries(entries) }
}

function described({ roleName, path, roleId, arn, trust, createdMs }: Role): JsonObject {
  return {
    Path: path,
    RoleName: roleName,
    RoleId: roleId,
    Arn: arn,
    CreateDate: new Date(createdMs).toISOString(),
    // IAM answers documents URL-encoded. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
    AssumeRolePolicyDocument: encodeURIComponent(trust),
  }
}

function tagsOutput({ tags }: Role): JsonObject {
  const entries = Object.entries(tags)
  return entries.length === 0 ? {} : { Tags: entries.map(([Key, Value]) => ({ Key, Value })) }
}

function trailOfRole({ roleName, path, roleId, arn, trust, createdMs }: Role): JsonObject {
  const createDate = new Date(createdMs).toISOString()
  return { path, roleName, roleId, arn, createDate, assumeRolePolicyDocument: encodeURIComponent(trust) }
}
