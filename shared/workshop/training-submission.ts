import { makeGrant } from './grants.ts'
import { refusalText } from './make.ts'
import type { TrainingJob } from './ports.ts'
import type { RunFacts } from './registry.ts'
import { allow, type RoleSession } from './roles.ts'
import { type Stage, step } from './stage.ts'
import { outcomeOf } from './taking-effect.ts'
import { makeFile, noteObject, noteTrainingJob, ownName } from './things.ts'
import { outputObject, trainingImage, trainingJob } from './training-job.ts'
import { ASSETS_CONTEXT, ASSETS_PREFIX, type AssetsPlace } from './training-step.ts'

export const JOB_FILE = 'training-job.json'
export const NOT_ASKED_FOR = 'not asked for'

type Trainer = AssetsPlace & Pick<RoleSession, 'roleArn' | 'roleName'>

/** The request of the job, and its submission if it was asked for. */
export async function showTrainingJob(stage: Stage, trainer: Trainer): Promise<RunFacts> {
  const jobName = ownName(stage, stage.newId())
  const { caller } = stage
  const job = trainingJob({ ...trainer, caller, jobName, assetsPrefix: ASSETS_PREFIX })
  const text = JSON.stringify(job, null, 2)
  await makeFile(stage, JOB_FILE, Buffer.from(`${text}\n`))
  step(
    stage,
    `The request of a training job that does the same: ${JOB_FILE}`,
    ...text.split('\n'),
    'The key encrypts the volumes of the machines that train (VolumeKmsKeyId) and what they write to S3 (OutputDataConfig.KmsKeyId).',
    'Nothing secret is in it: the role is named, and SageMaker gives the container credentials of that role, which end by themselves.',
    'The container is not isolated from the network: isolated ones get no credentials and reach no KMS. Keep it in with VpcConfig and endpoints of S3 and KMS.',
  )
  if (stage.submits !== true) return { jobName, submitted: NOT_ASKED_FOR }
  return { jobName, submitted: await submit(stage, trainer, job) }
}

async function submit(stage: Stage, trainer: Trainer, job: TrainingJob): Promise<string> {
  const { keyArn, bucket, roleArn, roleName } = trainer
  const { partition, accountId, region } = stage.caller
  const logs = `arn:${partition}:logs:${region}:${accountId}:log-group:/aws/sagemaker/TrainingJobs`
  // What SageMaker does in the name of the role. https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms
  await allow(stage, roleName, 'training-job', [
    { actions: ['kms:CreateGrant', 'kms:DescribeKey', 'kms:GenerateDataKey', 'kms:Encrypt'], resources: [keyArn] },
    { actions: ['s3:PutObject'], resources: [`arn:${partition}:s3:::${bucket}/output/*`] },
    { actions: ['s3:ListBucket'], resources: [`arn:${partition}:s3:::${bucket}`] },
    { actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], resources: [`${logs}*`] },
    { actions: ['ecr:GetAuthorizationToken', 'cloudwatch:PutMetricData'], resources: ['*'] },
    {
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: [`arn:${partition}:ecr:${region}:${accountId}:repository/*`],
    },
  ])
  const grant = await makeGrant(stage, { keyArn, granteeArn: roleArn, operations: ['Decrypt'], context: ASSETS_CONTEXT })
  await noteTrainingJob(stage, job.TrainingJobName)
  await noteObject(stage, { bucket, key: outputObject(job.TrainingJobName) })
  const submitted = await stage.aws.training.submit(job)
  step(
    stage,
    submitted.ok ? 'The training job is submitted' : 'SageMaker did not take the training job',
    submitted.ok ? submitted.value : refusalText(submitted),
    `It runs ${trainingImage(stage.caller)}, which has to be yours and to decrypt the assets.`,
    `It has a grant of its own, ${grant.name}, which ends with the clean-up: so does the job, if it still runs.`,
  )
  return outcomeOf(submitted)
}
