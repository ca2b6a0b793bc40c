import type { DatabaseSync } from 'node:sqlite'

/** Either all of it is written or nothing. A savepoint, so that it may stand within another one. */
export function inTransaction<Value>(db: DatabaseSync, write: () => Value): Value {
  db.exec('SAVEPOINT cloudtrail_write')
  try {
    const value = write()
    db.exec('RELEASE cloudtrail_write')
    return value
  } catch (error) {
    db.exec('ROLLBACK TO cloudtrail_write; RELEASE cloudtrail_write')
    throw error
  }
}
