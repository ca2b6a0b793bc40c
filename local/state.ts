import { existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CERTIFICATE_FILE, ENDPOINT_FILE } from '../shared/local-order.ts'
import { lockFolder } from './folder-lock.ts'
import { makeOwnFile, makeOwnFolder } from './own-files.ts'

/** What the local cloud keeps. Each of its parts makes its own tables in `db`. */
export type LocalState = {
  /** Null if all is kept in memory. */
  readonly folder: string | null
  readonly db: DatabaseSync
  /** Lets others have the folder. Close what uses the database before. */
  close(): void
}

/** The state cannot be opened: another version of Keytrail wrote it, or it is damaged. */
export class StateUnreadable extends Error {
  override readonly name = 'StateUnreadable'
  readonly folder: string
  constructor(folder: string, reason: string) {
    super(`The state of the local cloud in ${folder} ${reason}. Start with --fresh to begin anew, or name another folder.`)
    this.folder = folder
  }
}

const DATABASE = 'state.sqlite'
export const DYNAMODB_FOLDER = 'dynamodb'
export const QUEUES_FOLDER = 'queues'
export const CERTIFICATE_KEY_FILE = 'certificate-key.pem'
const CERTIFICATE_FILES = [CERTIFICATE_FILE, CERTIFICATE_KEY_FILE].flatMap((name) => [name, `${name}.new`])
/** What SQLite may put beside it. */
const DATABASE_PARTS = ['-wal', '-shm', '-journal'].map((end) => `${DATABASE}${end}`)
const OWN_FOLDERS = [DYNAMODB_FOLDER, QUEUES_FOLDER]
/** All that the local cloud writes into its folder besides the lock; `fresh` removes these and nothing else. */
const OWN_NAMES = [DATABASE, ...DATABASE_PARTS, ENDPOINT_FILE, ...CERTIFICATE_FILES, ...OWN_FOLDERS]
/** To be raised when tables change in a way that older state does not fit. */
const VERSION = 2

/**
 * Opens the folder (made if missing, for its owner only) and holds it until closed or dead. What the local cloud writes there is its owner's
 * alone, even in a folder that others can enter. With `fresh` what it wrote before is removed first. Throws `FolderInUse`, `StateUnreadable`, and what the file system throws.
 */
export async function openState(folder: string, options: { readonly fresh: boolean }): Promise<LocalState> {
  const place = path.resolve(folder)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(place)
  try {
    if (options.fresh) for (const name of OWN_NAMES) rmSync(path.join(place, name), { recursive: true, force: true })
    makePrivate(place)
    const db = openDatabase(place)
    return {
      folder: place,
      db,
      close() {
        db.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Keys and secrets stand in there. */
function makePrivate(place: string): void {
  makeOwnFile(path.join(place, DATABASE))
  for (const part of DATABASE_PARTS.map((name) => path.join(place, name))) if (existsSync(part)) makeOwnFile(part)
  for (const name of OWN_FOLDERS) {
    try {
      makeOwnFolder(path.join(place, name))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      throw new StateUnreadable(place, `cannot be read (${name} is no folder)`)
    }
  }
}

/** State that ends with the process. */
export function memoryState(): LocalState {
  const db = new DatabaseSync(':memory:')
  return { folder: null, db, close: () => db.close() }
}

function openDatabase(folder: string): DatabaseSync {
  const db = new DatabaseSync(path.join(folder, DATABASE))
  try {
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
    if (version !== 0 && version !== VERSION) throw new StateUnreadable(folder, `is of version ${version}, not ${VERSION}`)
    // A crash of the process loses nothing that was written; a power cut may lose the last writes, never the file. https://sqlite.org/wal.html
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA user_version = ${VERSION}`)
    return db
  } catch (error) {
    db.close()
    if (error instanceof StateUnreadable || !isSqliteError(error)) throw error
    throw new StateUnreadable(folder, `cannot be read (${error.message})`)
  }
}

function isSqliteError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}
