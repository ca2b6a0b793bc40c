import { fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { isJsonObject, textOf } from '../../shared/json.ts'
import { AUDIT_FUNCTIONS, CERTIFICATE_FILE, ENDPOINT_FILE, type LocalNews, type LocalOrder } from '../../shared/local-order.ts'
import { epochS } from '../../shared/time.ts'
import type { WorkshopTime } from '../../shared/workshop/ports.ts'
import { shown } from '../output/shown.ts'
import { askLocal } from './local-control.ts'

/** A local cloud that can be used; `close` ends it if it was started for this. */
export type LocalTarget = { readonly access: AwsAccess; readonly time: WorkshopTime; readonly description: string; close(): Promise<void> }

const LOCAL = fileURLToPath(new URL('../../local/main.ts', import.meta.url))
/** As late, and as often twice, as events of CloudTrail usually are. */
const DELIVERY = { delayMs: { p50: 120_000, p99: 600_000 }, duplicateShare: 0.05, lossShare: 0 }
const HEALTH_TIMEOUT_MS = 2000
const OK = 200

/** The local cloud cannot be had; the reason stands on stderr already, or in the message. */
export class LocalCloudMissing extends Error {
  override readonly name = 'LocalCloudMissing'
}

/**
 * The local cloud whose state is in this folder: the one that runs there, or one that is started for the time being. Nothing of the
 * environment is asked: its endpoints and credentials are for AWS. @throws LocalCloudMissing
 */
export async function openLocalTarget(folder: string): Promise<LocalTarget> {
  const running = await runningIn(folder)
  const { news, close } = running === null ? await started(folder) : { news: running, close: () => Promise.resolve() }
  const { url, region } = news
  const certificateFile = path.join(folder, CERTIFICATE_FILE)
  return {
    access: {
      endpoint: url,
      region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      ...(existsSync(certificateFile)
        ? { secure: { endpoint: url.replace('http:', 'https:'), certificate: readFileSync(certificateFile, 'utf8') } }
        : {}),
    },
    time: localTime(url),
    description: `the local cloud in ${shown(folder)}${running === null ? '' : `, which runs at ${shown(url)}`}`,
    close,
  }
}

async function runningIn(folder: string): Promise<LocalNews | null> {
  const file = path.join(folder, ENDPOINT_FILE)
  if (!existsSync(file)) return null
  try {
    const news: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const [url, region, now] = isJsonObject(news) ? [textOf(news, 'url'), textOf(news, 'region'), textOf(news, 'now')] : []
    if (typeof url !== 'string' || !/^http:\/\/127\.0\.0\.1:\d+$/.test(url) || typeof region !== 'string') return null
    const { status } = await askLocal(url, { name: 'health', timeoutMs: HEALTH_TIMEOUT_MS })
    return status === OK ? { url, region, folder, now: now ?? '' } : null
  } catch {
    // It died before it could write the file whole, or take it away.
    return null
  }
}

function started(folder: string): Promise<{ readonly news: LocalNews; close(): Promise<void> }> {
  const order: LocalOrder = { folder, fresh: false, port: 0, verbose: false, delivery: DELIVERY, idle: AUDIT_FUNCTIONS }
  const child = fork(LOCAL, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  child.send(order)
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new LocalCloudMissing('The local cloud did not start.')))
    child.once('message', (news: LocalNews) =>
      resolve({
        news,
        async close() {
          child.kill('SIGTERM')
          await ended
        },
      }),
    )
  })
}

/** The local cloud's clock: time passes when it is told to, and what is due then has been done. */
function localTime(url: string): WorkshopTime {
  const ask = async (request: Parameters<typeof askLocal>[1]): Promise<unknown> => {
    const { status, body } = await askLocal(url, request)
    if (status !== OK) throw new Error(`the local cloud answered ${status} to ${request.name}`)
    return body
  }
  return {
    async now() {
      const clock = await ask({ name: 'clock' })
      const now = isJsonObject(clock) ? epochS(Number(clock['nowMs'])) : null
      if (now === null) throw new Error('the local cloud tells no time')
      return now
    },
    async pass(ms) {
      await ask({ method: 'POST', name: 'clock/advance', body: { ms } })
      await ask({ method: 'POST', name: 'settle' })
    },
  }
}
