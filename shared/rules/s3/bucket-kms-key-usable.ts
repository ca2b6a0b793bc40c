import type { Expectations } from '../expectations.ts'
import type { BucketKeyStanding } from '../facts.ts'
import { overall } from '../overall.ts'
import { defineRule, type Resource } from '../rule.ts'
import { ORGANIZATION_NOT_KNOWN, trustIn } from '../trust.ts'
import { fail, pass, unjudged, untold, type Verdict } from '../verdict.ts'
import { usesKms } from './algorithms.ts'
import { keyPlaceIn } from './key-place.ts'
import { ENCRYPTION_EVENTS } from './watched.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html: `Updating` is a moment in which the primary Region changes. */
const USABLE_STATES = ['Enabled', 'Updating']
const UNUSABLE_STATES = ['Creating', 'Disabled', 'PendingDeletion', 'PendingImport', 'PendingReplicaDeletion', 'Unavailable']

/** S3 takes any text for a default key; only objects that are put show that it is none. */
export const s3BucketKmsKeyUsable = defineRule({
  id: 's3-bucket-kms-key-usable',
  title: 'Default KMS key of the bucket can be used',
  severity: 'high',
  resource: 's3_bucket',
  controls: [],
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html',
  watches: [
    { source: 's3.amazonaws.com', names: ENCRYPTION_EVENTS },
    {
      source: 'kms.amazonaws.com',
      names: [
        'CancelKeyDeletion',
        'DeleteExpiredKeyMaterial',
        'DeleteImportedKeyMaterial',
        'DeleteKey',
        'DisableKey',
        'EnableKey',
        'ImportKeyMaterial',
        'ScheduleKeyDeletion',
      ],
    },
  ],
  advice:
    'Enable the key or cancel its deletion, or set another default key. Objects under a key that is gone cannot be read by anybody, ever again.',
  scope: {
    facts: ['encryption'],
    outOfScope: ['buckets with SSE-S3', 'buckets under the AWS managed key, which AWS keeps usable'],
    exclude({ encryption }) {
      const withKms = encryption.filter(usesKms)
      if (withKms.length === 0) return 'no KMS key stands behind the default encryption'
      return withKms.every(({ key }) => key === null) ? 'the default key is the AWS managed key' : null
    },
  },
  facts: ['region'],
  // Where a key is and whose stands in its ARN: a stranger does not show it.
  optionalFacts: ['defaultKey'],
  evaluate({ encryption, defaultKey, region }, place) {
    const names = [...new Set(encryption.filter(usesKms).flatMap(({ key }) => (key === null ? [] : [key])))]
    return overall([
      ...(defaultKey.known ? standingOf(defaultKey.value, region, place) : [untold(defaultKey)]),
      ...names.flatMap((name) => placeOf(keyPlaceIn(name), region, place)),
      // Only the first key is looked up.
      names.length > 1 ? unjudged('kms:DescribeKey', 'MoreThanOneKey') : pass,
    ])
  },
})

type Place = { readonly resource: Resource; readonly expectations: Expectations }
type KeyPlace = ReturnType<typeof keyPlaceIn>

function standingOf(key: BucketKeyStanding | null, region: string, place: Place): readonly Verdict[] {
  if (key === null) return [fail('KMS knows no key of the name that is set')]
  return [inState(key), ofSpec(key), ...placeOf(key, region, place), ofManager(key, place)]
}

function placeOf(key: KeyPlace, region: string, place: Place): readonly Verdict[] {
  return key === null ? [] : [inRegion(key, region), ofAccount(key, place)]
}

function inState({ state }: BucketKeyStanding): Verdict {
  if (USABLE_STATES.includes(state)) return pass
  return UNUSABLE_STATES.includes(state)
    ? fail(`the state of the default key is ${state}`)
    : unjudged('kms:DescribeKey', 'KeyStateNotKnown')
}

function ofSpec({ spec }: BucketKeyStanding): Verdict {
  return spec === 'SYMMETRIC_DEFAULT' ? pass : fail(`the default key is ${spec}, and S3 takes symmetric encryption keys only`)
}

function inRegion(key: NonNullable<KeyPlace>, region: string): Verdict {
  return key.region === region ? pass : fail(`the default key is in ${key.region}, the bucket in ${region}`)
}

function ofAccount({ accountId }: NonNullable<KeyPlace>, place: Place): Verdict {
  switch (trustIn(accountId, place)) {
    case 'trusted':
      return pass
    case 'untrusted':
      return fail(`the default key belongs to account ${accountId}, which is not trusted`)
    case 'unclear':
      return unjudged('s3:GetEncryptionConfiguration', ORGANIZATION_NOT_KNOWN)
  }
}

function ofManager({ accountId, manager }: BucketKeyStanding, { resource }: Place): Verdict {
  return manager === 'AWS' && accountId !== resource.accountId
    ? fail(`the default key is an AWS managed key of account ${accountId}, which other accounts cannot use`)
    : pass
}
