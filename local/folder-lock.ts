import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeOwnFile } from './own-files.ts'

/** Another process, or this one, holds the folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly folder: string
  /** Null if the holder has not said yet. */
  readonly holderPid: number | null
  constructor(folder: string, holderPid: number | null) {
    const holder = holderPid === null ? 'another process' : `process ${holderPid}`
    super(`A local cloud already runs in ${folder} (${holder}). Use that one, stop it, or name another folder.`)
    this.folder = folder
    this.holderPid = holderPid
  }
}

const LOCK = 'lock.sqlite'
const HOLDER = 'lock.holder'
const PID = /^[1-9]\d{0,9}$/
/** The holder writes its process id right after it took the lock. */
const HOLDER_TRIES = 5
const HOLDER_TRY_MS = 20

/**
 * Holds a folder by an exclusive lock on an SQLite file: the operating system lets go of it when the process dies, however it dies, which a
 * file that merely exists cannot do. Throws `FolderInUse`.
 */
export async function lockFolder(folder: string): Promise<{ release(): void }> {
  const holderFile = path.join(folder, HOLDER)
  const lockFile = path.join(folder, LOCK)
  makeOwnFile(lockFile)
  const db = new DatabaseSync(lockFile)
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!isBusy(error)) throw error
    throw new FolderInUse(folder, await toldHolder(holderFile))
  }
  writeFileSync(holderFile, String(process.pid), { mode: 0o600 })
  return {
    release() {
      rmSync(holderFile, { force: true })
      db.close()
    },
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5
  // Extended codes carry more in the higher bits. https://sqlite.org/rescode.html
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === SQLITE_BUSY
}

async function toldHolder(holderFile: string): Promise<number | null> {
  for (let tries = 0; tries < HOLDER_TRIES; tries++) {
    if (tries > 0) await sleep(HOLDER_TRY_MS)
    const pid = pidIn(holderFile)
    if (pid !== null) return pid
  }
  return null
}

function pidIn(holderFile: string): number | null {
  try {
    const text = readFileSync(holderFile, 'utf8')
    return PID.test(text) ? Number(text) : null
  } catch {
    return null
  }
}
