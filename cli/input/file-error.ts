const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'a link that leads to itself',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'a folder, where a file is needed',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'too many open files',
  EIO: 'the device failed to read it',
  Z_DATA_ERROR: 'the gzip data is corrupt',
  Z_BUF_ERROR: 'the gzip data is cut off',
}

/** Why a file could not be read (on). Anything but an error of the file system or of zlib is a bug, and thrown on. */
export function fileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined || !/^(E[A-Z0-9]+|Z_[A-Z_]+)$/.test(code)) throw error
  return REASONS[code] ?? `it cannot be read (${code})`
}
