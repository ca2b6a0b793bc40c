import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'
import { choice, flag, integer, list, required, text, wrongType } from '../kms/input.ts'
import { accepted, type Checked, refuseRequest, together } from '../kms/outcome.ts'

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html and the types it names */
export const JOB_NAME = { lengthMax: 63, pattern: /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/ }
const ROLE_ARN = { lengthMin: 20, lengthMax: 2048, pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/ }
const KMS_KEY_ID = { lengthMin: 0, lengthMax: 2048, pattern: /^[a-zA-Z0-9:/_-]*$/ }
const S3_PATH = { lengthMax: 1024, pattern: /^(https|s3):\/\/([^/]+)\/?(.*)$/ }
const CHANNEL_NAME = { lengthMax: 64, pattern: /^[A-Za-z0-9.\-_]+$/ }
const INSTANCE_TYPE = { lengthMax: 64, pattern: /^ml\.[a-z0-9-]+\.[a-z0-9]+$/ }
const INPUT_MODES = ['Pipe', 'File', 'FastFile'] as const
const CHANNELS_MAX = 20
const TAGS_MAX = 50
const ENTRIES_MAX = 100
const ENTRY_LENGTH_MAX = 2500
const COUNT_MAX = 2 ** 31 - 1
/** "You can't request a VolumeKmsKeyId when using an instance type with local storage", which the instance encrypts itself. */
const LOCAL_STORAGE = /^ml\.(?:g4dn|g5|g6|g6e|g7e|p3dn|p4d|p4de|p5|p5e|p5en|p6-b200|p6-b300|p6e-gb200|r5d|trn1|trn1n|trn2)\./
/** What a job may have on AWS and cannot have here. */
const NOT_HAD = ['ServerlessJobConfig', 'SessionChainingConfig']
const RESOURCES_NOT_HAD = ['InstanceGroups', 'InstancePreferences', 'TrainingPlanArn', 'InstancePlacementConfig']

/** The job's name, if the request is one that SageMaker's API takes. Whether role, image, key and data exist is not looked up. */
export function trainingJobRequest(input: JsonObject): Checked<{ readonly name: string }> {
  const missing = lacking(input, NOT_HAD)
  if (missing !== null) return missing
  const checked = together({
    name: required('TrainingJobName', text(input, 'TrainingJobName', JOB_NAME)),
    role: required('RoleArn', text(input, 'RoleArn', ROLE_ARN)),
    algorithm: part(input, 'AlgorithmSpecification', algorithm),
    output: part(input, 'OutputDataConfig', outputConfig),
    resources: part(input, 'ResourceConfig', resourceConfig),
    // A day, if it is left out.
    stopping:
      (memberOf(input, 'StoppingCondition') ?? null) === null ? accepted(null) : part(input, 'StoppingCondition', stoppingCondition),
    channels: channels(input),
    tags: list(input, 'Tags', { countMax: TAGS_MAX }),
    hyperParameters: entries(input, 'HyperParameters'),
    environment: entries(input, 'Environment'),
    isIsolated: flag(input, 'EnableNetworkIsolation'),
    isTrafficEncrypted: flag(input, 'EnableInterContainerTrafficEncryption'),
    isSpot: flag(input, 'EnableManagedSpotTraining'),
  })
  return checked.ok ? accepted({ name: checked.value.name }) : checked
}

function algorithm(value: JsonObject): Checked<unknown> {
  const checked = together({
    mode: required('TrainingInputMode', choice(value, 'TrainingInputMode', INPUT_MODES)),
    image: text(value, 'TrainingImage', { lengthMax: 255 }),
    name: text(value, 'AlgorithmName', { lengthMax: 170 }),
  })
  if (!checked.ok) return checked
  const { image, name } = checked.value
  return (image === null) === (name === null)
    ? refused('You must specify either the algorithm name or the training image of AlgorithmSpecification, and not both.')
    : checked
}

function outputConfig(value: JsonObject): Checked<unknown> {
  return together({
    path: required('S3OutputPath', text(value, 'S3OutputPath', S3_PATH)),
    keyId: text(value, 'KmsKeyId', KMS_KEY_ID),
  })
}

function resourceConfig(value: JsonObject): Checked<unknown> {
  const missing = lacking(value, RESOURCES_NOT_HAD)
  if (missing !== null) return missing
  const checked = together({
    type: required('InstanceType', text(value, 'InstanceType', INSTANCE_TYPE)),
    count: required('InstanceCount', integer(value, 'InstanceCount', { min: 1, max: COUNT_MAX })),
    size: required('VolumeSizeInGB', integer(value, 'VolumeSizeInGB', { min: 1, max: COUNT_MAX })),
    keyId: text(value, 'VolumeKmsKeyId', KMS_KEY_ID),
    keepAlive: integer(value, 'KeepAlivePeriodInSeconds', { min: 0, max: 3600 }),
  })
  if (!checked.ok) return checked
  const { type, keyId } = checked.value
  return keyId !== null && keyId !== '' && LOCAL_STORAGE.test(type)
    ? refused(`VolumeKmsKeyId cannot be requested for ${type}, which has local storage that the instance encrypts.`)
    : checked
}

function stoppingCondition(value: JsonObject): Checked<unknown> {
  return together({
    runtime: integer(value, 'MaxRuntimeInSeconds', { min: 1, max: COUNT_MAX }),
    wait: integer(value, 'MaxWaitTimeInSeconds', { min: 1, max: COUNT_MAX }),
    pending: integer(value, 'MaxPendingTimeInSeconds', { min: 7200, max: 2_419_200 }),
  })
}

function channels(input: JsonObject): Checked<unknown> {
  const sent = list(input, 'InputDataConfig', { countMax: CHANNELS_MAX })
  if (!sent.ok || sent.value === null) return sent
  if (sent.value.length === 0) return refused('InputDataConfig must have 1 member at least if it is given.')
  for (const channel of sent.value) {
    if (!isJsonObject(channel)) return wrongType('InputDataConfig')
    const checked = together({
      name: required('ChannelName', text(channel, 'ChannelName', CHANNEL_NAME)),
      source: part(channel, 'DataSource', (source) => accepted(source)),
    })
    if (!checked.ok) return checked
  }
  return sent
}

function entries(input: JsonObject, name: string): Checked<unknown> {
  const value = memberOf(input, name) ?? {}
  if (!isJsonObject(value)) return wrongType(name)
  const pairs = Object.entries(value)
  const fits = pairs.every(([key, each]) => key.length <= ENTRY_LENGTH_MAX && typeof each === 'string' && each.length <= ENTRY_LENGTH_MAX)
  return fits && pairs.length <= ENTRIES_MAX
    ? accepted(value)
    : refused(`${name} may have ${ENTRIES_MAX} entries of ${ENTRY_LENGTH_MAX} characters at most.`)
}

function part(input: JsonObject, name: string, check: (value: JsonObject) => Checked<unknown>): Checked<unknown> {
  const value = memberOf(input, name) ?? null
  if (value === null) return required(name, accepted(null))
  return isJsonObject(value) ? check(value) : wrongType(name)
}

function lacking(input: JsonObject, names: readonly string[]): Checked<never> | null {
  const name = names.find((each) => memberOf(input, each) !== undefined)
  return name === undefined ? null : refused(`The local cloud does not have ${name} of training jobs.`)
}

function refused(message: string): Checked<never> {
  return refuseRequest('ValidationException', message)
}
