import { type CleanedUp, cleanUp } from './clean-up.ts'
import { WorkshopObstacle } from './make.ts'
import { type Stage, step } from './stage.ts'
import type { CheckResult, UseCase } from './use-case.ts'

/**
 * Plays a use case from its beginning: what earlier runs of the same owner left behind is taken away first, so that each run counts on keys
 * of its own and may follow one that broke off anywhere. @throws WorkshopObstacle
 */
export async function runUseCase(useCase: UseCase, stage: Stage): Promise<void> {
  const standing = (await stage.registry.entries(useCase.name)).filter(({ state }) => state !== 'retired')
  const stranger = standing.find(({ owner }) => owner !== stage.caller.arn)
  if (stranger !== undefined) {
    throw new WorkshopObstacle(
      `${stranger.owner} has this use case under way in this account and Region: let them clean it up, or take another Region.`,
    )
  }
  if (standing.length > 0) {
    const cleaned = await cleanUp(stage)
    step(stage, 'What an earlier run left is taken away', ...cleaned.map(cleanedText))
  }
  await stage.registry.writeFacts(useCase.name, null)
  await stage.registry.writeFacts(useCase.name, await useCase.run(stage))
}

/** Null: no run was finished since the last clean-up. */
export async function checkUseCase(useCase: UseCase, stage: Stage): Promise<CheckResult | null> {
  const facts = await stage.registry.facts(useCase.name)
  return facts === null ? null : useCase.check(stage, facts)
}

export function cleanedText({ entry, outcome }: CleanedUp): string {
  return `${entry.kind} ${entry.name}: ${outcome}`
}
