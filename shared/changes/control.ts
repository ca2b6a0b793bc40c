import type { EpochS } from '../time.ts'

/** The kill switch: while it stands, Keytrail changes nothing in AWS. */
export type Stop = { readonly by: string; readonly reason: string; readonly at: EpochS }

/** The right to work on something alone, for a while: whoever dies with it does not keep it. */
export type Claim = { readonly name: string; readonly token: string; readonly until: EpochS }

/** What holds runs back. What is written is seen by whoever reads after. Every function rejects where the store cannot be reached. */
export type Control = {
  /** Null: nobody stopped Keytrail. */
  stop(): Promise<Stop | null>
  /** Null takes the stop away. */
  setStop(stop: Stop | null): Promise<void>
  /** Null: somebody else has it. A claim that is over is free. */
  claim(name: string, now: EpochS, forS: number): Promise<Claim | null>
  /** Gives it back, unless it is somebody else's by now. */
  release(claim: Claim): Promise<void>
  /** Takes one of the `max` pieces that `budget` has in this hour, whoever asks. False: none is left. */
  spend(budget: string, now: EpochS, max: number): Promise<boolean>
  /**
   * Notes that the policy with this digest is in force, and tells since when it surely is: from when on no other one was seen in force. 0:
   * none ever was. To be asked by whoever enforces only: what people have in their folders is not in force.
   */
  policySince(digest: string, now: EpochS): Promise<EpochS>
}
