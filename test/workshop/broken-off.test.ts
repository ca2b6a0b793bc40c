import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caching } from '../../shared/workshop/caching.ts'
import { sse } from '../../shared/workshop/sse.ts'
import { dyingRun, expectCleanedUp, expectPlayed } from '../support/workshop-plays.ts'
import { openWorkshop, type WorkshopGround } from '../support/workshop-stage.ts'

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
/** To die before a call is to die behind the one before it, whose answer came: the other test has every call. */
const BEFORE_STRIDE = 3
let ground: WorkshopGround
let before: readonly string[]
beforeAll(async () => {
  ground = await openWorkshop()
  before = await ground.inventory()
}, HOOK_MS)
afterAll(() => ground.close())

describe.each([sse, caching].map((useCase) => [useCase.name, useCase] as const))('a run of %s', (_name, useCase) => {
  it('may die with the answer to any of its calls on the way, and leaves nothing that cannot be cleaned up', async () => {
    let nth = 1
    for (; (await dyingRun(ground, useCase, nth, 'after')) === 'died'; nth++) await expectCleanedUp(ground, useCase, before)
    expect(nth).toBeGreaterThan(20)
    await expectPlayed(ground, useCase)
    await expectCleanedUp(ground, useCase, before)
  })

  it('may die before any of its calls, on what the one before it left, and the next one goes on', async () => {
    let nth = 1
    // From the second run on, the first calls take away what the one before it left.
    while ((await dyingRun(ground, useCase, nth, 'before')) === 'died') nth += BEFORE_STRIDE
    expect(nth).toBeGreaterThan(20)
    await expectPlayed(ground, useCase)
    await expectCleanedUp(ground, useCase, before)
  })
})
