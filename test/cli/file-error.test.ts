import { expect, it } from 'vitest'
import { fileError } from '../../cli/input/file-error.ts'

it.each([
  { code: 'ENOENT', reason: 'no such file or folder' },
  { code: 'EACCES', reason: 'no permission to read it' },
  { code: 'Z_BUF_ERROR', reason: 'the gzip data is cut off' },
  { code: 'EWHATEVER', reason: 'it cannot be read (EWHATEVER)' },
])('says why a file could not be read: $code', ({ code, reason }) => {
  expect(fileError(Object.assign(new Error('not shown: /secret/path'), { code }))).toBe(reason)
})

it('throws on what is no fault of the file', () => {
  const bug = new TypeError('a bug')
  expect(() => fileError(bug)).toThrow(bug)
})
