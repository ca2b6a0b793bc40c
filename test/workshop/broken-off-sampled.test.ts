import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { USE_CASES } from '../../shared/workshop/use-cases.ts'
import { dyingRun, expectCleanedUp, expectPlayed } from '../support/workshop-plays.ts'
import { openWorkshop, type WorkshopGround } from '../support/workshop-stage.ts'

/** Every call of these is tried in broken-off.test.ts. */
const SHORT = ['sse', 'caching']
/** Prime: it falls into no step with calls that come in pairs. */
const STRIDE = 23

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let ground: WorkshopGround
let before: readonly string[]
beforeAll(async () => {
  ground = await openWorkshop()
  before = await ground.inventory()
}, HOOK_MS)
afterAll(() => ground.close())

const long = USE_CASES.filter(({ name }) => !SHORT.includes(name))

describe.each(long.map((useCase) => [useCase.name, useCase] as const))('a run of %s', (_name, useCase) => {
  it('may die at its calls, and leaves nothing that cannot be cleaned up', async () => {
    let nth = 5
    for (let time = 0; (await dyingRun(ground, useCase, nth, time % 2 === 0 ? 'after' : 'before')) === 'died'; time++) {
      // Every other time the next run itself has to get along with what this one left.
      if (time % 2 === 0) await expectCleanedUp(ground, useCase, before)
      nth += STRIDE
    }
    expect(nth).toBeGreaterThan(2 * STRIDE)
    await expectPlayed(ground, useCase)
    await expectCleanedUp(ground, useCase, before)
  })
})
