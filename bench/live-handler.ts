/** How fast events are counted, beside parsing the same bytes. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { environmentOf, REGION, startChild, TABLE } from './live-child.ts'
import type { HandlerFigures } from './live-handler-child.ts'
import { median, say, type Verdict, within } from './live-say.ts'

const PERCENT_MIN = 40

export async function benchHandler(): Promise<readonly Verdict[]> {
  // A table that keeps nothing, and a secret.
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.0')
      response.end(JSON.stringify({ SecretString: 'a key for benches' }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const env = {
      ...environmentOf(`http://127.0.0.1:${port}`),
      USAGE_TABLE: TABLE,
      ACCOUNT_ID: '111122223333',
      AUDITED_ACCOUNTS: '',
      CONTEXT_DIGEST_SECRET: `arn:aws:secretsmanager:${REGION}:111122223333:secret:keytrail-AbCdEf`,
      POWERTOOLS_SERVICE_NAME: 'count-key-usage',
      POWERTOOLS_METRICS_NAMESPACE: 'Keytrail',
    }
    const { said } = await startChild('live-handler-child.ts', { core: 0, env })
    const figures = said as readonly HandlerFigures[]
    say('counting events in batches of 6 MB, one core; medians of turns. Counting: countMessages with a store that answers at once.')
    say('Function: the handler of count-key-usage with its middleware, the SDK, and a stand-in for the table in another process.')
    for (const { load, messages, bytes, parseMs, countMs, handlerMs } of figures) {
      say()
      say(`${load.title}: ${messages} events of ${(bytes / messages).toFixed(0)} bytes`)
      say(`  limit, JSON.parse of the bodies alone  ${rate(bytes, messages, parseMs)}`)
      say(
        `  counting                               ${rate(bytes, messages, countMs)}, ${percent(parseMs, countMs).toFixed(0)} % of the limit`,
      )
      say(`  the function                           ${rate(bytes, messages, handlerMs)}, ${percent(parseMs, handlerMs).toFixed(0)} %`)
    }
    return figures.map(({ load, parseMs, countMs }) =>
      within(`counting against JSON.parse in %, ${load.title}`, percent(parseMs, countMs), { least: PERCENT_MIN }),
    )
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Turn by turn: what else the machine does meets both alike. */
function percent(limitMs: readonly number[], ms: readonly number[]): number {
  return median(ms.map((taken, turn) => (100 * (limitMs[turn] ?? Number.NaN)) / taken))
}

function rate(bytes: number, messages: number, ms: readonly number[]): string {
  const taken = median(ms)
  return `${taken.toFixed(0).padStart(5)} ms, ${(bytes / 1000 / taken).toFixed(0)} MB/s, ${(messages / taken).toFixed(0)} thousand events/s`
}
