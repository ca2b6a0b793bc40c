import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, the longest first: one that begins last keeps the run waiting while all other workers are done. */
const LONGEST = [
  'cli/start',
  'cli/workshop',
  'workshop/broken-off',
  'stack/package',
  'gates',
  'local/cloud',
  'workshop/broken-off-sampled',
  'workshop/use-cases',
  'usage/live.property',
  'cli/local',
  'cli/encrypt',
  'workshop/target',
  'functions/sweep',
  'functions/announce',
  'cli/audit',
  'usage/totals.property',
  'usage/usage-message.property',
  'envelope/mutation',
  'envelope/oracle',
]

export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
  return place === -1 ? LONGEST.length : place
}
