import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compileScanner } from '../scripts/build-scanner.ts'

it('holds the scanner as its source compiles to (npm run build:scanner writes it)', async () => {
  const committed = readFileSync(new URL('../shared/cloudtrail/scan/scanner-wasm.ts', import.meta.url), 'utf8')
  expect(await compileScanner()).toBe(committed)
})
