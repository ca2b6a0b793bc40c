import type { DatabaseSync } from 'node:sqlite'
import { KMS_EVENT_SOURCE } from '../../shared/usage/operations.ts'
import { CATALOGUE } from '../../shared/cloudtrail/catalogue.ts'
import type { ServiceEvent } from '../cloudtrail/service-event.ts'
import { refusedCall, type Service, type ServiceAnswer, type ServiceCall, unknownOperation } from '../service.ts'
import { type AlarmClock, createAlarm } from './alarm.ts'
import { serviceEventOf } from './key-events.ts'
import { keepUse } from './last-uses.ts'
import { type Access, OPEN_ACCESS } from '../iam/access.ts'
import { refusedAccess } from './authorization.ts'
import { type Operation, storesIn } from './operation.ts'
import { createAlias, deleteAlias, listAliases, updateAlias } from './operations-aliases.ts'
import { decrypt, encrypt, reEncrypt } from './operations-cryptography.ts'
import {
  generateDataKey,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  generateDataKeyWithoutPlaintext,
  generateRandom,
} from './operations-data-keys.ts'
import { createKey, describeKey, listKeys, switchTo, updateKeyDescription } from './operations-keys.ts'
import { cancelKeyDeletion, scheduleKeyDeletion } from './operations-deletion.ts'
import { createGrant, listGrants, listRetirableGrants, retireGrant, revokeGrant } from './operations-grants.ts'
import { deleteImportedKeyMaterial, getParametersForImport, importKeyMaterial } from './operations-import.ts'
import { getKeyLastUsage } from './operations-last-usage.ts'
import { generateMac, verifyMac } from './operations-mac.ts'
import { replicateKey, updatePrimaryRegion } from './operations-replicas.ts'
import { disableKeyRotation, enableKeyRotation, getKeyRotationStatus, listKeyRotations, rotateKeyOnDemand } from './operations-rotation.ts'
import { getKeyPolicy, listKeyPolicies, listResourceTags, putKeyPolicy, tagResource, untagResource } from './operations-settings.ts'
import { deriveSharedSecret, getPublicKey, sign, verify } from './operations-signing.ts'
import { passTime } from './passing-time.ts'
import { type OperationName, trailOf } from './trail.ts'

const OPERATIONS: Readonly<Partial<Record<OperationName, Operation>>> = {
  CancelKeyDeletion: cancelKeyDeletion,
  CreateAlias: createAlias,
  CreateGrant: createGrant,
  CreateKey: createKey,
  Decrypt: decrypt,
  DeleteAlias: deleteAlias,
  DeleteImportedKeyMaterial: deleteImportedKeyMaterial,
  DeriveSharedSecret: deriveSharedSecret,
  DescribeKey: describeKey,
  DisableKey: switchTo('Disabled'),
  DisableKeyRotation: disableKeyRotation,
  EnableKey: switchTo('Enabled'),
  EnableKeyRotation: enableKeyRotation,
  Encrypt: encrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyPair: generateDataKeyPair,
  GenerateDataKeyPairWithoutPlaintext: generateDataKeyPairWithoutPlaintext,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateMac: generateMac,
  GenerateRandom: generateRandom,
  GetKeyLastUsage: getKeyLastUsage,
  GetKeyPolicy: getKeyPolicy,
  GetKeyRotationStatus: getKeyRotationStatus,
  GetParametersForImport: getParametersForImport,
  GetPublicKey: getPublicKey,
  ImportKeyMaterial: importKeyMaterial,
  ListAliases: listAliases,
  ListGrants: listGrants,
  ListKeyPolicies: listKeyPolicies,
  ListKeyRotations: listKeyRotations,
  ListKeys: listKeys,
  ListResourceTags: listResourceTags,
  ListRetirableGrants: listRetirableGrants,
  PutKeyPolicy: putKeyPolicy,
  ReEncrypt: reEncrypt,
  ReplicateKey: replicateKey,
  RetireGrant: retireGrant,
  RevokeGrant: revokeGrant,
  RotateKeyOnDemand: rotateKeyOnDemand,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  Sign: sign,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateAlias: updateAlias,
  UpdateKeyDescription: updateKeyDescription,
  UpdatePrimaryRegion: updatePrimaryRegion,
  Verify: verify,
  VerifyMac: verifyMac,
}

export type KmsParts = {
  /** Left out: everybody may do everything. */
  readonly access?: Access
  /** How long a grant is of use only with its token; 0 if left out. */
  readonly grantDelayMs?: number
  /** Lets keys rotate, expire and go at their time; left out: with the next call. */
  readonly clock?: AlarmClock
  /** Told of what KMS does by itself, while the database writes it. */
  onServiceEvent?(event: ServiceEvent): void
}

/** KMS with real cryptography and key states. Keys live in the database's tables `kms_…`, so they survive a restart. */
export function createKms(db: DatabaseSync, parts: KmsParts = {}): Service {
  const { access = OPEN_ACCESS, clock, grantDelayMs = 0, onServiceEvent } = parts
  const stores = storesIn(db)
  const passTimeTo = (timeMs: number): void => passTime(stores, timeMs, (event) => onServiceEvent?.(serviceEventOf(event, timeMs)))
  const alarm = clock === undefined ? null : createAlarm(clock, stores.moments.nextMs, passTimeTo)
  alarm?.set()
  let before: Promise<unknown> = Promise.resolve()
  async function callAlone(call: ServiceCall): Promise<ServiceAnswer> {
    const name = Object.hasOwn(OPERATIONS, call.operation) ? (call.operation as OperationName) : null
    const operation = name === null ? undefined : OPERATIONS[name]
    if (name === null || operation === undefined) return unknownOperation()
    passTimeTo(call.timeMs)
    const outcome = (await refusedAccess({ stores, access, grantDelayMs }, call)) ?? operation(stores, call)
    if (!CATALOGUE[KMS_EVENT_SOURCE][name].readOnly) alarm?.set()
    const trail = keepUse(stores.lastUses, call, outcome, trailOf(name, call, outcome))
    if (outcome.ok) return { output: outcome.value.output, trail }
    return refusedCall(outcome.refusal.code, outcome.refusal.message, trail)
  }

  return {
    signingName: 'kms',
    targetPrefixes: ['TrentService'],
    eventSource: KMS_EVENT_SOURCE,
    call(call) {
      // One at a time: nothing changes between the judging of a call and the call.
      const answer = before.then(() => callAlone(call))
      before = answer.catch(() => undefined)
      return answer
    },
  }
}
