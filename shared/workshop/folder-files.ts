import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isJsonObject, memberOf, parsedJson } from '../json.ts'
import { WorkshopObstacle } from './make.ts'
import type { WorkshopFiles } from './ports.ts'

const MANIFEST = 'manifest.json'
const FORMAT = 'keytrail.workshop-files/1'
const PLAIN_NAME = /^[\w][\w.-]{0,99}$/
const READ_BYTES_MAX = 16 * 1024 * 1024
const MANIFEST_BYTES_MAX = 64 * 1024

/** Names of the files that a run made, and the SHA-256 of what it wrote. */
type Manifest = Readonly<Record<string, string>>

/**
 * The files of a use case in a folder, which is made with the first of them. What a run makes stands in `manifest.json` beside it, from before
 * it is written; nothing else is ever overwritten or taken away. @throws WorkshopObstacle if somebody else's file is in the way
 */
export function folderFiles(folder: string): WorkshopFiles {
  const manifestFile = path.join(folder, MANIFEST)

  function manifest(): Manifest {
    const bytes = readIn(folder, MANIFEST, MANIFEST_BYTES_MAX)
    const document: unknown = bytes === null ? null : parsedJson(Buffer.from(bytes).toString('utf8'))
    const files = isJsonObject(document) && memberOf(document, 'format') === FORMAT ? memberOf(document, 'files') : null
    if (bytes !== null && !isJsonObject(files)) throw new WorkshopObstacle(`${manifestFile} is not what a run wrote: move the folder away.`)
    return isJsonObject(files) ? Object.fromEntries(Object.entries(files).map(([name, digest]) => [name, String(digest)])) : {}
  }

  function writeManifest(files: Manifest): void {
    writeFileSync(manifestFile, `${JSON.stringify({ format: FORMAT, files }, null, 2)}\n`, { mode: 0o600 })
  }

  return {
    folder,
    read: (name) => readIn(folder, name, READ_BYTES_MAX),
    write(name, bytes) {
      const listed = manifest()
      const found = readIn(folder, name, READ_BYTES_MAX)
      if (found !== null && listed[name] !== digestOf(found)) {
        throw new WorkshopObstacle(`${path.join(folder, name)} is in the way: it is not what a run made. Move it, or take another folder.`)
      }
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeManifest({ ...listed, [name]: digestOf(bytes) })
      writeFileSync(path.join(folder, name), bytes, { mode: 0o600 })
    },
    remove(name) {
      const { [name]: digest, ...others } = manifest()
      if (digest === undefined) return 'not-made-here'
      const found = readIn(folder, name, READ_BYTES_MAX)
      if (found !== null && digestOf(found) !== digest) return 'changed'
      rmSync(path.join(folder, name), { force: true })
      if (Object.keys(others).length > 0) writeManifest(others)
      else forget(folder, manifestFile)
      return found === null ? 'missing' : 'removed'
    },
  }
}

/** Null if there is no such file. Links are not followed: they lead to files of somebody else's. */
function readIn(folder: string, name: string, bytesMax: number): Uint8Array | null {
  if (!PLAIN_NAME.test(name)) throw new Error('a file of a use case has a plain name')
  const file = path.join(folder, name)
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return null
  if (!found.isFile()) throw new WorkshopObstacle(`${file} is no plain file: move it away.`)
  if (found.size > bytesMax) throw new WorkshopObstacle(`${file} is larger than ${bytesMax} bytes.`)
  return readFileSync(file)
}

/** The folder goes with the last of its files, unless somebody put more there. */
function forget(folder: string, manifestFile: string): void {
  rmSync(manifestFile, { force: true })
  try {
    if (existsSync(folder)) rmdirSync(folder)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
