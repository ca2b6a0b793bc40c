import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { checkUseCase } from '../../shared/workshop/run-use-case.ts'
import { USE_CASES } from '../../shared/workshop/use-cases.ts'
import { expectCleanedUp, expectPlayed } from '../support/workshop-plays.ts'
import { openWorkshop, type WorkshopGround } from '../support/workshop-stage.ts'

/** As late as on AWS, often twice, and in another order. */
const DELIVERY = { delayMs: { p50: 120_000, p99: 600_000 }, duplicateShare: 0.2, lossShare: 0 }
/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let ground: WorkshopGround

beforeAll(async () => {
  ground = await openWorkshop({ delivery: DELIVERY })
}, HOOK_MS)
afterAll(() => ground.close())

describe.each(USE_CASES.map((useCase) => [useCase.name, useCase] as const))('%s', (name, useCase) => {
  it('runs twice, is checked, and leaves nothing behind', async () => {
    const before = await ground.inventory()
    await expectPlayed(ground, useCase)
    await expectPlayed(ground, useCase)
    expect(await ground.inventory()).not.toEqual(before)
    await expectCleanedUp(ground, useCase, before)

    await using opened = await ground.open(name)
    expect(await checkUseCase(useCase, opened.stage)).toBeNull()
    expect(await cleanUp(opened.stage)).toEqual([])
    expect(ground.cloud.faults).toEqual([])
  })
})
