import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileError } from './file-error.ts'

/** A file to read. `name` is what to call it: as the user wrote it, and below a folder the path from there. */
export type TrailFile = { readonly name: string; readonly path: string; readonly bytes: number }
export type TrailPaths = {
  readonly files: readonly TrailFile[]
  /** Files that hold no records by their nature. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
  /** Paths that could not be read, and folders without anything to read. */
  readonly unread: readonly { readonly file: string; readonly reason: string }[]
}

/** The name that stands for standard input. */
export const STANDARD_INPUT = '-'

const TRAIL_FILE = /\.(json|jsonl|ndjson)(\.gz)?$/i
/** The files that CloudTrail writes beside its log files. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html */
const NO_RECORDS: readonly (readonly [mark: RegExp, reason: string])[] = [
  [/(^|[/\\])CloudTrail-Digest[/\\]|_CloudTrail-Digest_/, 'digest file'],
  [/(^|[/\\])CloudTrail-Insight[/\\]|_CloudTrail-Insight_/, 'insight file'],
]

/**
 * The files that paths mean: a file as it is named, whatever its ending; below a folder every `.json`, `.jsonl`, `.ndjson`, gzipped
 * or not. Links are followed, and each folder is walked once however many links lead to it.
 */
export async function findTrailFiles(names: readonly string[], standingFolder: string): Promise<TrailPaths> {
  const files: TrailFile[] = []
  const skipped: { file: string; reason: string }[] = []
  const unread: { file: string; reason: string }[] = []

  for (const name of names) {
    if (name === STANDARD_INPUT) {
      files.push({ name, path: name, bytes: 0 })
      continue
    }
    const target = path.resolve(standingFolder, name)
    const found = await statOf(name, target)
    if (found === null) continue
    if (found.isDirectory()) {
      const before = files.length + skipped.length + unread.length
      await walk(name, target, new Set())
      if (files.length + skipped.length + unread.length === before) {
        unread.push({ file: name, reason: 'no CloudTrail files (.json, .jsonl, .ndjson, gzipped or not) in this folder' })
      }
    } else take({ name, path: target, bytes: found.size })
  }
  return { files, skipped, unread }

  async function statOf(name: string, target: string): Promise<Stats | null> {
    try {
      return await stat(target)
    } catch (error) {
      unread.push({ file: name, reason: fileError(error) })
      return null
    }
  }

  async function walk(name: string, folder: string, walked: Set<string>): Promise<void> {
    let entries: Dirent[]
    try {
      const place = await realpath(folder)
      if (walked.has(place)) return
      walked.add(place)
      entries = await readdir(folder, { withFileTypes: true })
    } catch (error) {
      unread.push({ file: name, reason: fileError(error) })
      return
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const entryName = path.join(name, entry.name)
      const target = path.join(folder, entry.name)
      if (entry.isDirectory()) await walk(entryName, target, walked)
      else if (entry.isSymbolicLink() || (entry.isFile() && TRAIL_FILE.test(entry.name))) await visit(entryName, target, walked)
    }
  }

  async function visit(name: string, target: string, walked: Set<string>): Promise<void> {
    const found = await statOf(name, target)
    if (found === null) return
    if (found.isDirectory()) return walk(name, target, walked)
    if (!found.isFile() || !TRAIL_FILE.test(name)) return
    take({ name, path: target, bytes: found.size })
  }

  function take(file: TrailFile): void {
    const reason = NO_RECORDS.find(([mark]) => mark.test(file.name))?.[1]
    if (reason === undefined) files.push(file)
    else skipped.push({ file: file.name, reason })
  }
}
