import { expect, it } from 'vitest'
import { sourceFiles } from './source-files.ts'

/** A file is read in one sitting. Data may be long. */
const LINES_MAX = 300
const DATA_FILES = ['shared/cloudtrail/scan/scanner-wasm.ts']

it('keeps every file short enough to read in one sitting', () => {
  const long = sourceFiles()
    .filter(({ name }) => !DATA_FILES.includes(name))
    .map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
  expect(long).toEqual([])
})

it('leaves no test that is focused, skipped or empty', () => {
  const MARKS = /\b(?:it|test|describe)\.(?:only|skip|todo)\b|\bit\([^)]*,\s*\(\)\s*=>\s*\{\s*\}\)/
  const marked = sourceFiles().filter(({ name, text }) => name.endsWith('.test.ts') && !name.startsWith('test/tidy/') && MARKS.test(text))
  expect(marked.map(({ name }) => name)).toEqual([])
})
