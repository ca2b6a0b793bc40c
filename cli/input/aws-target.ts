import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkshopTime } from '../../shared/workshop/ports.ts'
import type { Caller } from '../../shared/workshop/stage.ts'
import { now } from '../../shared/wiring.ts'
import { UsageError } from '../exit.ts'
import { shown } from '../output/shown.ts'

/** The time of this machine; waiting is waiting. */
export const awsTime: WorkshopTime = {
  now: () => Promise.resolve(now()),
  pass: async (ms) => {
    await sleep(ms)
  },
}

/** @throws UsageError where somebody has to be asked and nobody can be: before anything is called */
export function requireSomebodyToAsk(isAgreed: boolean): void {
  if (!isAgreed && !process.stdin.isTTY) throw new UsageError('--target aws asks before it acts, and there is no terminal: add --yes')
}

/** Shows whose account it is, and asks. @returns whether to go on */
export async function isConfirmed(caller: Caller, what: string, isAgreed: boolean): Promise<boolean> {
  process.stderr.write(`AWS account ${shown(caller.accountId)}, Region ${shown(caller.region)}, as ${shown(caller.arn)}\n`)
  if (isAgreed) return true
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${what} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
