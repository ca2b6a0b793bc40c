import { describe, expect, it } from 'vitest'
import { enforceMessages, type EnforcePorts } from '../../shared/changes/enforce-messages.ts'
import { enforceBody } from '../../shared/findings/enforce-request.ts'
import { NOW } from '../findings/findings-ground.ts'
import { bucket, createWorld, encryption, key, type Meet, OFF, PERSON, request, ROTATION, SSE_C, type World } from './model-world.ts'

type Parked = Parameters<EnforcePorts['park']>[0]

function portsOf(world: World, changes: Partial<EnforcePorts> = {}, meet?: Meet) {
  const [parked, told] = [new Array<Parked>(), new Array<string>()]
  return {
    parked,
    told,
    change: world.ports({}, meet),
    park: async (message: Parked) => void parked.push(message),
    tell: async (reason: string) => void told.push(reason),
    remainingMs: () => 120_000,
    ...changes,
  }
}

function messages(...bodies: readonly string[]) {
  return bodies.map((body, index) => ({ id: `m${index}`, body, sentAt: NOW }))
}

const [A, B, C] = [key('a'), key('b'), bucket('c')]
const OF_A = enforceBody(request(A, ROTATION))
const OF_B = enforceBody(request(B, ROTATION))
const OF_C = enforceBody(request(C, SSE_C))

const broken = () => Promise.reject(new Error('no queue'))

function weak(): World {
  const world = createWorld()
  world.account.add(A, OFF)
  world.account.add(B, OFF)
  world.account.add(C, encryption())
  return world
}

describe('a batch of requests', () => {
  it('puts each right once, parks what asks for nothing, and tells once', async () => {
    const world = weak()
    const ports = portsOf(world)
    const { failed, counts } = await enforceMessages(messages(OF_A, '{"cut', OF_B, OF_A, OF_C, '{"format":"keytrail.enforce/1"}'), ports)
    expect(failed).toEqual([])
    expect(Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))).toEqual({ done: 3, malformed: 2 })
    expect(world.account.writes).toHaveLength(3)
    expect(ports.parked.map(({ messageId, kind }) => [messageId, kind])).toEqual([
      ['m1', 'malformed'],
      ['m5', 'malformed'],
    ])
    expect(ports.told).toEqual(['changes'])
  })

  it('fails in those alone that are to come again', async () => {
    const world = weak()
    world.account.at(A.arn).isUnready = true
    const { failed, counts } = await enforceMessages(messages(OF_A, OF_B, OF_A), portsOf(world))
    expect(failed).toEqual(['m0', 'm2'])
    expect([counts.later, counts.done]).toEqual([1, 1])
  })

  it('fails in those alone on whose way something broke', async () => {
    const world = weak()
    let writes = 0
    const meet: Meet = (name, run) => (name === 'write' && writes++ === 0 ? Promise.reject(new Error('the way is broken')) : run())
    const { failed, failures, counts } = await enforceMessages(messages(OF_A, OF_B), portsOf(world, {}, meet))
    expect(failed).toHaveLength(1)
    expect(failures.map(({ message }) => message)).toEqual(['the way is broken'])
    expect(counts.done).toBe(1)
  })

  it('leaves what there is no time for', async () => {
    const world = weak()
    let calls = 0
    const { failed } = await enforceMessages(messages(OF_A, OF_B), portsOf(world, { remainingMs: () => (calls++ === 0 ? 60_000 : 59_999) }))
    expect(failed).toEqual(['m1'])
    expect(world.account.writes).toHaveLength(1)
  })

  it('comes again where it could not be parked, and not where nobody could be told', async () => {
    const world = weak()
    const { failed, failures } = await enforceMessages(messages('', OF_A), portsOf(world, { park: broken, tell: broken }))
    expect(failed).toEqual(['m0'])
    expect(failures).toHaveLength(1)
  })

  it('is let go while Keytrail is stopped: the next sweep asks again', async () => {
    const world = weak()
    await world.control.setStop({ by: PERSON, reason: 'a freeze', at: NOW })
    const ports = portsOf(world)
    const { failed, counts } = await enforceMessages(messages(OF_A, OF_B), ports)
    expect([failed, counts.stopped, world.account.writes, ports.told]).toEqual([[], 2, [], []])
  })
})
