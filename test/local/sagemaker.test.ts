import {
  CreateTrainingJobCommand,
  type CreateTrainingJobCommandInput,
  DescribeTrainingJobCommand,
  ListTrainingJobsCommand,
  paginateListTrainingJobs,
  ResourceInUse,
  SageMakerClient,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSageMaker } from '../../local/sagemaker/service.ts'
import type { JsonObject } from '../../shared/json.ts'
import { type Ground, openGround } from './ground.ts'
import { caller } from './service-calls.ts'

const KEY = '1234abcd-12ab-34cd-56ef-1234567890ab'

function request(TrainingJobName: string, changes: Partial<CreateTrainingJobCommandInput> = {}): CreateTrainingJobCommandInput {
  return {
    TrainingJobName,
    RoleArn: 'arn:aws:iam::000000000000:role/training',
    AlgorithmSpecification: { TrainingImage: '000000000000.dkr.ecr.us-east-1.amazonaws.com/train:1', TrainingInputMode: 'File' },
    InputDataConfig: [{ ChannelName: 'train', DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://assets/train/' } } }],
    OutputDataConfig: { S3OutputPath: 's3://assets/model', KmsKeyId: KEY },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10, VolumeKmsKeyId: KEY },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...changes,
  }
}

describe('training jobs', () => {
  const db = new DatabaseSync(':memory:')
  let ground: Ground
  let sageMaker: SageMakerClient
  beforeEach(async () => {
    db.exec('DROP TABLE IF EXISTS sagemaker_training_jobs')
    await open()
  })
  afterEach(close)

  async function open(): Promise<void> {
    ground = await openGround({ services: [createSageMaker({ db })] })
    sageMaker = new SageMakerClient(ground.client)
  }

  async function close(): Promise<void> {
    sageMaker.destroy()
    await ground.close()
  }

  it('are recorded as asked for and stay in progress until they are stopped', async () => {
    const asked = request('job-1', { HyperParameters: { token: 'hush-hush' }, EnableInterContainerTrafficEncryption: true })
    const { TrainingJobArn } = await sageMaker.send(new CreateTrainingJobCommand(asked))
    expect(TrainingJobArn).toBe('arn:aws:sagemaker:us-east-1:000000000000:training-job/job-1')
    await close()
    const { seen } = ground
    await open()
    await ground.clock.advance(48 * 3_600_000)
    const described = await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: 'job-1' }))
    expect(described).toMatchObject({ ...asked, TrainingJobArn, TrainingJobStatus: 'InProgress', SecondaryStatus: 'Starting' })
    expect(described.SecondaryStatusTransitions?.[0]?.StatusMessage).toContain('trains nothing')
    expect(described.ModelArtifacts).toBeUndefined()
    await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: 'job-1' }))
    const stopped = await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: 'job-1' }))
    expect(stopped).toMatchObject({
      TrainingJobStatus: 'Stopped',
      SecondaryStatus: 'Stopped',
      TrainingEndTime: expect.any(Date) as unknown,
    })
    await expect(sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: 'job-1' }))).rejects.toMatchObject({
      name: 'ValidationException',
    })
    const [created] = seen
    expect(created?.answer.trail).toMatchObject({
      readOnly: false,
      requestParameters: { trainingJobName: 'job-1', resourceConfig: { volumeKmsKeyId: KEY }, outputDataConfig: { kmsKeyId: KEY } },
      responseElements: { trainingJobArn: TrainingJobArn },
    })
    expect(JSON.stringify(created?.answer.trail)).not.toContain('hush-hush')
    expect(ground.seen.map(({ call, answer }) => [call.operation, answer.trail?.readOnly])).toEqual([
      ['DescribeTrainingJob', true],
      ['StopTrainingJob', false],
      ['DescribeTrainingJob', true],
      ['StopTrainingJob', false],
    ])
  })

  it('are listed in pages, by name, status and time', async () => {
    for (const name of ['b-1', 'a-1', 'c-2']) {
      await sageMaker.send(new CreateTrainingJobCommand(request(name)))
      await ground.clock.advance(1000)
    }
    await sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: 'a-1' }))
    const names: (string | undefined)[] = []
    for await (const { TrainingJobSummaries = [] } of paginateListTrainingJobs({ client: sageMaker, pageSize: 1 }, {}))
      names.push(...TrainingJobSummaries.map(({ TrainingJobName }) => TrainingJobName))
    expect(names).toEqual(['b-1', 'a-1', 'c-2'])
    const listed = async (input: JsonObject) =>
      (await sageMaker.send(new ListTrainingJobsCommand(input))).TrainingJobSummaries?.map(({ TrainingJobName }) => TrainingJobName)
    expect(await listed({ SortBy: 'Name', SortOrder: 'Descending' })).toEqual(['c-2', 'b-1', 'a-1'])
    expect(await listed({ NameContains: '-1', StatusEquals: 'InProgress' })).toEqual(['b-1'])
    expect(await listed({ CreationTimeBefore: new Date(0) })).toEqual([])
    await expect(listed({ WarmPoolStatusEquals: 'Available' })).rejects.toMatchObject({ name: 'ValidationException' })
  })

  it('have one name each, and none is invented', async () => {
    await sageMaker.send(new CreateTrainingJobCommand(request('job')))
    await expect(sageMaker.send(new CreateTrainingJobCommand(request('job')))).rejects.toThrow(ResourceInUse)
    await expect(sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: 'other' }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Requested resource not found.',
    })
  })
})

describe('a request of a training job', () => {
  const { code, answer } = caller(createSageMaker({ db: new DatabaseSync(':memory:') }))
  const base = request('x')
  const resources = { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: 10 }
  const image = { TrainingImage: 'image', TrainingInputMode: 'File' }
  const longest = 'x'.repeat(63)
  it.each<[string, string, JsonObject]>([
    ['OK', 'a name of 63 letters', { TrainingJobName: longest }],
    ['ValidationException', 'a longer name', { TrainingJobName: `${longest}x` }],
    ['ValidationException', 'an underscore in the name', { TrainingJobName: 'a_b' }],
    ['ValidationException', 'a dash at the end of the name', { TrainingJobName: 'a-' }],
    ['ValidationException', 'no role', { RoleArn: null }],
    ['ValidationException', 'a user for a role', { RoleArn: 'arn:aws:iam::000000000000:user/training' }],
    ['ValidationException', 'no algorithm', { AlgorithmSpecification: null }],
    ['ValidationException', 'an algorithm and an image', { AlgorithmSpecification: { ...image, AlgorithmName: 'a' } }],
    ['ValidationException', 'neither of them', { AlgorithmSpecification: { TrainingInputMode: 'File' } }],
    ['ValidationException', 'an unknown input mode', { AlgorithmSpecification: { ...image, TrainingInputMode: 'Tape' } }],
    ['ValidationException', 'no output', { OutputDataConfig: null }],
    ['ValidationException', 'an output elsewhere', { OutputDataConfig: { S3OutputPath: 'ftp://a/b' } }],
    ['ValidationException', 'a key with a space', { OutputDataConfig: { S3OutputPath: 's3://a/b', KmsKeyId: 'a key' } }],
    ['OK', 'no keys', { TrainingJobName: 'no-keys', OutputDataConfig: { S3OutputPath: 's3://a/b' }, ResourceConfig: resources }],
    ['ValidationException', 'no resources', { ResourceConfig: null }],
    ['ValidationException', 'no instances', { ResourceConfig: { ...resources, InstanceCount: 0 } }],
    ['ValidationException', 'no volume', { ResourceConfig: { ...resources, VolumeSizeInGB: undefined } }],
    [
      'ValidationException',
      'a key for local storage',
      { ResourceConfig: { ...resources, InstanceType: 'ml.g5.xlarge', VolumeKmsKeyId: KEY } },
    ],
    ['ValidationException', 'another one', { ResourceConfig: { ...resources, InstanceType: 'ml.p4d.24xlarge', VolumeKmsKeyId: KEY } }],
    ['OK', 'local storage without a key', { TrainingJobName: 'local', ResourceConfig: { ...resources, InstanceType: 'ml.g5.xlarge' } }],
    ['ValidationException', 'what the local cloud lacks', { ResourceConfig: { ...resources, InstanceGroups: [] } }],
    ['ValidationException', 'no time', { StoppingCondition: { MaxRuntimeInSeconds: 0 } }],
    ['OK', 'the default of time', { TrainingJobName: 'default', StoppingCondition: undefined }],
    ['ValidationException', 'a channel without source', { InputDataConfig: [{ ChannelName: 'a' }] }],
    ['ValidationException', 'no channels in a list', { InputDataConfig: [] }],
    ['ValidationException', 'a number as a parameter', { HyperParameters: { depth: 7 } }],
    ['SerializationException', 'a text for a flag', { EnableNetworkIsolation: 'yes' }],
    ['SerializationException', 'a text for resources', { ResourceConfig: 'large' }],
  ])('answers %s to %s', async (expected, _title, changes) => {
    expect(await code('CreateTrainingJob', { ...base, ...changes })).toBe(expected)
  })

  it('is refused by the name of the member', async () => {
    const asked = await answer('CreateTrainingJob', { ...base, ResourceConfig: { ...resources, InstanceType: 'm5' } })
    expect(asked).toMatchObject({ failure: { message: expect.stringContaining("Value at 'instanceType'") as unknown } })
  })
})
