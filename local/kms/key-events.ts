import type { JsonObject } from '../../shared/json.ts'
import type { ServiceEvent } from '../cloudtrail/service-event.ts'
import type { Key } from './keys.ts'
import type { RotationType } from './materials.ts'

/** What KMS does by itself, and CloudTrail tells of. */
export type KeyEvent = { readonly key: Key } & (
  | { readonly name: 'DeleteKey' | 'DeleteExpiredKeyMaterial' | 'SynchronizeMultiRegionKey' }
  | {
      readonly name: 'RotateKey'
      readonly rotationType: RotationType
      readonly previousMaterialId: string | null
      readonly currentMaterialId: string
    }
)

/** Members of each record: https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html and the pages linked below. */
export function serviceEventOf(event: KeyEvent, timeMs: number): ServiceEvent {
  const { keyArn, region } = event.key
  const accountId = keyArn.split(':')[4] ?? ''
  return {
    eventName: event.name,
    region,
    accountId,
    timeMs,
    ...detailsOf(event),
    resources: [{ accountId, type: 'AWS::KMS::Key', ARN: keyArn }],
  }
}

function detailsOf(event: KeyEvent): { readonly responseElements: JsonObject | null; readonly serviceEventDetails: JsonObject | null } {
  const { keyArn, keyId, origin } = event.key
  switch (event.name) {
    case 'RotateKey': {
      const { rotationType, previousMaterialId, currentMaterialId } = event
      const details = {
        rotationType,
        keyOrigin: origin,
        previousKeyMaterialId: previousMaterialId,
        currentKeyMaterialId: currentMaterialId,
      }
      return { responseElements: null, serviceEventDetails: { ...details, keyId } }
    }
    // https://docs.aws.amazon.com/kms/latest/developerguide/ct-delete-key.html
    case 'DeleteKey':
      return { responseElements: { keyId: keyArn }, serviceEventDetails: { keyId } }
    // https://docs.aws.amazon.com/kms/latest/developerguide/ct-deleteexpiredkeymaterial.html
    case 'DeleteExpiredKeyMaterial':
      return { responseElements: null, serviceEventDetails: { keyId } }
    // https://docs.aws.amazon.com/kms/latest/developerguide/ct-synchronize-multi-region-key.html
    case 'SynchronizeMultiRegionKey':
      return { responseElements: { keyId: keyArn }, serviceEventDetails: null }
  }
}
