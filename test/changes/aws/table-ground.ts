import { type ControlTable, createTable } from '../../../shared/aws/table.ts'
import type { EpochS } from '../../../shared/time.ts'
import { openGround } from '../../local/ground.ts'
import { createUsageTables, type StoredItem } from '../../support/usage-tables.ts'

export const NOW = (Date.parse('2026-10-20T06:20:00Z') / 1000) as EpochS
export const DAY_S = 86_400
export const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

export type TableGround = {
  newTable(): Promise<ControlTable>
  itemsOf(table: ControlTable): Promise<readonly StoredItem[]>
  /** A text that was never made before. */
  newToken(): string
  close(): Promise<void>
}

/** Tables of a local DynamoDB, as serverless.yml describes them. */
export async function openTableGround(): Promise<TableGround> {
  const ground = await openGround()
  const tables = createUsageTables(ground.client)
  let made = 0
  return {
    newTable: async () => createTable(tables.client, (await tables.newTable()).name),
    itemsOf: tables.itemsOf,
    newToken: () => `token-${made++}`,
    async close() {
      tables.destroy()
      await ground.close()
    },
  }
}

export function later(seconds: number): EpochS {
  return (NOW + seconds) as EpochS
}

/** A table whose calls work but for the one that comes after so many. */
export function failingAt(table: ControlTable, calls: number, when: 'after' | 'before'): ControlTable {
  let left = calls
  async function meet<Result>(run: () => Promise<Result>): Promise<Result> {
    const isFailing = left-- === 0
    if (isFailing && when === 'before') throw new Error('the call failed')
    const result = await run()
    if (isFailing) throw new Error('the call failed')
    return result
  }
  return {
    ...table,
    put: (item, condition) => meet(() => table.put(item, condition)),
    remove: (pk, sk, condition) => meet(() => table.remove(pk, sk, condition)),
  }
}

/** As a client that gets no answer, and tries again by itself. */
export function retrying(table: ControlTable): ControlTable {
  return {
    ...table,
    async put(item, condition) {
      await table.put(item, condition)
      return table.put(item, condition)
    },
  }
}
