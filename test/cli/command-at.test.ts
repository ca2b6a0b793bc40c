import { expect, it } from 'vitest'
import { registeredText, stoppedText } from '../../cli/output/clean-up-text.ts'
import { commandAt } from '../../cli/output/target-json.ts'
import type { EpochS } from '../../shared/time.ts'

const CALLER = { accountId: '111122223333', region: 'eu-central-1', arn: 'arn:aws:iam::111122223333:user/alice' }
const STOP = { by: CALLER.arn, reason: 'freeze', at: 1_792_476_123 as EpochS }

it.each([
  { kind: 'local', end: '' },
  { kind: 'aws', end: ' --target aws' },
] as const)('what to go on with stays at the target: $kind', ({ kind, end }) => {
  const target = { kind, caller: CALLER }
  expect(commandAt(target, 'undo 1')).toBe(`keytrail undo 1${end}`)
  expect(stoppedText(target, STOP).join('\n')).toContain(`keytrail changes resume${end} lets it go on.`)
  expect(registeredText({ target, registered: ['alias/a'] })).toContain(`Next: keytrail clean-up${end}\n`)
})
