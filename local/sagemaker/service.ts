import type { DatabaseSync } from 'node:sqlite'
import type { JsonObject } from '../../shared/json.ts'
import { required, text } from '../kms/input.ts'
import { answerOf, type Outcome, recordedMembers, type RecordedOperation, refusal } from '../recorded-operation.ts'
import type { Service, ServiceCall } from '../service.ts'
import { listTrainingJobs } from './list-training-jobs.ts'
import { JOB_NAME, trainingJobRequest } from './training-job-request.ts'
import { type TrainingJob, type TrainingJobs, trainingJobsIn } from './training-jobs.ts'

/** What callers are told not to put secrets into, and do. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html */
const UNRECORDED = ['HyperParameters', 'Environment']
const TRAINS_NOTHING = 'The local cloud records training jobs and trains nothing: this one stays as it is until it is stopped.'

/**
 * SageMaker as far as the requests of training jobs. Nothing is trained: a job is `InProgress` (`Starting`) until somebody stops it, and
 * never `Completed`.
 */
export function createSageMaker({ db }: { readonly db: DatabaseSync }): Service {
  const jobs = trainingJobsIn(db)
  const operations = new Map<string, RecordedOperation>([
    ['CreateTrainingJob', { readOnly: false, recorded: recordedRequest, run: (call) => createTrainingJob(jobs, call) }],
    ['DescribeTrainingJob', { readOnly: true, run: (call) => onJob(jobs, call, (job) => ({ output: description(job) })) }],
    ['ListTrainingJobs', { readOnly: true, run: (call) => listTrainingJobs(jobs, call) }],
    ['StopTrainingJob', { readOnly: false, run: (call) => onJob(jobs, call, (job) => stopTrainingJob(jobs, job, call)) }],
  ])
  return {
    signingName: 'sagemaker',
    targetPrefixes: ['SageMaker'],
    eventSource: 'sagemaker.amazonaws.com',
    call: (call) => answerOf(operations, call),
  }
}

function createTrainingJob(jobs: TrainingJobs, { input, region, accountId, timeMs }: ServiceCall): Outcome {
  const checked = trainingJobRequest(input)
  if (!checked.ok) return checked.refusal
  const { name } = checked.value
  if (jobs.find(region, name) !== null) {
    const message = 'Training job names must be unique within an AWS account and region, and a training job with this name already exists'
    return refusal('ResourceInUse', `${message} (${name})`)
  }
  const arn = `arn:aws:sagemaker:${region}:${accountId}:training-job/${name}`
  if (!jobs.add(region, { arn, name, request: input, createdMs: timeMs, stoppedMs: null }))
    return refusal('ResourceLimitExceeded', 'The local cloud has no room for one more training job.')
  return { output: { TrainingJobArn: arn }, responseElements: { trainingJobArn: arn } }
}

function stopTrainingJob(jobs: TrainingJobs, { name, stoppedMs }: TrainingJob, { region, timeMs }: ServiceCall): Outcome {
  if (stoppedMs !== null) return refusal('ValidationException', 'The request was rejected because the training job is in status Stopped.')
  jobs.stop(region, name, timeMs)
  return { output: {} }
}

function onJob(jobs: TrainingJobs, { input, region }: ServiceCall, work: (job: TrainingJob) => Outcome): Outcome {
  const name = required('TrainingJobName', text(input, 'TrainingJobName', JOB_NAME))
  if (!name.ok) return name.refusal
  const job = jobs.find(region, name.value)
  // AWS says so, whatever its reference says of ResourceNotFound.
  return job === null ? refusal('ValidationException', 'Requested resource not found.') : work(job)
}

/** What was asked for, and what became of it. There are no artifacts. */
function description({ arn, request, createdMs, stoppedMs }: TrainingJob): JsonObject {
  const { Tags: _tags, ...asked } = request
  const started = { Status: 'Starting', StartTime: createdMs / 1000, StatusMessage: TRAINS_NOTHING }
  const stopped = stoppedMs === null ? null : { Status: 'Stopped', StartTime: stoppedMs / 1000, EndTime: stoppedMs / 1000 }
  return {
    ...asked,
    TrainingJobArn: arn,
    CreationTime: createdMs / 1000,
    LastModifiedTime: (stoppedMs ?? createdMs) / 1000,
    TrainingJobStatus: stopped === null ? 'InProgress' : 'Stopped',
    SecondaryStatus: (stopped ?? started).Status,
    SecondaryStatusTransitions: stopped === null ? [started] : [{ ...started, EndTime: stopped.StartTime }, stopped],
    ...(stopped !== null && { TrainingEndTime: stopped.EndTime }),
  }
}

function recordedRequest(input: JsonObject): JsonObject {
  return recordedMembers(Object.fromEntries(Object.entries(input).filter(([name]) => !UNRECORDED.includes(name))))
}
