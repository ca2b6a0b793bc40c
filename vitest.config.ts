import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

// A config file has no other way to export.
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    testTimeout: 60_000,
    // Files share a process: starting one for each, and loading the SDK in it, takes a quarter of the time. No file changes what others see.
    isolate: false,
    // One more than the smallest machine has cores: many tests wait for processes of their own.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
})
