import type { DatabaseSync } from 'node:sqlite'
import type { JsonObject } from '../../shared/json.ts'

export type TrainingJob = {
  readonly arn: string
  readonly name: string
  readonly request: JsonObject
  readonly createdMs: number
  /** Null: nobody stopped it. */
  readonly stoppedMs: number | null
}

export type TrainingJobs = {
  find(region: string, name: string): TrainingJob | null
  /** False: there is no room for one more. */
  add(region: string, job: TrainingJob): boolean
  stop(region: string, name: string, nowMs: number): void
  all(region: string): readonly TrainingJob[]
}

const JOBS_MAX = 1000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sagemaker_training_jobs (
    region TEXT NOT NULL, name TEXT NOT NULL, arn TEXT NOT NULL, request TEXT NOT NULL, created_ms INTEGER NOT NULL, stopped_ms INTEGER,
    PRIMARY KEY (region, name)
  ) STRICT
`

type Row = Readonly<Record<string, unknown>>

export function trainingJobsIn(db: DatabaseSync): TrainingJobs {
  db.exec(SCHEMA)
  const select = db.prepare('SELECT * FROM sagemaker_training_jobs WHERE region = ? AND name = ?')
  const selectAll = db.prepare('SELECT * FROM sagemaker_training_jobs WHERE region = ?')
  const count = db.prepare('SELECT count(*) AS count FROM sagemaker_training_jobs')
  const insert = db.prepare('INSERT INTO sagemaker_training_jobs VALUES (?, ?, ?, ?, ?, NULL)')
  const stop = db.prepare('UPDATE sagemaker_training_jobs SET stopped_ms = ? WHERE region = ? AND name = ?')
  return {
    find: (region, name) => {
      const row = select.get(region, name)
      return row === undefined ? null : jobOf(row)
    },
    add: (region, { name, arn, request, createdMs }) => {
      if (Number(count.get()?.['count']) >= JOBS_MAX) return false
      insert.run(region, name, arn, JSON.stringify(request), Math.floor(createdMs))
      return true
    },
    stop: (region, name, nowMs) => void stop.run(Math.floor(nowMs), region, name),
    all: (region) => selectAll.all(region).map(jobOf),
  }
}

function jobOf(row: Row): TrainingJob {
  return {
    arn: String(row['arn']),
    name: String(row['name']),
    request: JSON.parse(String(row['request'])) as JsonObject,
    createdMs: Number(row['created_ms']),
    stoppedMs: row['stopped_ms'] === null ? null : Number(row['stopped_ms']),
  }
}
