/** An item, valid only while it is being handed over. */
export type TrailItem = {
  /** Counts items from 1: the line of a JSON lines file, the record of a log file. */
  readonly position: number
  /** False if a member's name or text was written with escapes: `span` may then miss it or hold escapes; `json` is right. */
  readonly isPlain: boolean
  /** Where the value of a wanted member stands in `bytes`; `start` is 0 if the item has no such member. */
  start(field: number): number
  end(field: number): number
  readonly bytes: Buffer
  /**
   * A number that items share if the values of these fields (a bit a field) have the same bytes in both. Negative, the complement of
   * the number: not known so far, and whatever the number stood for is forgotten. Numbers are small.
   */
  remember(fields: number): number
  /** The whole item, parsed. */
  json(): unknown
}

export type TrailVisitor = {
  item(item: TrailItem): void
  problem(position: number, reason: string): void
}
