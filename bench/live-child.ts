/** Programs that are measured by themselves: in a process of their own, on one core. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export const REGION = 'eu-central-1'
export const TABLE = 'usage'

export type Child = { readonly process: ChildProcess; /** What it says first. */ readonly said: unknown }

/** Runs a file beside this one until it has said something. What it prints is not shown. @throws if it ends without a word */
export async function startChild(
  file: string,
  options: { readonly core?: number; readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Child> {
  const { core, args = [], env = {} } = options
  const pinned = core === undefined ? [] : ['taskset', '-c', String(core)]
  const [command = '', ...rest] = [...pinned, process.execPath, '--expose-gc', path.join(import.meta.dirname, file), ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, ...env } })
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`${file} ended with ${String(status)} (taskset is needed: Linux)`)
  })
  const [said] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
  ended.catch(() => undefined)
  return { process: child, said }
}

/** What the SDK needs to find a table of live-table.ts. */
export function environmentOf(url: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'AKIALOCALCLOUDUSER00',
    AWS_SECRET_ACCESS_KEY: 'no-secret-is-checked',
  }
}
