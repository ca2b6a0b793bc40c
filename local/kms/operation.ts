import type { DatabaseSync } from 'node:sqlite'
import type { ServiceCall } from '../service.ts'
import { type Aliases, aliasesIn } from './aliases.ts'
import { arnOfAlias, parseKeyName, requiredKeyName } from './key-names.ts'
import { type Grants, grantsIn } from './grants.ts'
import { refusedByState } from './key-states.ts'
import { type ImportTokens, importTokensIn } from './import-parameters.ts'
import { type Key, type Keys, keysIn } from './keys.ts'
import { type LastUses, lastUsesIn } from './last-uses.ts'
import { type Moments, momentsIn } from './moments.ts'
import { accepted, type Checked, type Done, refuse } from './outcome.ts'
import { createTables } from './tables.ts'
import { type Tags, tagsIn } from './tags.ts'

/** What operations work on. */
export type Stores = {
  readonly db: DatabaseSync
  readonly keys: Keys
  readonly aliases: Aliases
  readonly tags: Tags
  readonly grants: Grants
  readonly moments: Moments
  readonly lastUses: LastUses
  readonly importTokens: ImportTokens
}

/** One operation of KMS: reads the request, acts, and tells what came of it. */
export type Operation = (stores: Stores, call: ServiceCall) => Checked<Done>

export function storesIn(db: DatabaseSync): Stores {
  createTables(db)
  return {
    db,
    keys: keysIn(db),
    aliases: aliasesIn(db),
    tags: tagsIn(db),
    grants: grantsIn(db),
    moments: momentsIn(db),
    lastUses: lastUsesIn(db),
    importTokens: importTokensIn(db),
  }
}

/** The key that a key ID, key ARN, alias name or alias ARN names, in a state in which the operation can be done. */
export function findKey(stores: Stores, call: ServiceCall, name: string): Checked<Key> {
  const parsed = parseKeyName(name, call)
  if (!parsed.ok) return parsed
  if (parsed.value.kind === 'key') return keyOfArn(stores, call, parsed.value.keyArn)
  const { aliasName } = parsed.value
  const alias = stores.aliases.find(call, aliasName)
  if (alias === null) return refuse('NotFoundException', `Alias ${arnOfAlias(aliasName, call)} is not found.`)
  return keyOfArn(stores, call, alias.keyArn)
}

/** The same by key ID or key ARN: operations that manage a key take no alias. */
export function findManagedKey(stores: Stores, call: ServiceCall, name: string): Checked<Key> {
  const parsed = parseKeyName(name, call)
  if (!parsed.ok) return parsed
  if (parsed.value.kind === 'alias') return refuse('NotFoundException', `Invalid keyId '${name}'`)
  return keyOfArn(stores, call, parsed.value.keyArn)
}

/** The key that `KeyId` names, of an operation that needs to know no more. */
export function managedKey(stores: Stores, call: ServiceCall): Checked<Key> {
  const name = requiredKeyName(call.input, 'KeyId')
  return name.ok ? findManagedKey(stores, call, name.value) : name
}

/** The one place where the table of key states is asked: no operation comes by a key in another way. */
export function keyOfArn(stores: Stores, call: ServiceCall, keyArn: string): Checked<Key> {
  const key = stores.keys.find(keyArn)
  if (key === null) return refuse('NotFoundException', `Key '${keyArn}' does not exist`)
  return refusedByState(key, call.operation) ?? accepted(key)
}
