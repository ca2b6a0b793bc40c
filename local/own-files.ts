import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'

/** Makes a folder that is its owner's alone, or makes it so; in it the modes of files no longer matter. */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
}

/**
 * Makes an empty file that is its owner's alone, or makes the file so: SQLite would make it for everybody to read, and what it puts beside
 * it takes the mode of the file. https://sqlite.org/src/file/src/os_unix.c (findCreateFileMode)
 */
export function makeOwnFile(file: string): void {
  try {
    // A file that exists is never opened: closing it would take this process's locks off it. https://sqlite.org/howtocorrupt.html
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    chmodSync(file, 0o600)
  }
}
