/**
 * One measurement in a process of its own, so that the parent can pin it to cores: `usage-child.ts <what> <rounds> <file…>`.
 * Prints JSON: the milliseconds of each round, and what was counted.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

export type Measurement = { readonly roundsMs: readonly number[]; readonly counted: number }

/** What DuckDB is asked: the same answer in its simplest form, without repeats across ReEncrypt's keys, twins or windows. */
export function duckdbQuery(files: readonly string[], threads: number): readonly string[] {
  const list = files.map((file) => `'${file}'`).join(', ')
  return [
    `SET threads = ${threads}`,
    `SELECT key, name, count(DISTINCT id) AS calls FROM (
       SELECT r->>'eventID' AS id, r->>'eventName' AS name, r->'resources'->0->>'ARN' AS key
       FROM (SELECT unnest(Records) AS r FROM read_json([${list}], columns = {Records: 'JSON[]'}, maximum_object_size = 1073741824))
       WHERE r->>'eventSource' = 'kms.amazonaws.com')
     GROUP BY ALL ORDER BY ALL`,
  ]
}

async function gunzip(files: readonly string[]): Promise<number> {
  let bytes = 0
  for (const file of files) {
    await pipeline(createReadStream(file), createGunzip({ chunkSize: 1 << 20 }), async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) bytes += piece.length
    })
  }
  return bytes
}

async function duckdb(files: readonly string[]): Promise<number> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const [settings = '', query = ''] = duckdbQuery(files, 2)
  await connection.run(settings)
  const rows = (await connection.runAndReadAll(query)).getRowObjects()
  return rows.reduce((total, row) => total + Number(row['calls']), 0)
}

const MEASURED = { gunzip, duckdb }

if (import.meta.main) {
  const [what = '', rounds = '', ...files] = process.argv.slice(2)
  const measured = MEASURED[what as keyof typeof MEASURED]
  const roundsMs: number[] = []
  let counted = 0
  for (let round = 0; round < Number(rounds); round++) {
    const begun = performance.now()
    counted = await measured(files)
    roundsMs.push(performance.now() - begun)
  }
  const result: Measurement = { roundsMs, counted }
  process.stdout.write(JSON.stringify(result))
}
