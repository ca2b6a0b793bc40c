import { timestamp } from './metadata.ts'
import { managedKey, type Operation } from './operation.ts'
import { accepted } from './outcome.ts'

/** Uses before this day were not kept. https://docs.aws.amazon.com/kms/latest/developerguide/monitoring-keys-determining-usage.html */
const TRACKING_STARTED_MS = Date.parse('2026-04-23T00:00:00Z')

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html */
export const getKeyLastUsage: Operation = (stores, call) => {
  const key = managedKey(stores, call)
  if (!key.ok) return key
  const { keyArn, keyId, createdMs } = key.value
  const use = stores.lastUses.find(keyArn)
  return accepted({
    output: {
      KeyId: keyId,
      KeyLastUsage:
        use === null
          ? {}
          : {
              Operation: use.operation,
              Timestamp: timestamp(use.usedMs),
              CloudTrailEventId: use.eventId,
              KmsRequestId: use.requestId,
            },
      TrackingStartDate: timestamp(Math.max(TRACKING_STARTED_MS, createdMs)),
      KeyCreationDate: timestamp(createdMs),
    },
    resourceArns: [keyArn],
  })
}
