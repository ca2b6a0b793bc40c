import { describe, expect, it } from 'vitest'
import { sweep, type SweepPorts } from '../../shared/audit/sweep.ts'
import { announceOutbox } from '../../shared/findings/announce.ts'
import type { FindingStatus } from '../../shared/findings/finding.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import { unread } from '../../shared/observed.ts'
import { kmsKeyRotationEnabled } from '../../shared/rules/kms/key-rotation-enabled.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import { createDelivered } from '../findings/delivered.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { ACCOUNT, auditPorts, createMemorySweepStore, key, listOf, NOW, readerOf, RULE_ID, type Standing } from './audit-ground.ts'

const DAY_S = 86_400

type World = SweepPorts & { readonly again: string[]; readonly told: string[]; readonly findings: FindingStore }

function worldOf(keys: ReadonlyMap<string, Standing>, changes: Partial<SweepPorts> = {}, listed = [...keys.keys()]): World {
  const [again, told] = [new Array<string>(), new Array<string>()]
  const findings = createMemoryFindingStore()
  return {
    again,
    told,
    findings,
    audit: auditPorts(findings, readerOf(keys)),
    sweepStore: createMemorySweepStore(),
    list: listOf(listed.map((arn) => ({ ...key(''), arn }))),
    noteLogging: async () => undefined,
    noteLoggingWhole: async () => undefined,
    sendAgain: async (body) => void again.push(body),
    tell: async (reason) => void told.push(reason),
    remainingMs: () => 600_000,
    ...changes,
  }
}

function standings(count: number, standingOf: (n: number) => Standing): ReadonlyMap<string, Standing> {
  return new Map(Array.from({ length: count }, (_, n) => [key(n).arn, standingOf(n)]))
}

async function arnsWith(store: FindingStore, status: FindingStatus): Promise<readonly string[]> {
  const arns: string[] = []
  for await (const { finding } of store.withStatus(status)) arns.push(finding.resource.arn)
  return arns.toSorted()
}

describe('a sweep of 10,000 keys of which every seventh cannot be read', () => {
  it('ends, judges all the others, and names those', async () => {
    const keys = standings(10_000, (n) => (n % 49 === 0 ? 'breaks' : n % 7 === 0 ? 'unread' : n % 5 === 0 ? 'does not rotate' : 'rotates'))
    const world = worldOf(keys)
    const { kind, log, failures } = await sweep(world)
    expect(kind).toBe('complete')
    const unreadable = [...keys].filter(([, standing]) => standing === 'breaks' || standing === 'unread').map(([arn]) => arn)
    expect(unreadable).toHaveLength(1429)
    expect(log.state).toMatchObject({ met: 10_000, leftCount: 1429, left: unreadable.slice(0, 100) })
    expect(failures.map(({ message }) => message)).toEqual(['a rule broke'])
    expect(
      world.again.map((body) => (JSON.parse(body) as { readonly resource: { readonly arn: string } }).resource.arn).toSorted(),
    ).toEqual(unreadable.toSorted())
    const weak = [...keys].filter(([, standing]) => standing === 'does not rotate').map(([arn]) => arn)
    expect(await arnsWith(world.findings, 'failing')).toEqual(weak.toSorted())
    expect(await arnsWith(world.findings, 'unknown')).toEqual([])
    expect(world.told).toContain('changes')
    expect(world.told.at(-1)).toBe('complete')
  })

  it('goes on where its time was up, and judges nothing twice that was noted', async () => {
    const keys = standings(1200, (n) => (n % 7 === 0 ? 'does not rotate' : 'rotates'))
    const read = new Map<string, number>()
    const findings = createMemoryFindingStore()
    let left = 0
    const world = worldOf(keys, {
      audit: auditPorts(
        findings,
        readerOf(keys, (arn) => {
          read.set(arn, (read.get(arn) ?? 0) + 1)
          left--
        }),
      ),
      remainingMs: () => (left > 0 ? 600_000 : 1000),
    })
    const kinds: string[] = []
    for (let runs = 0; runs < 20 && kinds.at(-1) !== 'complete'; runs++) {
      left = 230
      kinds.push((await sweep(world)).kind)
    }
    expect(kinds.length).toBeGreaterThan(4)
    expect(kinds.at(-1)).toBe('complete')
    expect(read.size).toBe(1200)
    expect(await arnsWith(findings, 'failing')).toHaveLength(172)
    // What was begun and not noted when the time was up, and new findings, which are read twice.
    expect([...read.values()].reduce((sum, times) => sum + times, 0)).toBeLessThan(1200 + 172 + 50 * kinds.length)
  })
})

describe('where buckets send their logs', () => {
  const buckets = Array.from({ length: 120 }, (_, n): Resource => ({ ...key(n), kind: 's3_bucket', arn: `arn:aws:s3:::bucket-${n}` }))

  /** What was done, in its order: of each kind of doing, with what. */
  function worldWithBuckets(changes: Partial<SweepPorts> = {}): World & { readonly done: string[] } {
    const done: string[] = []
    const world = worldOf(
      standings(1, () => 'rotates'),
      {
        noteLogging: async ({ arn }) => void done.push(`noted ${arn}`),
        noteLoggingWhole: async () => void done.push('whole'),
      },
    )
    const list: SweepPorts['list'] = async (kind, cursor) =>
      kind === 's3_bucket' ? { resources: buckets, unread: null, next: null } : world.list(kind, cursor)
    const reader = readerOf(new Map(), (arn) => void done.push(`read ${arn}`))
    return { ...world, list, audit: auditPorts(world.findings, reader), done, ...changes }
  }

  it('is noted of all of them before the first is judged, and met are those that are judged', async () => {
    const world = worldWithBuckets()
    const { kind, log } = await sweep(world)
    expect({ kind, met: log.state.met }).toEqual({ kind: 'complete', met: 121 })
    const names = buckets.map(({ arn }) => arn)
    expect(world.done.slice(0, 120).toSorted()).toEqual(names.map((arn) => `noted ${arn}`).toSorted())
    expect(world.done[120]).toBe('whole')
    expect(world.done.slice(121, 241).toSorted()).toEqual(names.map((arn) => `read ${arn}`).toSorted())
    expect(world.done.slice(241)).toEqual([`read ${key(0).arn}`])
  })

  it('goes on where the time was up, and begins again behind what was noted where it could not be kept', async () => {
    let left = 70
    const world = worldWithBuckets({ remainingMs: () => (left-- > 0 ? 600_000 : 1000) })
    expect((await sweep(world)).kind).toBe('under way')
    expect(world.done).not.toContain('whole')
    left = 100_000
    const broken = { ...world, noteLogging: () => Promise.reject(new Error('the table is away')) }
    await expect(sweep(broken)).rejects.toThrow('the table is away')
    expect((await sweep(world)).kind).toBe('complete')
    const noted = world.done.filter((each) => each.startsWith('noted'))
    expect(new Set(noted).size).toBe(120)
    expect(noted.length).toBeLessThanOrEqual(120 + 50)
  })

  it('is not called whole where not all could be listed', async () => {
    const world = worldWithBuckets()
    const unlisted = { resources: buckets.slice(0, 3), unread: unread('s3:ListAllMyBuckets', 'denied', 'AccessDenied'), next: null }
    const list: SweepPorts['list'] = async (kind, cursor) => (kind === 's3_bucket' ? unlisted : world.list(kind, cursor))
    expect((await sweep({ ...world, list })).kind).toBe('incomplete')
    expect(world.done).not.toContain('whole')
  })
})

describe('findings of keys that a sweep does not meet', () => {
  it('are gone only where the key was read as gone', async () => {
    const before = new Map<string, Standing>(['gone', 'unlisted', 'unreadable'].map((name) => [key(name).arn, 'does not rotate']))
    const world = worldOf(before)
    await sweep(world)
    expect(await arnsWith(world.findings, 'failing')).toHaveLength(3)
    const after = new Map<string, Standing>([
      [key('unlisted').arn, 'does not rotate'],
      [key('unreadable').arn, 'unread'],
    ])
    const later = (NOW + DAY_S) as EpochS
    const result = await sweep({ ...world, audit: auditPorts(world.findings, readerOf(after), { now: () => later }), list: listOf([]) })
    expect(result).toMatchObject({ kind: 'complete', log: { state: { met: 0, left: [key('unreadable').arn] } } })
    expect(await arnsWith(world.findings, 'gone')).toEqual([key('gone').arn])
    expect(await arnsWith(world.findings, 'failing')).toEqual([key('unlisted').arn, key('unreadable').arn])
  })
})

describe('runs of a sweep', () => {
  it('rest until a day after the last one began', async () => {
    let now: number = NOW
    const world = worldOf(standings(3, () => 'rotates'))
    const audit = { ...world.audit, now: () => now as EpochS }
    const kinds: string[] = []
    for (const afterS of [0, 900, DAY_S - 901, 1]) {
      now += afterS
      kinds.push((await sweep({ ...world, audit })).kind)
    }
    expect(kinds).toEqual(['complete', 'resting', 'resting', 'complete'])
  })

  it('of which two go on at once do not undo each other', async () => {
    const world = worldOf(standings(200, (n) => (n % 2 === 0 ? 'does not rotate' : 'rotates')))
    const kinds = (await Promise.all([sweep(world), sweep(world)])).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['complete', 'overtaken'])
    expect(await arnsWith(world.findings, 'failing')).toHaveLength(100)
  })

  it('that may not list a kind judge the rest, and are not complete', async () => {
    const denied = { resources: [], unread: unread('s3:ListAllMyBuckets', 'denied', 'AccessDenied'), next: null }
    const world = worldOf(standings(3, () => 'does not rotate'))
    const list: SweepPorts['list'] = (kind, cursor) => (kind === 's3_bucket' ? Promise.resolve(denied) : world.list(kind, cursor))
    const { kind, log } = await sweep({ ...world, list })
    expect({ kind, complete: log.complete }).toEqual({ kind: 'incomplete', complete: null })
    expect(log.state.unlisted).toEqual(['s3:ListAllMyBuckets'])
    expect(await arnsWith(world.findings, 'failing')).toHaveLength(3)
  })

  it('that cannot list a kind for a moment list it again, and go on without it after several', async () => {
    const world = worldOf(standings(3, () => 'does not rotate'))
    let failures = 20
    const list: SweepPorts['list'] = async (kind, cursor) =>
      kind === 'kms_key' && failures-- > 0
        ? { resources: [], unread: unread('kms:ListKeys', 'failed', 'Throttling'), next: null }
        : world.list(kind, cursor)
    const kinds: string[] = []
    for (let runs = 0; runs < 9; runs++) kinds.push((await sweep({ ...world, list })).kind)
    expect(kinds).toEqual([...Array.from({ length: 8 }, () => 'under way'), 'incomplete'])
    failures = 1
    const tomorrow = { ...world.audit, now: () => (NOW + DAY_S) as EpochS }
    expect((await sweep({ ...world, list, audit: tomorrow })).kind).toBe('under way')
    expect((await sweep({ ...world, list, audit: tomorrow })).kind).toBe('complete')
  })

  it('tell of exemptions that have no effect', async () => {
    const until = (NOW + DAY_S) as EpochS
    const exemptions = ['1', '2', '3', '4', '5', 'nowhere'].map((name) => ({
      ruleId: RULE_ID,
      resource: key(name).arn,
      reason: 'r',
      approver: 'a',
      until,
    }))
    // What is unknown, or could not be judged, may fail.
    const ways: readonly Standing[] = ['rotates', 'does not rotate', 'rotates', 'denied', 'unready', 'breaks']
    const world = worldOf(standings(6, (n) => ways[n] ?? 'gone'))
    const { unmatched } = await sweep({ ...world, audit: { ...world.audit, exemptions } })
    expect(unmatched.map(({ exemption }) => exemption.resource)).toEqual([key('2').arn, key('nowhere').arn])
    expect(await arnsWith(world.findings, 'exempt')).toEqual([key('1').arn])
  })
})

/** Every function of a port counts, and the n-th call of all fails: before it did something, or after. */
function failing<Port extends object>(port: Port, meet: () => 'before' | 'after' | null): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'withStatus') return value
      return async (...given: readonly unknown[]) => {
        const fails = meet()
        if (fails === 'before') throw new Error('the network is away')
        const answer: unknown = await Reflect.apply(value, target, given)
        if (fails === 'after') throw new Error('the answer was lost')
        return answer
      }
    },
  })
}

describe('a sweep whose n-th call fails, for every n', () => {
  const KEYS = standings(12, (n) => (n % 4 === 0 ? 'does not rotate' : n % 4 === 1 ? 'denied' : 'rotates'))
  const ANNOUNCING = { rules: [kmsKeyRotationEnabled], hub: { accountId: ACCOUNT, region: 'us-east-1' } }

  it.each(['before', 'after'] as const)('loses no finding, and tells none as new twice: %s', async (when) => {
    let widest = 0
    for (let n = 1; n <= widest + 1 || n === 1; n++) {
      let calls = 0
      let isOver = false
      const meet = (): typeof when | null => (!isOver && ++calls === n ? when : null)
      const world = worldOf(KEYS)
      const store = failing(world.findings, meet)
      const delivered = createDelivered()
      const ports: SweepPorts = {
        ...world,
        list: failing({ list: world.list }, meet).list,
        sendAgain: failing({ sendAgain: world.sendAgain }, meet).sendAgain,
        tell: failing({ tell: world.tell }, meet).tell,
        sweepStore: failing(world.sweepStore, meet),
        audit: { ...world.audit, store },
      }
      const announcePorts = delivered.ports((run) => run())
      let now: number = NOW
      const announce = (): Promise<unknown> =>
        announceOutbox(store, announcePorts, { ...ANNOUNCING, now: now as EpochS }).catch(() => undefined)
      for (let runs = 0; runs < 4; runs++) {
        now += 901
        await sweep({ ...ports, audit: { ...ports.audit, now: () => now as EpochS } }).catch(() => undefined)
        await announce()
      }
      // A day later, with nothing in the way: what failed is made up for.
      isOver = true
      now += DAY_S
      await sweep({ ...ports, audit: { ...ports.audit, now: () => now as EpochS } })
      now += 901
      await announce()
      expect(await arnsWith(world.findings, 'failing'), `call ${n}`).toEqual(named('does not rotate'))
      expect(await arnsWith(world.findings, 'unknown'), `call ${n}`).toEqual(named('denied'))
      delivered.checkNovelty()
      for (const status of ['failing', 'unknown'] as const)
        for await (const kept of world.findings.withStatus(status)) delivered.checkChanges(kept)
      widest = Math.max(widest, n === 1 ? calls : 0)
    }
    expect(widest).toBeGreaterThan(50)
  })

  function named(standing: Standing): readonly string[] {
    return [...KEYS]
      .filter(([, each]) => each === standing)
      .map(([arn]) => arn)
      .toSorted()
  }
})
