/** The process behind `npm start`: told what to play by its parent, and telling it what happens. */
import type { RunNews, RunOrder, RunRecords } from '../../shared/workshop/run-report.ts'
import { obstacleOf } from '../obstacle.ts'
import { forgetAws } from '../own-environment.ts'
import { runStory } from './story.ts'

const waiting: ((records: RunRecords) => void)[] = []
const received: RunRecords[] = []

// Nobody is left to tell.
process.on('disconnect', () => process.exit(0))
// The parent decides when to end.
process.on('SIGINT', () => undefined)
// Keys and secrets stand in the state: they are their owner's alone.
process.umask(0o077)
forgetAws()
process.on('message', (message: RunOrder | RunRecords) => {
  if (message.kind === 'begin') void begin(message)
  else {
    const next = waiting.shift()
    if (next === undefined) received.push(message)
    else next(message)
  }
})
tell({ kind: 'ready' })

function tell(news: RunNews): void {
  process.send?.(news)
}

async function begin(order: RunOrder): Promise<void> {
  try {
    tell({ kind: 'done', run: await runStory(order, { tell, nextRecords }) })
  } catch (error) {
    const obstacle = obstacleOf(error)
    const isFault = obstacle === null
    const reason = obstacle ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))
    tell({ kind: 'failed', reason, isFault })
  }
}

function nextRecords(): Promise<RunRecords> {
  const next = received.shift()
  return next === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(next)
}
