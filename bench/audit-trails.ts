import { ACCOUNT, benchResource, type BenchResource, denied, isUnread, REGION, turnOf, uuidOf } from './audit-resource.ts'

/** Trails as accounts have them, every seventh seen from another Region than its own. */
export function ordinaryTrails(count: number): readonly BenchResource[] {
  return Array.from({ length: count }, (_, index) => {
    const homeRegion = index % 7 === 0 ? 'us-east-1' : REGION
    const arn = `arn:aws:cloudtrail:${homeRegion}:${ACCOUNT}:trail/trail-${index}`
    const trail = benchResource(
      { kind: 'cloudtrail_trail', arn, accountId: ACCOUNT, region: REGION },
      {
        homeRegion,
        kmsKey: index % 3 === 0 ? null : `arn:aws:kms:${homeRegion}:${ACCOUNT}:key/${uuidOf(index)}`,
        validatesLogFiles: index % 4 !== 0,
        isLogging: index % 11 !== 0,
        latestDeliveryError: index % 13 === 0 ? 'NoSuchBucket' : null,
        managementEvents:
          index % 10 === 0
            ? 'none'
            : {
                reads: index % 5 !== 0,
                writes: true,
                excludedSources: turnOf(index, [[], [], ['kms.amazonaws.com'], ['rdsdata.amazonaws.com']]),
              },
      },
      null,
    )
    return isUnread(index) ? { ...trail, facts: { ...trail.facts, managementEvents: denied('cloudtrail:GetEventSelectors') } } : trail
  })
}
