import type { NoticeStore } from '../../../shared/changes/notice.ts'
import type { DemoKey } from '../../../shared/changes/retire/demo-key.ts'
import type { RetirePorts } from '../../../shared/changes/retire/ports.ts'
import type { KeyReport } from '../../../shared/changes/retire/report.ts'
import { retireAll, type RetireAllOptions } from '../../../shared/changes/retire/retire-all.ts'
import { isUnderWay, type Retirement, type RetirementStage } from '../../../shared/changes/retire/retirement.ts'
import type { RetireSettings } from '../../../shared/changes/retire/settings.ts'
import type { Grant } from '../../../shared/rules/facts.ts'
import type { EpochS } from '../../../shared/time.ts'
import { createModelControl, createModelNotices } from '../model-stores.ts'
import { ACCOUNT_ID, createModelKms, DAY_S, type ModelKey, type ModelKms } from './model-keys.ts'

export const START = 1_790_000_000 as EpochS
export const OWNER = `arn:aws:iam::${ACCOUNT_ID}:user/demo`
export const SETTINGS: RetireSettings = { afterDays: 14, watchHours: 72, pendingDays: 7, perRunMax: 10_000, exclude: [] }
export const GRANT: Grant = {
  id: 'g1',
  name: '',
  grantee: `arn:aws:iam::${ACCOUNT_ID}:role/app`,
  retiring: '',
  operations: ['Decrypt'],
  constraints: '',
  isForAwsService: false,
}

export function arnOf(id: number | string, region = 'eu-central-1'): string {
  return `arn:aws:kms:${region}:${ACCOUNT_ID}:key/${id}`
}

export function past(days: number, from: EpochS = START): EpochS {
  return (from - days * DAY_S) as EpochS
}

/** An enabled key, made 100 days ago and last used 50 days ago. */
export function modelKey(keyArn: string, key: Partial<ModelKey> = {}): ModelKey {
  return {
    keyArn,
    manager: 'CUSTOMER',
    accountId: ACCOUNT_ID,
    state: 'Enabled',
    createdAt: past(100),
    deletionAt: null,
    multiRegionRole: null,
    replicaArns: [],
    tags: {},
    grants: [],
    lastUse: past(50),
    trackedSince: past(100),
    aliases: [],
    ...key,
  }
}

function demoKey(keyArn: string, entry: Partial<DemoKey> = {}): DemoKey {
  return {
    entryId: `entry of ${keyArn}`,
    keyArn,
    aliases: [],
    useCase: 'sse',
    owner: OWNER,
    registeredAt: past(100),
    state: 'standing',
    ...entry,
  }
}

/** The n-th call to anything outside breaks: before it has an effect, or after it. */
export type Break = { readonly at: number; readonly when: 'before' | 'after' }

const LINE_BROKE = new Error('the line broke')

export type Ground = {
  readonly kms: ModelKms
  readonly ports: RetirePorts
  readonly registry: Map<string, DemoKey>
  readonly retirements: Map<string, Retirement>
  readonly notices: ReturnType<typeof createModelNotices>
  readonly stages: readonly RetirementStage[]
  register(key: ModelKey, entry?: Partial<DemoKey>): string
  run(options?: Partial<RetireAllOptions>): Promise<readonly KeyReport[]>
  /** A run that may end early because its line breaks; what else goes wrong rejects. */
  brokenRun(broken: Break | null): Promise<void>
  /** The shortest time from the disabling of a key to the scheduling of its deletion, in seconds. */
  shortestWatch(): number
  pass(hours: number): void
  setSettings(settings: Partial<RetireSettings>): void
  calls(): number
}

export function createGround({ lateS = 0 }: { readonly lateS?: number } = {}): Ground {
  const kms = createModelKms({ now: START, lateS })
  const registry = new Map<string, DemoKey>()
  const retirements = new Map<string, Retirement>()
  const notices = createModelNotices()
  const stages: RetirementStage[] = []
  let settings = SETTINGS
  let broken: Break | null = null
  let calls = 0

  /** Every function of a port is a call that may break. */
  function fragile<Port extends object>(port: Port): Port {
    return Object.fromEntries(
      Object.entries(port).map(([name, call]: [string, (...given: readonly unknown[]) => unknown]) => [
        name,
        async (...given: readonly unknown[]) => {
          const number = calls++
          if (broken?.at === number && broken.when === 'before') throw LINE_BROKE
          const answer = await call(...given)
          if (broken?.at === number && broken.when === 'after') throw LINE_BROKE
          return answer
        },
      ]),
    ) as Port
  }

  const notes: Pick<NoticeStore, 'put'> = fragile({ put: notices.put })
  const { find, write } = fragile({
    find: async (keyArn: string) => retirements.get(keyArn) ?? null,
    write: async (retirement: Retirement, over: number | null): Promise<'written' | 'conflict'> => {
      const standing = retirements.get(retirement.keyArn)
      const stands = standing === undefined || !isUnderWay(standing) ? null : standing.version
      if (stands !== over) return 'conflict'
      retirements.set(retirement.keyArn, retirement)
      stages.push(retirement.stage)
      return 'written'
    },
  })
  const ports: RetirePorts = {
    keys: fragile(kms.port),
    registry: fragile({
      keys: async () => [...registry.values()],
      retired: async ({ keyArn }: DemoKey) => void registry.delete(keyArn),
    }),
    retirements: {
      find,
      write,
      async *all() {
        yield* retirements.values()
      },
    },
    control: fragile(createModelControl()),
    notices: { ...notices, ...notes },
    get settings() {
      return settings
    },
    owners: [{ resource: arnOf('terraform-*'), tool: 'terraform' }],
    accountId: ACCOUNT_ID,
    now: () => kms.clock.now,
    remainingMs: () => 900_000,
  }
  const run: Ground['run'] = async (options) => (await retireAll(ports, { apply: true, by: 'schedule', ...options })).keys
  return {
    kms,
    ports,
    registry,
    retirements,
    notices,
    stages,
    register(key, entry = {}) {
      kms.put(key)
      registry.set(key.keyArn, demoKey(key.keyArn, { aliases: key.aliases, ...entry }))
      return key.keyArn
    },
    run,
    brokenRun: async (next) => {
      broken = next
      calls = 0
      try {
        await run()
      } catch (error) {
        if (error !== LINE_BROKE) throw error
      } finally {
        broken = null
      }
    },
    shortestWatch: () =>
      kms.written
        .filter(({ call }) => call === 'scheduleDeletion')
        .map(
          ({ at, keyArn }) => at - (kms.written.find((each) => each.call === 'disable' && each.ok && each.keyArn === keyArn)?.at ?? START),
        )
        .reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY),
    pass: (hours) => void (kms.clock.now = (kms.clock.now + hours * 3600) as EpochS),
    setSettings: (changed) => void (settings = { ...settings, ...changed }),
    calls: () => calls,
  }
}
