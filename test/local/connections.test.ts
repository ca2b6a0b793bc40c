import { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlAnswer } from '../../local/control.ts'
import { type Ground, openGround } from './ground.ts'
import { listeningBeyondLoopback } from './sockets.ts'

let ground: Ground

beforeEach(async () => {
  ground = await openGround()
})

afterEach(() => ground.close())

describe('connections', () => {
  it('are kept for the next call, and closed at the end', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets = new Set<number | undefined>()
    for (let call = 0; call < 3; call++) {
      await new Promise((resolve, reject) => {
        const request = get(`${ground.endpoint.url}/_keytrail/health`, { agent }, (response) => response.resume().on('end', resolve))
        request.on('socket', (socket) => socket.once('connect', () => sockets.add(socket.localPort)))
        request.on('error', reject)
      })
    }
    expect(sockets.size).toBe(1)
    await ground.endpoint.close()
    await expect(fetch(`${ground.endpoint.url}/_keytrail/health`)).rejects.toThrow('fetch failed')
    agent.destroy()
  })

  it('with a running call are waited for, but not without end', async () => {
    let answer: (() => void) | undefined
    const running = (): Promise<ControlAnswer> =>
      new Promise((resolve) => {
        answer = () => resolve({ status: 200, body: {} })
      })
    const patient = await openGround({ control: { 'GET /slow': running } })
    const called = fetch(`${patient.endpoint.url}/_keytrail/slow`)
    await expect.poll(() => answer).toBeTypeOf('function')
    const closed = patient.close()
    answer?.()
    expect((await called).status).toBe(200)
    await closed
    const impatient = await openGround({ control: { 'GET /never': () => new Promise<never>(() => undefined) }, closeWaitMs: 20 })
    const cut = fetch(`${impatient.endpoint.url}/_keytrail/never`).catch(String)
    await fetch(`${impatient.endpoint.url}/_keytrail/health`)
    await impatient.close()
    expect(await cut).toContain('fetch failed')
  })
})

describe('a port', () => {
  it('that is taken is told', async () => {
    await expect(openGround({ port: ground.endpoint.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it.runIf(process.platform === 'linux')('is open on 127.0.0.1 only', async () => {
    expect(listeningBeyondLoopback()).toEqual([])
    for (const host of ['0.0.0.0', '::']) {
      const wide = createServer()
      await new Promise<void>((resolve) => {
        wide.listen({ host, port: 0 }, resolve)
      })
      expect(listeningBeyondLoopback(), host).toHaveLength(1)
      await new Promise((resolve) => {
        wide.close(resolve)
      })
    }
  })
})
