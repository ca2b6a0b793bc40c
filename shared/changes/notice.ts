import type { JsonObject } from '../json.ts'
import type { EpochS } from '../time.ts'

/** What people and systems are to hear of a change or of a step of a retirement. Told at least once; a repeated one is silent. */
export type Notice = {
  /** The same for the same occurrence, whoever comes to it how often, such as `<record ID>#done`. */
  readonly id: string
  readonly at: EpochS
  /** What happened, in a line, such as `Rotation was switched on`. */
  readonly title: string
  readonly resourceArn: string
  readonly accountId: string
  readonly region: string
  /** For people: `<name>: <value>` each, such as `Was: …`, `Is: …`, `To take it back: …`. */
  readonly lines: readonly string[]
  /** For systems: what the event's detail says besides, with a `format` of its own. */
  readonly detail: JsonObject
}

export const NOTICE_CHANNELS = ['mail', 'events'] as const
export type NoticeChannel = (typeof NOTICE_CHANNELS)[number]

export type OpenNotice = { readonly notice: Notice; readonly told: readonly NoticeChannel[] }

export type NoticeStore = {
  /** Puts it where announcers look, unless it is there or was told. */
  put(notice: Notice): Promise<void>
  /** Notices that not everybody has heard of, oldest first. */
  open(countMax: number): Promise<readonly OpenNotice[]>
  /** Notes that these channels were told; a notice of which all were told is open no more. */
  told(open: OpenNotice, channels: readonly NoticeChannel[]): Promise<void>
}
