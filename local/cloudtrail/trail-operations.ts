import { type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import type { ServiceCall } from '../service.ts'
import { type Outcome, recordedMembers, type RecordedOperation, type Refusal, refusal } from '../recorded-operation.ts'
import { DEFAULT_SELECTORS } from './selectors.ts'
import { badTrailName, isSeenIn, trailArn, trailOfCall } from './trail-names.ts'
import type { Trails, TrailSettings, TrailState } from './trails.ts'

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html */
const TRAILS_PER_REGION_MAX = 5
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/

export function trailOperations(trails: Trails): readonly (readonly [name: string, RecordedOperation])[] {
  return [
    ['CreateTrail', { readOnly: false, run: (call) => createTrail(trails, call) }],
    ['UpdateTrail', { readOnly: false, run: (call) => updateTrail(trails, call) }],
    ['DeleteTrail', { readOnly: false, run: (call) => deleteTrail(trails, call) }],
    ['GetTrail', { readOnly: true, run: (call) => getTrail(trails, call) }],
    ['DescribeTrails', { readOnly: true, run: (call) => describeTrails(trails, call) }],
    ['ListTrails', { readOnly: true, run: () => listTrails(trails) }],
    ['StartLogging', { readOnly: false, run: (call) => setLogging(trails, call, true) }],
    ['StopLogging', { readOnly: false, run: (call) => setLogging(trails, call, false) }],
    ['GetTrailStatus', { readOnly: true, run: (call) => getTrailStatus(trails, call) }],
  ]
}

const NEW_TRAIL: TrailSettings = {
  s3BucketName: '',
  s3KeyPrefix: null,
  snsTopicName: null,
  includeGlobalServiceEvents: true,
  isMultiRegion: false,
  isOrganization: false,
  logFileValidation: false,
  kmsKeyId: null,
}

function createTrail(trails: Trails, call: ServiceCall): Outcome {
  const name = textOf(call.input, 'Name') ?? ''
  const badName = badTrailName(name)
  if (badName !== null) return badName
  const settings = settingsOf(call.input, NEW_TRAIL)
  if ('code' in settings) return settings
  const arn = trailArn(call, name)
  const inRegion = trails.list().filter((trail) => isSeenIn(trail, call.region))
  if (inRegion.some((trail) => trail.name === name)) {
    return refusal('TrailAlreadyExistsException', `Trail ${name} already exists for customer: ${call.accountId}`)
  }
  if (inRegion.length >= TRAILS_PER_REGION_MAX) {
    return refusal(
      'MaximumNumberOfTrailsExceededException',
      `User: ${call.accountId} already has ${TRAILS_PER_REGION_MAX} trails in ${call.region}.`,
    )
  }
  const trail: TrailState = {
    name,
    arn,
    homeRegion: call.region,
    accountId: call.accountId,
    settings,
    selectors: DEFAULT_SELECTORS,
    hasCustomSelectors: false,
    isLogging: false,
    startedMs: null,
    stoppedMs: null,
  }
  trails.put(trail)
  return changed(trail)
}

function updateTrail(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'Name'), 'change')
  if ('code' in trail) return trail
  const settings = settingsOf(call.input, trail.settings)
  if ('code' in settings) return settings
  const updated = { ...trail, settings }
  trails.put(updated)
  return changed(updated)
}

/** What the call sets over what was; an empty text takes a setting away. */
function settingsOf(input: JsonObject, was: TrailSettings): TrailSettings | Refusal {
  const flag = (name: string, before: boolean): boolean => {
    const value = memberOf(input, name)
    return typeof value === 'boolean' ? value : before
  }
  const text = (name: string, before: string | null): string | null => (Object.hasOwn(input, name) ? textOf(input, name) : before)
  const s3BucketName = text('S3BucketName', was.s3BucketName) ?? ''
  if (!BUCKET_NAME.test(s3BucketName)) return refusal('InvalidS3BucketNameException', 'Bucket name is no name of an S3 bucket.')
  const settings = {
    s3BucketName,
    s3KeyPrefix: text('S3KeyPrefix', was.s3KeyPrefix),
    snsTopicName: text('SnsTopicName', was.snsTopicName),
    includeGlobalServiceEvents: flag('IncludeGlobalServiceEvents', was.includeGlobalServiceEvents),
    isMultiRegion: flag('IsMultiRegionTrail', was.isMultiRegion),
    isOrganization: flag('IsOrganizationTrail', was.isOrganization),
    logFileValidation: flag('EnableLogFileValidation', was.logFileValidation),
    kmsKeyId: text('KmsKeyId', was.kmsKeyId),
  }
  if (settings.isMultiRegion && !settings.includeGlobalServiceEvents) {
    return refusal('InvalidParameterCombinationException', 'Multi-Region trail must include global service events.')
  }
  return settings
}

/** The members in the order in which CreateTrail answers them. */
function settingMembers(trail: TrailState): JsonObject {
  const { settings } = trail
  return {
    Name: trail.name,
    S3BucketName: settings.s3BucketName,
    ...(settings.s3KeyPrefix !== null && { S3KeyPrefix: settings.s3KeyPrefix }),
    ...(settings.snsTopicName !== null && { SnsTopicName: settings.snsTopicName }),
    IncludeGlobalServiceEvents: settings.includeGlobalServiceEvents,
    IsMultiRegionTrail: settings.isMultiRegion,
    TrailARN: trail.arn,
    LogFileValidationEnabled: settings.logFileValidation,
    IsOrganizationTrail: settings.isOrganization,
    ...(settings.kmsKeyId !== null && { KmsKeyId: settings.kmsKeyId }),
  }
}

function changed(trail: TrailState): Outcome {
  const output = settingMembers(trail)
  return { output, responseElements: recordedMembers(output) }
}

function described(trail: TrailState): JsonObject {
  return {
    ...settingMembers(trail),
    HomeRegion: trail.homeRegion,
    HasCustomEventSelectors: trail.hasCustomSelectors,
    HasInsightSelectors: false,
  }
}

function deleteTrail(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'Name'), 'change')
  if ('code' in trail) return trail
  trails.remove(trail.arn)
  return { output: {} }
}

function getTrail(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'Name'), 'read')
  return 'code' in trail ? trail : { output: { Trail: described(trail) } }
}

/** Names that mean no trail are left out of the answer, as on AWS. */
function describeTrails(trails: Trails, call: ServiceCall): Outcome {
  const names = memberOf(call.input, 'trailNameList') ?? []
  const withShadows = memberOf(call.input, 'includeShadowTrails') !== false
  if (!Array.isArray(names)) return refusal('InvalidTrailNameException', 'trailNameList must be a list of names.')
  if (names.length === 0) {
    const seen = trails.list().filter((trail) => (withShadows ? isSeenIn(trail, call.region) : trail.homeRegion === call.region))
    return { output: { trailList: seen.map(described) } }
  }
  const found: TrailState[] = []
  for (const name of names) {
    const trail = trailOfCall(trails, call, name, 'read')
    if (!('code' in trail)) found.push(trail)
    else if (trail.code !== 'TrailNotFoundException') return trail
  }
  return { output: { trailList: found.map(described) } }
}

function listTrails(trails: Trails): Outcome {
  return { output: { Trails: trails.list().map(({ arn, name, homeRegion }) => ({ TrailARN: arn, Name: name, HomeRegion: homeRegion })) } }
}

function setLogging(trails: Trails, call: ServiceCall, isLogging: boolean): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'Name'), 'change')
  if ('code' in trail) return trail
  trails.put({ ...trail, isLogging, ...(isLogging ? { startedMs: call.timeMs } : { stoppedMs: call.timeMs }) })
  return { output: {} }
}

function getTrailStatus(trails: Trails, call: ServiceCall): Outcome {
  const trail = trailOfCall(trails, call, memberOf(call.input, 'Name'), 'read')
  if ('code' in trail) return trail
  const { isLogging, startedMs, stoppedMs } = trail
  return {
    output: {
      IsLogging: isLogging,
      ...(startedMs !== null && { StartLoggingTime: startedMs / 1000 }),
      ...(stoppedMs !== null && { StopLoggingTime: stoppedMs / 1000 }),
    },
  }
}
