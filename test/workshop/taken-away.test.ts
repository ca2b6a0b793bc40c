import { DescribeKeyCommand } from '@aws-sdk/client-kms'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStackChanges, type StackChanges } from '../../shared/aws/changes/stack-changes.ts'
import type { KeyReport } from '../../shared/changes/retire/report.ts'
import { retireAll } from '../../shared/changes/retire/retire-all.ts'
import { readPolicy } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { type EpochS, epochS } from '../../shared/time.ts'
import { caching } from '../../shared/workshop/caching.ts'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { runUseCase } from '../../shared/workshop/run-use-case.ts'
import { aliasOf, type UseCase } from '../../shared/workshop/use-case.ts'
import { sse } from '../../shared/workshop/sse.ts'
import { refOf } from '../support/local-cloud.ts'
import { openWorkshop, type PlayedStage, type WorkshopGround } from '../support/workshop-stage.ts'

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
const HOUR_MS = 3_600_000
let ground: WorkshopGround
let changes: StackChanges

beforeAll(async () => {
  ground = await openWorkshop()
  const { cloud } = ground
  const read = readPolicy(new Uint8Array(), { rules: ALL_RULES, now: now() })
  if (!read.ok) throw new Error('no file is a policy')
  changes = createStackChanges(
    {
      place: { accountId: cloud.accountId, partition: 'aws', region: cloud.region },
      controlTable: refOf(cloud, 'ControlTable'),
      usageTable: refOf(cloud, 'UsageTable'),
      findingsTable: refOf(cloud, 'FindingsTable'),
      findingsTopic: refOf(cloud, 'FindingsTopic'),
      countedAccounts: new Set([cloud.accountId]),
      quotaShare: 1000,
      access: {
        endpoint: cloud.url,
        region: cloud.region,
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        secure: cloud.secure,
      },
    },
    { rules: ALL_RULES, policy: read.policy, newToken: randomUUID },
  )
}, HOOK_MS)
afterAll(async () => {
  changes.close()
  await ground.close()
})

function now(): EpochS {
  const instant = epochS(ground.cloud.clock.nowMs())
  if (instant === null) throw new Error('the local cloud tells no time')
  return instant
}

/** `keytrail clean-up --apply`, of its owner or of the schedule. */
async function retired(by: string): Promise<readonly KeyReport[]> {
  const settings = { afterDays: 7, watchHours: 72, pendingDays: 7, perRunMax: 20, exclude: [] }
  const { keys } = await retireAll(changes.retirePorts({ settings, now, remainingMs: () => 600_000 }), { apply: true, by })
  return keys
}

async function keyOf({ stage }: PlayedStage): Promise<string> {
  return String((await stage.registry.facts(stage.useCase))?.['keyArn'])
}

async function stateOf(KeyId: string): Promise<string | undefined> {
  return (await ground.cloud.clients.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState
}

it.each([{ useCase: sse }, { useCase: caching }])(
  '$useCase.name: what was cleaned up both ways stays away, and the next run finds the name free',
  async ({ useCase }: { useCase: UseCase }) => {
    await using own = await ground.open(useCase.name)
    const by = own.stage.caller.arn
    await runUseCase(useCase, own.stage)
    await ground.cloud.settle()
    const keyArn = await keyOf(own)
    expect((await retired(by)).find((each) => each.keyArn === keyArn)).toMatchObject({ after: 'scheduled', failure: null })
    expect((await cleanUp(own.stage)).filter(({ isLeft }) => isLeft)).toEqual([])
    for (const who of [by, 'schedule', 'schedule']) {
      await ground.cloud.clock.advance(HOUR_MS)
      const report = (await retired(who)).find((each) => each.keyArn === keyArn)
      expect(report).toMatchObject({
        after: 'scheduled',
        failure: null,
        next: { what: 'wait: KMS deletes it then: its owner took it away' },
      })
      expect(await stateOf(keyArn)).toBe('PendingDeletion')
    }
    expect(await own.stage.aws.kms.standing(aliasOf(useCase.name))).toBeNull()
    await runUseCase(useCase, own.stage)
    expect(await keyOf(own)).not.toBe(keyArn)
    await cleanUp(own.stage)
  },
)

it('while it is watched, the clean-up of its owner is nobody else who has it deleted', async () => {
  await using own = await ground.open(sse.name)
  await runUseCase(sse, own.stage)
  await ground.cloud.settle()
  const keyArn = await keyOf(own)
  const of = (reports: readonly KeyReport[]) => reports.find((each) => each.keyArn === keyArn)
  await ground.cloud.skip(8 * 24 * HOUR_MS)
  expect(of(await retired('schedule'))).toMatchObject({ after: 'watching', failure: null })
  await cleanUp(own.stage)
  await ground.cloud.clock.advance(HOUR_MS)
  expect(of(await retired('schedule'))).toMatchObject({ before: 'watching', after: 'scheduled', failure: null })
  expect(await stateOf(keyArn)).toBe('PendingDeletion')
  await ground.cloud.skip(8 * 24 * HOUR_MS)
  expect(of(await retired('schedule'))).toMatchObject({ after: 'deleted' })
})
