import { type JsonObject, memberOf } from '../../shared/json.ts'
import { choice, integer, text, wrongType } from '../kms/input.ts'
import { accepted, type Checked, together } from '../kms/outcome.ts'
import type { Outcome } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import type { TrainingJob, TrainingJobs } from './training-jobs.ts'

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html */
const PAGE_DEFAULT = 10
const PAGE_MAX = 100
const NAME_LENGTH_MAX = 63
const TOKEN_LENGTH_MAX = 8192
const STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped'] as const
const HAD = ['CreationTimeAfter', 'CreationTimeBefore', 'MaxResults', 'NameContains', 'NextToken', 'SortBy', 'SortOrder', 'StatusEquals']

export function listTrainingJobs(jobs: TrainingJobs, { input, region }: ServiceCall): Outcome {
  const unknown = Object.keys(input).find((name) => !HAD.includes(name))
  if (unknown !== undefined) return invalid(`The local cloud does not list training jobs by ${unknown}.`)
  const checked = together({
    limit: integer(input, 'MaxResults', { min: 1, max: PAGE_MAX }),
    name: text(input, 'NameContains', { lengthMax: NAME_LENGTH_MAX }),
    status: choice(input, 'StatusEquals', STATUSES),
    sortBy: choice(input, 'SortBy', ['Name', 'CreationTime']),
    order: choice(input, 'SortOrder', ['Ascending', 'Descending']),
    after: text(input, 'NextToken', { lengthMax: TOKEN_LENGTH_MAX }),
    fromS: seconds(input, 'CreationTimeAfter'),
    untilS: seconds(input, 'CreationTimeBefore'),
  })
  if (!checked.ok) return checked.refusal
  const { name, status, sortBy, order, after, fromS, untilS } = checked.value
  const limit = checked.value.limit ?? PAGE_DEFAULT
  const sign = order === 'Descending' ? -1 : 1
  const place = (job: TrainingJob): string => (sortBy === 'Name' ? '' : String(job.createdMs).padStart(15, '0')) + job.name
  const last = after === null ? null : Buffer.from(after, 'base64url').toString('utf8')
  const found = jobs
    .all(region)
    .filter((job) => name === null || job.name.includes(name))
    .filter((job) => status === null || status === statusOf(job))
    .filter(({ createdMs }) => (fromS === null || createdMs > fromS * 1000) && (untilS === null || createdMs < untilS * 1000))
    .filter((job) => last === null || (sign === 1 ? place(job) > last : place(job) < last))
    .toSorted((one, other) => (place(one) < place(other) ? -sign : sign))
  const page = found.slice(0, limit)
  const end = page.at(-1)
  return {
    output: {
      TrainingJobSummaries: page.map(summary),
      ...(found.length > limit && end !== undefined && { NextToken: Buffer.from(place(end)).toString('base64url') }),
    },
  }
}

function summary(job: TrainingJob): JsonObject {
  const { arn, name, createdMs, stoppedMs } = job
  return {
    TrainingJobName: name,
    TrainingJobArn: arn,
    CreationTime: createdMs / 1000,
    LastModifiedTime: (stoppedMs ?? createdMs) / 1000,
    TrainingJobStatus: statusOf(job),
    ...(stoppedMs !== null && { TrainingEndTime: stoppedMs / 1000 }),
  }
}

function statusOf({ stoppedMs }: TrainingJob): 'InProgress' | 'Stopped' {
  return stoppedMs === null ? 'InProgress' : 'Stopped'
}

function seconds(input: JsonObject, name: string): Checked<number | null> {
  const value = memberOf(input, name) ?? null
  if (value === null || typeof value === 'number') return accepted(value)
  return wrongType(name)
}

function invalid(message: string): Outcome {
  return { code: 'ValidationException', message }
}
