import type { TrainingJob } from './ports.ts'
import type { Caller } from './stage.ts'

/** What a training job is made of here. */
export type JobParts = {
  readonly caller: Caller
  readonly jobName: string
  readonly roleArn: string
  readonly keyArn: string
  readonly bucket: string
  /** Where the encrypted assets are in the bucket. */
  readonly assetsPrefix: string
}

/** Below it SageMaker writes `<job>/output/model.tar.gz`. */
const OUTPUT_PREFIX = 'output'
const REPOSITORY = 'keytrail-training'
/** An hour: what runs on is paid for. */
const RUNTIME_S_MAX = 3600
const VOLUME_GB = 5

/**
 * The request of a training job that decrypts the assets itself. Its role says what it may do: nothing in it is secret, and nothing must be,
 * for whoever may describe the job reads it. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
 */
export function trainingJob({ caller, jobName, roleArn, keyArn, bucket, assetsPrefix }: JobParts): TrainingJob {
  return {
    TrainingJobName: jobName,
    RoleArn: roleArn,
    AlgorithmSpecification: { TrainingImage: trainingImage(caller), TrainingInputMode: 'File' },
    HyperParameters: { assets: `s3://${bucket}/${assetsPrefix}`, 'key-arn': keyArn },
    OutputDataConfig: { S3OutputPath: `s3://${bucket}/${OUTPUT_PREFIX}`, KmsKeyId: keyArn },
    ResourceConfig: { InstanceType: 'ml.m5.large', InstanceCount: 1, VolumeSizeInGB: VOLUME_GB, VolumeKmsKeyId: keyArn },
    StoppingCondition: { MaxRuntimeInSeconds: RUNTIME_S_MAX },
    // "No AWS credentials are made available" to a container in isolation, and no way to KMS: this one could not decrypt its assets.
    // https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
    EnableNetworkIsolation: false,
    EnableInterContainerTrafficEncryption: true,
  }
}

/** What the job will have written once it completed. */
export function outputObject(jobName: string): string {
  return `${OUTPUT_PREFIX}/${jobName}/output/model.tar.gz`
}

/** In a repository of the caller's own, which the use case does not make. */
export function trainingImage({ accountId, region, partition }: Caller): string {
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  return `${accountId}.dkr.ecr.${region}.${suffix}/${REPOSITORY}:latest`
}
