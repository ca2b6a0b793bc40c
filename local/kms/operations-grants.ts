import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { dryRun } from './cryptography.ts'
import { grantId, principal, terms, withoutServicePrincipals } from './grant-request.ts'
import { grantIdOf, newGrantToken, operationsOf } from './grant-rules.ts'
import type { Grant } from './grants.ts'
import { flag, required, text } from './input.ts'
import { keyNameText, requiredKeyName } from './key-names.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, keyOfArn, type Operation, type Stores } from './operation.ts'
import { accepted, type Checked, refuse, refuseRequest, together } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const GRANTS_OF_KEY_MAX = 50_000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html#KMS-CreateGrant-request-Name */
const GRANT_NAME = { lengthMax: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }
const GRANT_ID_BYTES = 32
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html */
const LIST_GRANTS = { limitMax: 100, limitDefault: 50 }
const TOKEN_LENGTH_MAX = 8192

export const createGrant: Operation = (stores, call) => {
  const { input, accountId, timeMs } = call
  const request = together({
    keyName: requiredKeyName(input, 'KeyId'),
    grantee: required('GranteePrincipal', principal(input, 'GranteePrincipal')),
    retiring: principal(input, 'RetiringPrincipal'),
    terms: terms(input),
    name: text(input, 'Name', GRANT_NAME),
    services: withoutServicePrincipals(input),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const { keyName, grantee, retiring, name } = request.value
  const { operations, constraints } = request.value.terms
  const key = findManagedKey(stores, call, keyName)
  if (!key.ok) return key
  const { keyArn } = key.value
  const possible = operationsOf(key.value)
  const impossible = operations.filter((operation) => !possible.includes(operation))
  if (impossible.length > 0) {
    return refuseRequest('ValidationException', `Operations [${impossible.join(', ')}] are not valid for a key of its spec and usage.`)
  }
  if (constraints.length > 0 && key.value.spec !== 'SYMMETRIC_DEFAULT') {
    return refuseRequest('ValidationException', 'Encryption context constraints are for symmetric encryption KMS keys only.')
  }
  if (request.value.isDryRun) return dryRun([keyArn])
  const wanted = { keyArn, name, grantee, retiring, operations, constraints, issuingAccount: accountId }
  const known = name === null ? null : (stores.grants.named(keyArn, name).find((grant) => isSame(grant, wanted)) ?? null)
  if (known === null && stores.grants.countOf(keyArn) >= GRANTS_OF_KEY_MAX) {
    return refuse('LimitExceededException', `A KMS key can have ${GRANTS_OF_KEY_MAX} grants at most.`, [keyArn])
  }
  const grant = known ?? { ...wanted, grantId: randomBytes(GRANT_ID_BYTES).toString('hex'), createdMs: timeMs }
  if (known === null) stores.grants.create(grant)
  return accepted({
    output: { GrantId: grant.grantId, GrantToken: newGrantToken(grant.grantId) },
    resourceArns: [keyArn],
    responseElements: { grantId: grant.grantId, keyId: keyArn },
  })
}

function isSame(grant: Grant, wanted: Omit<Grant, 'grantId' | 'createdMs'>): boolean {
  const { grantId: _grantId, createdMs: _createdMs, ...rest } = grant
  return textOfTerms(rest) === textOfTerms(wanted)
}

function textOfTerms({ grantee, retiring, operations, constraints }: Omit<Grant, 'grantId' | 'createdMs'>): string {
  const sorted = constraints.map(({ type, context }) => [
    type,
    Object.entries(context).toSorted(([left], [right]) => (left < right ? -1 : 1)),
  ])
  return JSON.stringify([grantee, retiring, operations, sorted])
}

export const listGrants: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    keyName: requiredKeyName(input, 'KeyId'),
    grantId: grantId(input),
    grantee: principal(input, 'GranteePrincipal'),
    services: withoutServicePrincipals(input),
    page: pageRequest(input, LIST_GRANTS),
  })
  if (!request.ok) return request
  const { keyName, grantee, page } = request.value
  const key = findManagedKey(stores, call, keyName)
  if (!key.ok) return key
  const { keyArn } = key.value
  const wanted = request.value.grantId
  const one = wanted === null ? null : stores.grants.find(wanted)
  const grants =
    wanted === null
      ? stores.grants.page(keyArn, grantee, page.after, page.limit + 1)
      : [one].filter((grant) => grant !== null).filter((grant) => grant.keyArn === keyArn && (grantee ?? grant.grantee) === grant.grantee)
  return accepted({ output: grantsOutput(grants, page.limit), resourceArns: [keyArn] })
}

export const listRetirableGrants: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    retiring: required('RetiringPrincipal', principal(input, 'RetiringPrincipal')),
    services: withoutServicePrincipals(input),
    page: pageRequest(input, LIST_GRANTS),
  })
  if (!request.ok) return request
  const { retiring, page } = request.value
  const grants = stores.grants.retirable(call.region, retiring, page.after, page.limit + 1)
  return accepted({ output: grantsOutput(grants, page.limit), resourceArns: [] })
}

function grantsOutput(grants: readonly Grant[], limit: number): JsonObject {
  return pageOutput('Grants', grants, limit, { nameOf: (grant) => grant.grantId, outputOf: grantOutput })
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html */
function grantOutput(grant: Grant): JsonObject {
  const { constraints, name, retiring } = grant
  return {
    KeyId: grant.keyArn,
    GrantId: grant.grantId,
    ...(name === null ? {} : { Name: name }),
    CreationDate: timestamp(grant.createdMs),
    GranteePrincipal: grant.grantee,
    ...(retiring === null ? {} : { RetiringPrincipal: retiring }),
    IssuingAccount: `arn:aws:iam::${grant.issuingAccount}:root`,
    Operations: grant.operations,
    ...(constraints.length === 0 ? {} : { Constraints: Object.fromEntries(constraints.map(({ type, context }) => [type, context])) }),
  }
}

/** The grant that RetireGrant names: by a token, or by key and grant ID. */
export function grantToRetire(stores: Stores, call: ServiceCall): Checked<Grant> {
  const { input } = call
  const request = together({
    token: text(input, 'GrantToken', { lengthMax: TOKEN_LENGTH_MAX }),
    keyName: keyNameText(input, 'KeyId'),
    grantId: grantId(input),
  })
  if (!request.ok) return request
  const { token, keyName, grantId: named } = request.value
  if ((token === null) === (keyName === null || named === null)) {
    return refuseRequest('ValidationException', 'Please specify either a grant token, or a key and a grant ID.')
  }
  const idInToken = grantIdOf(token)
  if (token !== null && idInToken === null) return refuse('InvalidGrantTokenException', 'The grant token is not valid.')
  const grant = stores.grants.find(idInToken ?? named ?? '')
  if (keyName === null) return grant === null ? refuse('NotFoundException', 'The grant is not found.') : accepted(grant)
  const key = findManagedKey(stores, call, keyName)
  if (!key.ok) return key
  return grant?.keyArn === key.value.keyArn ? accepted(grant) : refuse('NotFoundException', `Grant ID ${named ?? ''} not found`)
}

export const retireGrant: Operation = (stores, call) => {
  const request = together({ grant: grantToRetire(stores, call), isDryRun: flag(call.input, 'DryRun') })
  if (!request.ok) return request
  const { grant, isDryRun } = request.value
  const key = keyOfArn(stores, call, grant.keyArn)
  if (!key.ok) return key
  if (isDryRun) return dryRun([grant.keyArn])
  stores.grants.remove(grant.grantId)
  return accepted({ output: {}, resourceArns: [grant.keyArn], additionalEventData: { grantId: grant.grantId } })
}

export const revokeGrant: Operation = (stores, call) => {
  const { input } = call
  const request = together({
    keyName: requiredKeyName(input, 'KeyId'),
    grantId: required('GrantId', grantId(input)),
    isDryRun: flag(input, 'DryRun'),
  })
  if (!request.ok) return request
  const key = findManagedKey(stores, call, request.value.keyName)
  if (!key.ok) return key
  const { keyArn } = key.value
  const grant = stores.grants.find(request.value.grantId)
  if (grant?.keyArn !== keyArn) return refuse('NotFoundException', `Grant ID ${request.value.grantId} not found`, [keyArn])
  if (request.value.isDryRun) return dryRun([keyArn])
  stores.grants.remove(grant.grantId)
  return accepted({ output: {}, resourceArns: [keyArn] })
}
