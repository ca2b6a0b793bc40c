import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../exit.ts'

/** Standard output, or the file `out` names, which is replaced only with `force`. */
export type Destination = { readonly out?: string | undefined; readonly force: boolean; readonly standingFolder: string }

/** Refuses a file that is in the way before the work is done; `writeOutput` refuses one that comes in between. */
export function checkDestination({ out, force, standingFolder }: Destination): void {
  const found = out === undefined ? undefined : statSync(path.resolve(standingFolder, out), { throwIfNoEntry: false })
  if (found?.isDirectory() === true) throw new UsageError(`${out ?? ''} is a folder: --out takes a file`)
  if (found !== undefined && !force) throw new UsageError(`${out ?? ''} exists: --force replaces it`)
}

export function writeOutput(text: string, destination: Destination): void {
  const { out, force, standingFolder } = destination
  if (out === undefined) {
    process.stdout.write(text)
    return
  }
  try {
    writeFileSync(path.resolve(standingFolder, out), text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    checkDestination(destination)
    throw new UsageError(`${out} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`)
  }
}
