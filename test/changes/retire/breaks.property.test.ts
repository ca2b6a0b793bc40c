import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ModelKey } from './model-keys.ts'
import { arnOf, type Break, createGround, type Ground, modelKey } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIASES = ['alias/demo-1', 'alias/demo-2']
const RUNS_MAX = 8
const HOUR = 1

/** Hours that pass before each run, and what somebody does before it. */
type Play = {
  readonly title: string
  readonly key?: Partial<ModelKey>
  readonly runs: readonly { readonly hours: number; readonly act?: (ground: Ground) => void }[]
  readonly ends: 'scheduled' | 'saved'
}

const FORWARD = [{ hours: 0 }, { hours: 73 }, { hours: HOUR }]

const PLAYS: readonly Play[] = [
  { title: 'a retirement', runs: FORWARD, ends: 'scheduled' },
  { title: 'a retirement of a key that was disabled', key: { state: 'Disabled' }, runs: FORWARD, ends: 'scheduled' },
  {
    title: 'a key saved from its watch',
    runs: [{ hours: 0 }, { hours: HOUR }, { hours: HOUR, act: ({ kms }) => kms.use(KEY, {}) }, { hours: HOUR }],
    ends: 'saved',
  },
  {
    title: 'a key saved from its deletion',
    runs: [...FORWARD, { hours: HOUR, act: ({ kms }) => kms.use(KEY, {}) }, { hours: HOUR }],
    ends: 'saved',
  },
]

/** Plays, with one call of one run broken; then goes on until nothing changes any more. */
async function played(
  { key, runs }: Play,
  broken: (Break & { readonly run: number }) | null,
  lateS: number,
): Promise<{ ground: Ground; calls: readonly number[] }> {
  const ground = createGround({ lateS })
  ground.register(modelKey(KEY, { aliases: ALIASES, ...key }))
  const calls: number[] = []
  for (const [number, { hours, act }] of runs.entries()) {
    ground.pass(hours)
    act?.(ground)
    await ground.brokenRun(broken?.run === number ? broken : null)
    calls.push(ground.calls())
  }
  for (let run = 0; run < RUNS_MAX; run++) {
    ground.pass(run === 3 ? 73 : HOUR)
    await ground.run()
  }
  return { ground, calls }
}

/** How it ended: alike, wherever it was broken. */
function ending({ kms, retirements, registry, notices, shortestWatch }: Ground) {
  const { state, aliases = [], deletionAt = null } = kms.key(KEY) ?? {}
  const last = retirements.get(KEY)
  return {
    state,
    aliases: aliases.toSorted(),
    isPending: deletionAt !== null,
    stage: last?.stage,
    isRegistered: registry.has(KEY),
    isTold: notices.ids().includes(`${KEY}#${last?.startedAt}#${last?.version}#${last?.stage}`),
    isWatched: shortestWatch() >= 72 * 3600,
  }
}

function expectedEnding({ ends, key }: Pick<Play, 'ends' | 'key'>): ReturnType<typeof ending> {
  const rest = { stage: ends, isRegistered: true, isTold: true, isWatched: true }
  return ends === 'scheduled'
    ? { state: 'PendingDeletion', aliases: [], isPending: true, ...rest }
    : { state: key?.state ?? 'Enabled', aliases: [...ALIASES], isPending: false, ...rest }
}

describe('a run that breaks off', () => {
  it.each(PLAYS)('at any call of $title, before or after its effect, is gone on with rightly', async (play) => {
    const { calls } = await played(play, null, 0)
    for (const lateS of [0, 250]) {
      for (const [run, count] of calls.entries()) {
        for (let at = 0; at < count; at++) {
          for (const when of ['before', 'after'] as const) {
            const { ground } = await played(play, { run, at, when }, lateS)
            expect(ending(ground), `run ${run}, call ${at}, ${when}, ${lateS} s late`).toEqual(expectedEnding(play))
          }
        }
      }
    }
    expect(Math.min(...calls)).toBeGreaterThan(5)
  })

  it('at the deletion of the key leaves it to be noted by the next one', async () => {
    for (const at of Array.from({ length: 14 }, (_, number) => number)) {
      for (const when of ['before', 'after'] as const) {
        const ground = createGround()
        ground.register(modelKey(KEY, { aliases: ALIASES }))
        await ground.run()
        ground.pass(73)
        await ground.run()
        ground.pass(8 * 24)
        await ground.brokenRun({ at, when })
        ground.pass(HOUR)
        await ground.run()
        expect([ground.retirements.get(KEY)?.stage, ground.registry.has(KEY)]).toEqual(['deleted', false])
      }
    }
  })

  it('any number of times, with AWS refusing for a while, ends where it should', async () => {
    const refusals = fc.constantFrom(null, null, 'LimitExceededException', 'KMSInvalidStateException', 'ConflictException')
    const faults = fc.array(fc.record({ at: fc.nat(40), when: fc.constantFrom('before', 'after'), refusal: refusals }), {
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(faults, fc.boolean(), fc.constantFrom(0, 250), async (broken, isUsed, lateS) => {
        const ground = createGround({ lateS })
        ground.register(modelKey(KEY, { aliases: ALIASES }))
        for (const [number, { refusal, ...fault }] of broken.entries()) {
          ground.kms.refuse(() => refusal)
          await ground.brokenRun(fault)
          ground.pass(number % 2 === 0 ? 37 : HOUR)
        }
        ground.kms.refuse(() => null)
        await ground.run()
        ground.pass(HOUR)
        if (isUsed) ground.kms.use(KEY, {})
        for (let run = 0; run < RUNS_MAX; run++) {
          ground.pass(run === 3 ? 73 : HOUR)
          await ground.run()
        }
        expect(ending(ground)).toEqual(expectedEnding({ ends: isUsed ? 'saved' : 'scheduled' }))
      }),
      { numRuns: 150 },
    )
  })
})
