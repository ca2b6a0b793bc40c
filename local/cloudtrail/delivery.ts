import type { DatabaseSync } from 'node:sqlite'
import { type JsonObject, textOf } from '../../shared/json.ts'
import { cappedText } from '../../shared/text.ts'
import { envelopeOfRecord } from '../events/envelope.ts'
import { createHistory, HISTORY_S } from './history.ts'
import { createPending, type LostDelivery, type Pending, type PendingDelivery } from './pending.ts'
import { logNormalMs, type Random } from './random.ts'
import { inTransaction } from './transaction.ts'
import { createTrails } from './trails.ts'

/** The local cloud's clock, as far as delivery needs it. */
export type DeliveryClock = {
  nowMs(): number
  /** Runs something once when the clock has reached a time, soon if it has already; a clock that is moved waits for it. */
  at(timeMs: number, run: () => void | Promise<void>): void
}

export type DeliveryOptions = {
  /** Log-normal: half of all events come within p50, 99 of 100 within p99. A p50 of 0: at once. Different delays change the order. */
  readonly delayMs: { readonly p50: number; readonly p99: number }
  /** The share of events that come once more, and of those that come yet another time. */
  readonly duplicateShare: number
  /** The share of events that never come to EventBridge. */
  readonly lossShare: number
}

export type DeliveryParts = {
  readonly db: DatabaseSync
  readonly clock: DeliveryClock
  readonly random: Random
  /** Brings an EventBridge event to the bus. What it throws is tried again. */
  publish(envelope: JsonObject): unknown
  /** Told of what keeps all delivery from going on: a failing database, a closed clock. */
  onFault(error: unknown): void
  readonly options: DeliveryOptions
}

export type Delivery = {
  /** Takes the record of a call: into the event history always, to the bus if a trail logs it. */
  accept(record: JsonObject): void
  /** Resolves when nothing is due any more by the clock as it stands; rejects if the database or the clock failed. */
  settle(): Promise<void>
  /** `accepted` = `unlogged` + events lost + events on their way or delivered; `delivered` counts duplicates too. */
  counts(): ReturnType<Pending['counts']>
  /** The last thousand that were lost, newest first. */
  lost(): readonly LostDelivery[]
  /** Ends when the delivery under way has: what waits stays in the database for the next start. */
  stop(): Promise<void>
}

type State = {
  draining: Promise<void> | null
  /** The one alarm that counts. */
  alarm: { readonly timeMs: number } | null
  isStopped: boolean
  acceptedSincePrune: number
  fault: { readonly error: unknown } | null
}

/** How many deliveries stand in memory at a time; the others wait in the database. */
const IN_MEMORY_MAX = 100
const COPIES_MAX = 4
const FAILURES_MAX = 5
const RETRY_MS = 1000
const LOST_SHOWN_MAX = 1000
const REASON_BYTES_MAX = 1024
const ACCEPTED_PER_PRUNE = 1000

/** Brings records to EventBridge as CloudTrail does: late, out of order, twice, or not at all, as `options` say. */
export function createDelivery({ db, clock, random, publish, onFault, options }: DeliveryParts): Delivery {
  const trails = createTrails(db)
  const history = createHistory(db)
  const pending = createPending(db)
  const state: State = { draining: null, alarm: null, isStopped: false, acceptedSincePrune: 0, fault: null }

  function dueMs(): number {
    return Math.round(clock.nowMs()) + logNormalMs(random, options.delayMs)
  }

  function lose(event: { readonly eventId: string; readonly eventName: string }, reason: string): void {
    pending.lose({ ...event, reason, lostMs: Math.round(clock.nowMs()) })
    pending.count('lost')
  }

  function accept(record: JsonObject): void {
    const event = { eventId: textOf(record, 'eventID') ?? '', eventName: textOf(record, 'eventName') ?? '' }
    inTransaction(db, () => {
      pending.count('accepted')
      const copies = trails.wouldDeliver(record) ? copiesOf(random, options) : null
      const times = Array.from({ length: copies ?? 0 }, dueMs)
      history.add(record, times.length === 0 ? dueMs() : Math.min(...times))
      if (copies === null) pending.count('unlogged')
      else if (copies === 0) lose(event, 'CloudTrail delivers on a best effort basis')
      const envelope = envelopeOfRecord(record)
      for (const [index, time] of times.entries()) {
        pending.add({ ...event, dueMs: time, envelope })
        if (index > 0) pending.count('duplicates')
      }
      prune()
    })
    arm()
  }

  function prune(): void {
    state.acceptedSincePrune++
    if (state.acceptedSincePrune < ACCEPTED_PER_PRUNE) return
    state.acceptedSincePrune = 0
    history.prune(clock.nowMs())
    pending.pruneLost(clock.nowMs() - HISTORY_S * 1000)
  }

  async function deliver(delivery: PendingDelivery): Promise<void> {
    try {
      await publish(delivery.envelope)
    } catch (error) {
      fail(delivery, error)
      return
    }
    inTransaction(db, () => {
      pending.done(delivery)
      pending.count('delivered')
    })
  }

  function fail(delivery: PendingDelivery, error: unknown): void {
    if (delivery.failures + 1 < FAILURES_MAX) {
      pending.retry(delivery, Math.round(clock.nowMs()) + RETRY_MS * 2 ** delivery.failures)
      return
    }
    const reason = `the bus failed: ${error instanceof Error ? error.message : String(error)}`
    inTransaction(db, () => {
      pending.done(delivery)
      lose(delivery, cappedText(reason, REASON_BYTES_MAX))
    })
  }

  async function drain(): Promise<void> {
    // The bus is never called from within `accept`: what it does may be a call that is recorded in its turn.
    await Promise.resolve()
    try {
      let due = pending.due(clock.nowMs(), IN_MEMORY_MAX)
      while (due.length > 0 && !state.isStopped) {
        for (const delivery of due) if (!state.isStopped) await deliver(delivery)
        due = state.isStopped ? [] : pending.due(clock.nowMs(), IN_MEMORY_MAX)
      }
    } catch (error) {
      halt(error)
    }
    state.draining = null
    try {
      arm()
    } catch (error) {
      halt(error)
    }
  }

  function halt(error: unknown): void {
    state.fault ??= { error }
    onFault(error)
  }

  /** One alarm for the earliest delivery, however many wait. */
  function arm(): void {
    if (state.isStopped || state.draining !== null || state.fault !== null) return
    const nextMs = pending.nextDueMs()
    if (nextMs === null) return
    if (nextMs <= clock.nowMs()) {
      state.draining = drain()
      return
    }
    if (state.alarm !== null && state.alarm.timeMs <= nextMs) return
    const set = { timeMs: nextMs }
    state.alarm = set
    clock.at(nextMs, async () => {
      // A later one took its place.
      if (state.alarm !== set) return
      state.alarm = null
      arm()
      await state.draining
    })
  }

  async function settle(): Promise<void> {
    arm()
    while (state.draining !== null) await state.draining
    if (state.fault !== null) throw state.fault.error
  }

  async function stop(): Promise<void> {
    state.isStopped = true
    while (state.draining !== null) await state.draining
  }

  arm()
  return { accept, settle, counts: pending.counts, lost: () => pending.lost(LOST_SHOWN_MAX), stop }
}

/** How often an event comes: 0 if it is lost. */
function copiesOf(random: Random, { lossShare, duplicateShare }: DeliveryOptions): number {
  if (random() < lossShare) return 0
  let copies = 1
  while (copies < COPIES_MAX && random() < duplicateShare) copies++
  return copies
}
