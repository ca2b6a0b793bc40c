import { expect, it } from 'vitest'
import { progressText } from '../../cli/output/progress.ts'

it.each([
  { bytesDone: 0, ms: 200, text: '3 of 10 files · 0.0 of 400.0 MB · 0.0 MB/s · time left unknown' },
  { bytesDone: 100e6, ms: 1000, text: '3 of 10 files · 100.0 of 400.0 MB · 100.0 MB/s · 3 s left' },
  { bytesDone: 4e6, ms: 1000, text: '3 of 10 files · 4.0 of 400.0 MB · 4.0 MB/s · 1 min 39 s left' },
  { bytesDone: 400e6, ms: 4000, text: '3 of 10 files · 400.0 of 400.0 MB · 100.0 MB/s · 0 s left' },
])('tells rate and time left: $text', ({ bytesDone, ms, text }) => {
  expect(progressText({ files: 10, filesDone: 3, bytes: 400e6, bytesDone, ms })).toBe(text)
})

it('tells no time left where the size is unknown', () => {
  expect(progressText({ files: 1, filesDone: 0, bytes: 0, bytesDone: 5e6, ms: 500 })).toBe('reading: 5.0 MB · 10.0 MB/s')
})
