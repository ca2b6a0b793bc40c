import { batchesOf, inLanes } from '../findings/batches.ts'
import { EVENTS_MAX, eventBytes } from '../findings/send.ts'
import type { Fault, SendPorts } from '../findings/send-ports.ts'
import type { EpochS } from '../time.ts'
import type { Control } from './control.ts'
import type { NoticeChannel, NoticeStore, OpenNotice } from './notice.ts'
import { noticeEvent } from './notice-event.ts'
import { noticeMail } from './notice-mail.ts'

/** So many a run: what is left comes in the next. */
const NOTICES_MAX = 500
const LANES_MAX = 16
/** What EventBridge still refuses a day after it happened is told without it. */
const REFUSED_S_MAX = 86_400

export type ToldNotices = {
  /** Notices of which people, and of which systems have heard now. */
  readonly mailed: number
  readonly sent: number
  /** There may be more than was read. */
  readonly isFull: boolean
  /** IDs of notices that EventBridge refused for a day. */
  readonly givenUp: readonly string[]
  readonly faults: readonly Fault[]
}

/** What it takes to tell, alone. */
export type TellPorts = Pick<SendPorts, 'mail' | 'putEvents'> & { readonly control: Pick<Control, 'claim' | 'release'> }

const CLAIM = 'tell'
/** Telling takes seconds; whoever dies at it keeps others from it for so long. */
const CLAIM_S = 60
/** What came while it told is told too, so many times over: whoever put it there found the claim taken, and left it. */
const ROUNDS_MAX = 3

/**
 * Tells what nobody has heard of: people by one mail, systems by events; one does so at a time, and leaves nothing to whoever came second.
 * May be ended anywhere: what was not noted as told is told again. A channel that fails stops no other, a notice that fails stops no other.
 * @throws if the store cannot be read
 */
export async function tellNotices(store: NoticeStore, ports: TellPorts, { now }: { readonly now: EpochS }): Promise<ToldNotices> {
  const met = new Set<string>()
  let told: ToldNotices = { mailed: 0, sent: 0, isFull: false, givenUp: [], faults: [] }
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const claim = await ports.control.claim(CLAIM, now, CLAIM_S)
    if (claim === null) break
    try {
      const open = await store.open(NOTICES_MAX)
      for (const { notice } of open) met.add(notice.id)
      told = together(told, await tellOpen(open, store, ports, now))
    } finally {
      // It ends by itself.
      await ports.control.release(claim).catch(() => undefined)
    }
    if (told.isFull || (await store.open(NOTICES_MAX)).every(({ notice }) => met.has(notice.id))) break
  }
  return told
}

function together(one: ToldNotices, other: ToldNotices): ToldNotices {
  return {
    mailed: one.mailed + other.mailed,
    sent: one.sent + other.sent,
    isFull: other.isFull,
    givenUp: [...one.givenUp, ...other.givenUp],
    faults: [...one.faults, ...other.faults],
  }
}

async function tellOpen(open: readonly OpenNotice[], store: NoticeStore, ports: TellPorts, now: EpochS): Promise<ToldNotices> {
  const faults: Fault[] = []
  const mailed = await sendMail(untold(open, 'mail'), ports, faults)
  const { sent, givenUp } = await sendEvents(untold(open, 'events'), ports, { now, faults })
  await inLanes(open, LANES_MAX, async (each) => {
    const isHeard = { mail: mailed.has(each), events: sent.has(each) || givenUp.has(each) }
    const channels = (['mail', 'events'] as const).filter((channel) => isHeard[channel])
    if (channels.length === 0) return
    try {
      await store.told(each, channels)
    } catch (error) {
      faults.push({ what: 'notice', id: each.notice.id, error })
    }
  })
  return {
    mailed: mailed.size,
    sent: sent.size,
    isFull: open.length === NOTICES_MAX,
    givenUp: [...givenUp].map(({ notice }) => notice.id),
    faults,
  }
}

function untold(open: readonly OpenNotice[], channel: NoticeChannel): readonly OpenNotice[] {
  return open.filter(({ told }) => !told.includes(channel))
}

async function sendMail(open: readonly OpenNotice[], ports: Pick<SendPorts, 'mail'>, faults: Fault[]): Promise<ReadonlySet<OpenNotice>> {
  if (open.length === 0) return new Set()
  const { mail, told } = noticeMail(open)
  try {
    await ports.mail(mail)
    return new Set(told)
  } catch (error) {
    faults.push({ what: 'mail', id: null, error })
    return new Set()
  }
}

async function sendEvents(
  open: readonly OpenNotice[],
  ports: Pick<SendPorts, 'putEvents'>,
  { now, faults }: { readonly now: EpochS; readonly faults: Fault[] },
): Promise<{ readonly sent: ReadonlySet<OpenNotice>; readonly givenUp: ReadonlySet<OpenNotice> }> {
  const [sent, givenUp] = [new Set<OpenNotice>(), new Set<OpenNotice>()]
  const entries = open.map((each) => ({ each, event: noticeEvent(each.notice, now) }))
  for (const batch of batchesOf(entries, EVENTS_MAX, ({ event }) => eventBytes(event))) {
    try {
      const { refused } = await ports.putEvents(batch.map(({ event }) => event))
      for (const [index, { each }] of batch.entries()) {
        if (!refused.includes(index)) sent.add(each)
        else if (each.notice.at + REFUSED_S_MAX <= now) givenUp.add(each)
      }
    } catch (error) {
      faults.push({ what: 'events', id: null, error })
    }
  }
  return { sent, givenUp }
}
