import type { DatabaseSync } from 'node:sqlite'
import { KMS_EVENT_SOURCE } from '../../shared/usage/operations.ts'
import { refusedCall, type Service, unknownOperation } from '../service.ts'
import { type Operation, storesIn } from './operation.ts'
import { createAlias, deleteAlias, listAliases, updateAlias } from './operations-aliases.ts'
import { decrypt, encrypt, reEncrypt } from './operations-cryptography.ts'
import { generateDataKey, generateDataKeyWithoutPlaintext, generateRandom } from './operations-data-keys.ts'
import { cancelKeyDeletion, createKey, describeKey, listKeys, scheduleKeyDeletion, switchTo } from './operations-keys.ts'
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyPolicy,
  getKeyRotationStatus,
  listResourceTags,
  putKeyPolicy,
  tagResource,
  untagResource,
} from './operations-settings.ts'
import { type OperationName, trailOf } from './trail.ts'

const OPERATIONS: Readonly<Partial<Record<OperationName, Operation>>> = {
  CancelKeyDeletion: cancelKeyDeletion,
  CreateAlias: createAlias,
  CreateKey: createKey,
  Decrypt: decrypt,
  DeleteAlias: deleteAlias,
  DescribeKey: describeKey,
  DisableKey: switchTo('Disabled'),
  DisableKeyRotation: disableKeyRotation,
  EnableKey: switchTo('Enabled'),
  EnableKeyRotation: enableKeyRotation,
  Encrypt: encrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateRandom: generateRandom,
  GetKeyPolicy: getKeyPolicy,
  GetKeyRotationStatus: getKeyRotationStatus,
  ListAliases: listAliases,
  ListKeys: listKeys,
  ListResourceTags: listResourceTags,
  PutKeyPolicy: putKeyPolicy,
  ReEncrypt: reEncrypt,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateAlias: updateAlias,
}

/** KMS with real cryptography and key states. Keys live in the database's tables `kms_…`, so they survive a restart. */
export function createKms(db: DatabaseSync): Service {
  const stores = storesIn(db)
  return {
    signingName: 'kms',
    targetPrefixes: ['TrentService'],
    eventSource: KMS_EVENT_SOURCE,
    call(call) {
      const name = Object.hasOwn(OPERATIONS, call.operation) ? (call.operation as OperationName) : null
      const operation = name === null ? undefined : OPERATIONS[name]
      if (name === null || operation === undefined) return unknownOperation()
      stores.keys.passTime(call.timeMs)
      const outcome = operation(stores, call)
      const trail = trailOf(name, call, outcome)
      if (outcome.ok) return { output: outcome.value.output, trail }
      return refusedCall(outcome.refusal.code, outcome.refusal.message, trail)
    },
  }
}
