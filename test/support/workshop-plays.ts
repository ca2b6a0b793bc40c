import { expect } from 'vitest'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import type { UseCase } from '../../shared/workshop/use-case.ts'
import { standingEntries, type Wire, type WorkshopGround } from './workshop-stage.ts'

/** When a program dies: before a request leaves, or before its answer is read. */
export type Moment = 'before' | 'after'

class Died extends Error {
  override readonly name = 'Died'
}

/** A wire on which the program dies at its nth call: nothing goes out any more. */
function dyingAt(nth: number, moment: Moment): { readonly wire: Wire; calls(): number } {
  let calls = 0
  return {
    calls: () => calls,
    wire: (handle) => async (request, options) => {
      calls++
      if (calls > nth || (calls === nth && moment === 'before')) throw new Died()
      const answer = await handle(request, options)
      if (calls < nth) return answer
      discard(answer.response.body)
      throw new Died()
    },
  }
}

/** An answer that nobody reads would hold its connection. */
export function discard(body: unknown): void {
  if (typeof body === 'object' && body !== null && 'resume' in body && typeof body.resume === 'function') body.resume()
}

/** A run that dies at its nth call, if it makes as many. */
export async function dyingRun(ground: WorkshopGround, useCase: UseCase, nth: number, moment: Moment): Promise<'died' | 'came through'> {
  const death = dyingAt(nth, moment)
  const ended = await runOver(ground, useCase, death.wire).then(
    () => 'came through' as const,
    () => 'died' as const,
  )
  expect(death.calls() >= nth, `${ended} with ${death.calls()} calls`).toBe(ended === 'died')
  return ended
}

async function runOver(ground: WorkshopGround, useCase: UseCase, wire: Wire): Promise<void> {
  await using opened = await ground.open(useCase.name, { wire })
  await runUseCase(useCase, opened.stage)
}

/** Cleans up; what is there then is what was there `before` all runs. */
export async function expectCleanedUp(ground: WorkshopGround, useCase: UseCase, before: readonly string[]): Promise<void> {
  await using opened = await ground.open(useCase.name)
  const cleaned = await cleanUp(opened.stage)
  expect(cleaned.filter(({ isLeft }) => isLeft)).toEqual([])
  expect(await standingEntries(opened)).toEqual([])
  expect(await ground.inventory()).toEqual(before)
}

/** Plays a use case as if nothing had been. */
export async function expectPlayed(ground: WorkshopGround, useCase: UseCase): Promise<void> {
  await using opened = await ground.open(useCase.name)
  await runUseCase(useCase, opened.stage)
  const result = await checkUseCase(useCase, opened.stage)
  expect(result?.checks.length).toBeGreaterThan(3)
  expect(result?.checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
}
