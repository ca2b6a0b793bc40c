import type { DatabaseSync } from 'node:sqlite'

/** The dimensions of a metric as one text, the same for the same dimensions in whatever order they came. */
export type DimensionsText = string

export type DataPoint = { readonly startS: number; readonly count: number }
export type PointsQuery = {
  readonly region: string
  readonly dimensions: DimensionsText
  /** Where the first period begins; a whole minute. */
  readonly fromS: number
  /** Minutes that begin before this. */
  readonly untilS: number
  readonly periodS: number
  readonly newestFirst: boolean
  readonly skip: number
  readonly limit: number
}

/** How often each metric was counted in each minute. */
export type Minutes = {
  count(metric: { readonly region: string; readonly dimensions: DimensionsText }, timeMs: number): void
  /** Periods in which nothing was counted have no point. */
  points(query: PointsQuery): readonly DataPoint[]
  /** The metrics counted in minutes from `sinceS` to before `untilS`, in order, those behind `after`. */
  metrics(query: {
    readonly region: string
    readonly sinceS: number
    readonly untilS: number
    readonly after: string
    readonly limit: number
  }): readonly DimensionsText[]
}

/** "Data points with a period of 3600 seconds are available for 455 days." https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html */
const RETENTION_S = 455 * 86_400
const DAY_S = 86_400
export const MINUTE_S = 60

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cloudwatch_minutes (
    region TEXT NOT NULL, dimensions TEXT NOT NULL, minute_s INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (region, dimensions, minute_s)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS cloudwatch_minutes_by_time ON cloudwatch_minutes (minute_s);
`

/** One metric, kept in the database: in the local cloud only `SuccessfulRequest` of `AWS/KMS` is published. */
export function minutesIn(db: DatabaseSync): Minutes {
  db.exec(SCHEMA)
  const add = db.prepare(
    'INSERT INTO cloudwatch_minutes VALUES (?, ?, ?, 1) ON CONFLICT (region, dimensions, minute_s) DO UPDATE SET count = count + 1',
  )
  const prune = db.prepare('DELETE FROM cloudwatch_minutes WHERE minute_s < ?')
  // Numbers come in as SQLite's REAL, which divides otherwise.
  const start = 'CAST($fromS AS INTEGER) + (minute_s - CAST($fromS AS INTEGER)) / CAST($periodS AS INTEGER) * CAST($periodS AS INTEGER)'
  const pointsIn = (order: 'ASC' | 'DESC') =>
    db.prepare(
      `SELECT ${start} AS start_s, sum(count) AS count FROM cloudwatch_minutes
       WHERE region = $region AND dimensions = $dimensions AND minute_s >= $fromS AND minute_s < $untilS
       GROUP BY start_s ORDER BY start_s ${order} LIMIT $limit OFFSET $skip`,
    )
  const oldestFirst = pointsIn('ASC')
  const newestFirst = pointsIn('DESC')
  const known = db.prepare(
    `SELECT DISTINCT dimensions FROM cloudwatch_minutes
     WHERE region = $region AND minute_s >= $sinceS AND minute_s < $untilS AND dimensions > $after ORDER BY dimensions LIMIT $limit`,
  )
  let prunedDay = 0
  return {
    count: ({ region, dimensions }, timeMs) => {
      const minuteS = wholeMinuteS(timeMs)
      add.run(region, dimensions, minuteS)
      const day = Math.floor(minuteS / DAY_S)
      if (day === prunedDay) return
      prune.run(minuteS - RETENTION_S)
      prunedDay = day
    },
    points: ({ newestFirst: isNewestFirst, ...query }) =>
      (isNewestFirst ? newestFirst : oldestFirst)
        .all(query)
        .map((row) => ({ startS: Number(row['start_s']), count: Number(row['count']) })),
    metrics: (query) => known.all(query).map((row) => String(row['dimensions'])),
  }
}

/** The minute that a time lies in. */
export function wholeMinuteS(timeMs: number): number {
  return Math.floor(timeMs / 1000 / MINUTE_S) * MINUTE_S
}
