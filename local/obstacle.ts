import { FolderInUse } from './folder-lock.ts'
import { StateUnreadable } from './state.ts'

/** What a folder may refuse. */
const FOLDER_CODES = ['EACCES', 'EEXIST', 'EISDIR', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS']

/** What stands in the local cloud's way, in words for the person who started it; null: the error is a fault of the program. */
export function obstacleOf(error: unknown): string | null {
  if (error instanceof FolderInUse || error instanceof StateUnreadable) return error.message
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'EADDRINUSE') return 'The port is taken: name another one with --port, or 0 for any.'
  if (error instanceof Error && typeof code === 'string' && FOLDER_CODES.includes(code))
    return `The folder for the state cannot be used (${error.message}).`
  return null
}
