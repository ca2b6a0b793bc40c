/** Calls per second that an account has in a Region, by service and operation; `*`: all others of the service together. */
const QUOTAS = {
  // https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
  kms: {
    DescribeKey: 2000,
    GetKeyLastUsage: 5,
    GetKeyPolicy: 1000,
    GetKeyRotationStatus: 1000,
    ListAliases: 500,
    ListGrants: 100,
    ListKeyRotations: 100,
    ListKeys: 500,
    ListResourceTags: 2000,
    '*': 5,
  },
  // No number is published for calls about buckets' settings, nor for the three services that stand together below: cautious rates.
  s3: { '*': 40 },
  // "Get, describe, and list APIs". https://docs.aws.amazon.com/en_us/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
  cloudTrail: { '*': 10 },
  events: { '*': 10 },
  sqs: { '*': 10 },
  cloudFormation: { '*': 4 },
  // "Other control-plane APIs": https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  lambda: { '*': 15 },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>

export type PacedService = keyof typeof QUOTAS

/** Which calls have a quota together, and the quota. */
export function quotaOf(service: PacedService, operation: string): { readonly name: string; readonly perSecond: number } {
  const quotas: Readonly<Record<string, number>> = QUOTAS[service]
  const name = Object.hasOwn(quotas, operation) ? operation : '*'
  return { name, perSecond: quotas[name] ?? 1 }
}
