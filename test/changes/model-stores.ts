import type { Claim, Control, Stop } from '../../shared/changes/control.ts'
import { NOTICE_CHANNELS, type Notice, type NoticeChannel, type NoticeStore } from '../../shared/changes/notice.ts'
import type { ChangeRecord, ChangeStore } from '../../shared/changes/record.ts'
import { hourText } from '../../shared/time.ts'

/** The promises of the port of records in the plainest way. */
export function createModelChangeStore(): ChangeStore & { readonly records: ReadonlyMap<string, ChangeRecord> } {
  const records = new Map<string, ChangeRecord>()
  const newestFirst = () => [...records.values()].toSorted((one, other) => (one.id < other.id ? 1 : -1))
  return {
    records,
    write: async (record, over) => {
      if ((records.get(record.id)?.state ?? null) !== over) return 'conflict'
      records.set(record.id, record)
      return 'written'
    },
    find: async (id) => records.get(id) ?? null,
    ofResource: async ({ accountId, region, arn }, since) =>
      newestFirst().filter(
        ({ resource, plannedAt }) =>
          resource.arn === arn && resource.accountId === accountId && resource.region === region && plannedAt >= since,
      ),
    async *newestFirst() {
      yield* newestFirst()
    },
  }
}

export function createModelControl(): Control {
  let standing: Stop | null = null
  let tokens = 0
  const claims = new Map<string, Claim>()
  const spent = new Map<string, number>()
  let inForce: { readonly digest: string; readonly since: number; readonly seenAt: number } | null = null
  return {
    stop: async () => standing,
    setStop: async (stop) => void (standing = stop),
    claim: async (name, now, forS) => {
      const there = claims.get(name)
      if (there !== undefined && there.until > now) return null
      const claim = { name, token: `token ${tokens++}`, until: (now + forS) as Claim['until'] }
      claims.set(name, claim)
      return claim
    },
    release: async ({ name, token }) => void (claims.get(name)?.token === token && claims.delete(name)),
    spend: async (budget, now, max) => {
      const key = `${budget} ${hourText(now)}`
      const before = spent.get(key) ?? 0
      if (before >= max) return false
      spent.set(key, before + 1)
      return true
    },
    policySince: async (digest, now) => {
      const since = inForce === null ? 0 : inForce.digest === digest ? inForce.since : inForce.seenAt
      inForce = { digest, since, seenAt: now }
      return since as Claim['until']
    },
  }
}

export type ModelNotices = NoticeStore & {
  /** All that were put, by ID. */
  readonly notices: ReadonlyMap<string, Notice>
  ids(): readonly string[]
}

export function createModelNotices(): ModelNotices {
  const notices = new Map<string, Notice>()
  const heard = new Map<string, Set<NoticeChannel>>()
  return {
    notices,
    ids: () => [...notices.keys()],
    put: async (notice) => {
      if (notices.has(notice.id)) return
      notices.set(notice.id, notice)
      heard.set(notice.id, new Set())
    },
    open: async (countMax) =>
      [...notices.values()]
        .map((notice) => ({ notice, told: [...(heard.get(notice.id) ?? [])] }))
        .filter(({ told }) => told.length < NOTICE_CHANNELS.length)
        .toSorted((one, other) => one.notice.at - other.notice.at)
        .slice(0, countMax),
    told: async ({ notice }, channels) => {
      for (const channel of channels) heard.get(notice.id)?.add(channel)
    },
  }
}
