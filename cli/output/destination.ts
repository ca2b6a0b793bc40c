import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../exit.ts'

/** Writes to standard output, or to the file `--out` names, which is replaced only with `--force`. */
export function writeOutput(
  text: string,
  options: { readonly out?: string | undefined; readonly force: boolean; readonly standingFolder: string },
): void {
  if (options.out === undefined) {
    process.stdout.write(text)
    return
  }
  const target = path.resolve(options.standingFolder, options.out)
  try {
    writeFileSync(target, text, { flag: options.force ? 'w' : 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false
    if (isFolder) throw new UsageError(`${options.out} is a folder: --out takes a file`)
    if (code === 'EEXIST') throw new UsageError(`${options.out} exists: --force replaces it`)
    throw new UsageError(`${options.out} cannot be written (${code})`)
  }
}
