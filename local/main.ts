/** The process behind `keytrail local`: the local cloud by itself, until it is told to end. */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ENDPOINT_FILE, type LocalNews, type LocalOrder } from '../shared/local-order.ts'
import { startLocalCloud } from './cloud.ts'
import { obstacleOf } from './obstacle.ts'
import { forgetAws } from './own-environment.ts'

/** What the process ends with, for its parent. */
const Exit = { fine: 0, refused: 3, fault: 70 } as const
const LOG_LENGTH_MAX = 2000
/** Lines of the logger about what went well, and of the metrics. */
const ROUTINE = /^\{"(level":"(INFO|DEBUG)"|_aws")/

// Nobody is left to tell.
process.on('disconnect', () => void end())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
// Keys and secrets stand in the state: they are their owner's alone.
process.umask(0o077)
forgetAws()
process.once('message', (order: LocalOrder) => void begin(order))

let closing: Promise<void> | null = null
let close: () => Promise<void> = () => Promise.resolve()

async function begin(order: LocalOrder): Promise<void> {
  try {
    const cloud = await startLocalCloud({
      ...order,
      seed: Date.now(),
      parameters: { AuditedAccounts: '' },
      onLog: (functionName, line) => {
        if (order.verbose || !ROUTINE.test(line)) say(`${functionName}: ${line.slice(0, LOG_LENGTH_MAX)}`)
      },
      onBatch: (functionName, { messages, failed, outcome }) => {
        if (outcome.kind === 'failure') say(`${functionName} failed: ${outcome.message}`)
        else if (failed > 0) say(`${functionName}: ${failed} of ${messages} messages come again`)
      },
      onInvocation: (functionName, outcome) => {
        if (outcome.kind === 'failure') say(`${functionName} failed: ${outcome.message}`)
      },
      onLost: ({ ruleArn, targetArn, reason }) => say(`lost: an event of ${ruleArn} for ${targetArn} (${reason})`),
      onFault: (error) => say(`fault: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    })
    const now = new Date(cloud.clock.nowMs()).toISOString()
    const news: LocalNews = { url: cloud.url, region: cloud.region, folder: order.folder, now }
    const endpointFile = path.join(order.folder, ENDPOINT_FILE)
    writeFileSync(endpointFile, JSON.stringify(news))
    close = async () => {
      rmSync(endpointFile, { force: true })
      await cloud.close()
    }
    process.send?.(news)
  } catch (error) {
    const obstacle = obstacleOf(error)
    say(obstacle ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)))
    process.exit(obstacle === null ? Exit.fault : Exit.refused)
  }
}

async function end(): Promise<void> {
  closing ??= close()
  await closing
  process.exit(Exit.fine)
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
