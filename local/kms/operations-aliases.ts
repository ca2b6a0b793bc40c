import type { JsonObject } from '../../shared/json.ts'
import { required, text } from './input.ts'
import { arnOfAlias, keyNameText, requiredKeyName } from './key-names.ts'
import { timestamp } from './metadata.ts'
import { findManagedKey, type Operation } from './operation.ts'
import { accepted, type Checked, refuse, type Refused, together, withResources } from './outcome.ts'
import { pageOutput, pageRequest } from './paging.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html#KMS-CreateAlias-request-AliasName */
const ALIAS_NAME = { lengthMax: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }
/** The pattern of the model lets a colon pass, the text beside it does not. */
const CUSTOMER_ALIAS = /^alias\/[a-zA-Z0-9/_-]+$/
const RESERVED = 'alias/aws/'
/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const ALIASES_OF_KEY_MAX = 50
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html */
const LIST_ALIASES = { limitMax: 100, limitDefault: 50 }

function aliasName(input: JsonObject): Checked<string> {
  const name = required('AliasName', text(input, 'AliasName', ALIAS_NAME))
  if (!name.ok || !name.value.startsWith(RESERVED)) return name
  return refuse('NotAuthorizedException', `Aliases that begin with ${RESERVED} are reserved for AWS.`)
}

function unknownAlias(aliasArn: string): Refused {
  return refuse('NotFoundException', `Alias ${aliasArn} is not found.`)
}

export const createAlias: Operation = (stores, call) => {
  const request = together({ name: aliasName(call.input), target: requiredKeyName(call.input, 'TargetKeyId') })
  if (!request.ok) return request
  const { name, target } = request.value
  if (!CUSTOMER_ALIAS.test(name)) return refuse('InvalidAliasNameException', 'The alias is no alias/ followed by a name.')
  const key = findManagedKey(stores, call, target)
  if (!key.ok) return key
  const { keyArn } = key.value
  const aliasArn = arnOfAlias(name, call)
  if (stores.aliases.find(call, name) !== null) {
    return refuse('AlreadyExistsException', `An alias with the name ${aliasArn} already exists`, [keyArn])
  }
  if (stores.aliases.countOf(keyArn) >= ALIASES_OF_KEY_MAX) return tooManyAliases(keyArn)
  stores.aliases.create(call, { aliasName: name, keyArn, createdMs: call.timeMs, updatedMs: call.timeMs })
  return accepted({ output: {}, resourceArns: [keyArn, aliasArn], responseElements: { keyId: keyArn } })
}

function tooManyAliases(keyArn: string): Refused {
  return refuse('LimitExceededException', `A KMS key can have ${ALIASES_OF_KEY_MAX} aliases at most.`, [keyArn])
}

/** Works while the key it leaves is pending deletion. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html, note [10] */
export const updateAlias: Operation = (stores, call) => {
  const request = together({ name: aliasName(call.input), target: requiredKeyName(call.input, 'TargetKeyId') })
  if (!request.ok) return request
  const { name, target } = request.value
  const aliasArn = arnOfAlias(name, call)
  const alias = stores.aliases.find(call, name)
  if (alias === null) return unknownAlias(aliasArn)
  const key = findManagedKey(stores, call, target)
  if (!key.ok) return withResources(key, [aliasArn, ...key.refusal.resourceArns])
  const { keyArn } = key.value
  const resourceArns = [aliasArn, keyArn]
  if (alias.keyArn !== keyArn && stores.aliases.countOf(keyArn) >= ALIASES_OF_KEY_MAX) return tooManyAliases(keyArn)
  stores.aliases.point(call, name, keyArn, call.timeMs)
  return accepted({ output: {}, resourceArns, responseElements: { keyId: keyArn } })
}

export const deleteAlias: Operation = (stores, call) => {
  const name = aliasName(call.input)
  if (!name.ok) return name
  const aliasArn = arnOfAlias(name.value, call)
  const alias = stores.aliases.find(call, name.value)
  if (alias === null) return unknownAlias(aliasArn)
  stores.aliases.remove(call, name.value)
  return accepted({ output: {}, resourceArns: [aliasArn, alias.keyArn], responseElements: { keyId: alias.keyArn } })
}

export const listAliases: Operation = (stores, call) => {
  const request = together({ name: keyNameText(call.input, 'KeyId'), page: pageRequest(call.input, LIST_ALIASES) })
  if (!request.ok) return request
  const { name, page } = request.value
  const key = name === null ? accepted(null) : findManagedKey(stores, call, name)
  if (!key.ok) return key
  const aliases = stores.aliases.page(call, key.value?.keyArn ?? null, page.after, page.limit + 1)
  const output = pageOutput('Aliases', aliases, page.limit, {
    nameOf: (alias) => alias.aliasName,
    outputOf: (alias) => ({
      AliasName: alias.aliasName,
      AliasArn: arnOfAlias(alias.aliasName, call),
      TargetKeyId: alias.keyArn.slice(alias.keyArn.indexOf('/') + 1),
      CreationDate: timestamp(alias.createdMs),
      LastUpdatedDate: timestamp(alias.updatedMs),
    }),
  })
  return accepted({ output, resourceArns: [] })
}
