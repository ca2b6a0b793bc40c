import { randomUUID } from 'node:crypto'
import { readCaller } from '../../shared/aws/caller.ts'
import { openStage, type OpenStage } from '../../shared/aws/workshop/stage-on-aws.ts'
import { epochS } from '../../shared/time.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import type { WorkshopFiles } from '../../shared/workshop/ports.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import type { UseCase } from '../../shared/workshop/use-case.ts'
import { LOCAL_CREDENTIALS } from '../clients.ts'
import type { LocalCloud } from '../cloud.ts'

/** A use case of the workshops that was played in a local cloud, to be checked once CloudTrail has told of it. */
export type PlayedUseCase = { check(): Promise<RunReport['useCases'][number]>; close(): void }

type Tell = (title: string, ...lines: readonly string[]) => void

/** Plays a use case with the same code as `keytrail workshop`; its files are kept in memory. */
export async function playUseCase(cloud: LocalCloud, useCase: UseCase, tell: Tell): Promise<PlayedUseCase> {
  const { stage, close } = await openStageIn(cloud, useCase, tell)
  await runUseCase(useCase, stage)
  return {
    async check() {
      const result = await checkUseCase(useCase, stage)
      if (result === null) throw new Error(`the run of ${useCase.name} left no facts`)
      const keyArn = String((await stage.registry.facts(useCase.name))?.['keyArn'])
      return { name: useCase.name, title: useCase.title, keyArn, checks: result.checks, lessons: result.lessons }
    },
    close,
  }
}

async function openStageIn(cloud: LocalCloud, { name, title }: UseCase, tell: Tell): Promise<OpenStage> {
  const access = { endpoint: cloud.url, region: cloud.region, credentials: LOCAL_CREDENTIALS, secure: cloud.secure }
  return openStage(access, await readCaller(access), {
    useCase: name,
    files: memoryFiles(),
    time: {
      now() {
        const now = epochS(cloud.clock.nowMs())
        if (now === null) throw new Error('the local clock stands before 1970')
        return Promise.resolve(now)
      },
      async pass(ms) {
        await cloud.clock.advance(ms)
        await cloud.settle()
      },
    },
    newId: () => randomUUID().replaceAll('-', ''),
    tell(news) {
      if (news.kind === 'step') tell(`${title}: ${news.title}`, ...news.lines)
    },
  })
}

function memoryFiles(): WorkshopFiles {
  const files = new Map<string, Uint8Array>()
  return {
    folder: 'memory',
    read: (file) => files.get(file) ?? null,
    write: (file, bytes) => void files.set(file, bytes),
    remove: (file) => (files.delete(file) ? 'removed' : 'missing'),
  }
}
