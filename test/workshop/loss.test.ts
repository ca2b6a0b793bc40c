import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import { USE_CASES } from '../../shared/workshop/use-cases.ts'
import { openWorkshop, type WorkshopGround } from '../support/workshop-stage.ts'

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let ground: WorkshopGround
beforeAll(async () => {
  ground = await openWorkshop({ delivery: { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: 1 } })
}, HOOK_MS)
afterAll(() => ground.close())

describe.each(USE_CASES.map((useCase) => [useCase.name, useCase] as const))('%s', (name, useCase) => {
  it('calls unknown what CloudTrail never tells, and neither passed nor failed', async () => {
    await using opened = await ground.open(name)
    await runUseCase(useCase, opened.stage)
    const result = await checkUseCase(useCase, opened.stage)
    const ofCounts = result?.checks.filter(({ what }) => /calls|CloudTrail/.test(what)) ?? []
    expect(ofCounts.length).toBeGreaterThan(1)
    expect(ofCounts.filter(({ verdict }) => verdict !== 'unknown')).toEqual([])
    expect(result?.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(opened.news.filter(({ kind }) => kind === 'waiting').length).toBeGreaterThan(3)
    await cleanUp(opened.stage)
  })
})
