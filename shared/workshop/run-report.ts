import type { UsageReport } from '../usage/usage-report.ts'
import type { CheckResult } from './use-case.ts'

/** `.keytrail/last-run.json`: what a run of the local cloud brought, step by step. */
export type RunReport = {
  readonly format: 'keytrail.run/1'
  /** What the local cloud's clock said at the end, ISO 8601: the time of the records, not of the day. */
  readonly clock: string
  /** The rule that delivers KMS events, and what is wrong with it: nothing, if it delivers. */
  readonly rule: { readonly name: string; readonly state: string; readonly problems: readonly string[] }
  /** Calls made through the SDK. */
  readonly calls: { readonly keyArn: string; readonly made: Readonly<Record<string, number>> }
  /** Use cases of the workshops that were played, and what CloudTrail told of them. */
  readonly useCases: readonly (Pick<CheckResult, 'checks' | 'lessons'> & {
    readonly name: string
    readonly title: string
    readonly keyArn: string
  })[]
  readonly played: {
    /** Records of the files. */
    readonly records: number
    /** Records too old, or too many, for one run. */
    readonly leftOut: number
    /** Records that were brought a second time. */
    readonly repeats: number
    /** Events that somebody outside AWS tried to send, and what became of them. */
    readonly forged: readonly { readonly source: string; readonly outcome: string }[]
    /** Events, and messages put into the queue by hand, that hold nothing to count. */
    readonly broken: number
  }
  /** Events that the bus got from wherever, and those of them that the rule brought to the queue. */
  readonly arrived: { readonly onBus: number; readonly inQueue: number; readonly lost: number }
  /** What the function made of the queue's messages. */
  readonly folded: {
    readonly batches: number
    readonly messages: number
    readonly segments: number
    readonly uses: number
    readonly other: number
    readonly tooOld: number
    readonly malformed: number
    readonly spoofed: number
    readonly failed: number
  }
  readonly parked: readonly ParkedShown[]
  /** A bucket and a key that were weakened, what the audit found of that, and the mails that told of it. */
  readonly audit: {
    readonly bucket: string
    readonly keyArn: string
    readonly findings: readonly {
      readonly ruleId: string
      readonly severity: string
      readonly status: string
      readonly reason: string
      readonly arn: string
    }[]
    readonly mails: readonly { readonly to: string; readonly subject: string; readonly body: string }[]
  }
  /** What the policy of the run had put right of it, and what a person took back; the oldest first. */
  readonly changes: readonly {
    readonly id: string
    readonly ruleId: string
    readonly arn: string
    readonly summary: string
    readonly before: string
    readonly after: string
    readonly state: string
    readonly by: string
    /** The change that this one took back. */
    readonly undoes: string | null
  }[]
  /** Demo keys, and how they stood each time that one looked. */
  readonly retirements: readonly {
    readonly keyArn: string
    readonly stood: readonly { readonly stage: string | null; readonly state: string; readonly reason: string }[]
  }[]
  /** Subjects of the mails that told of changes and retirements; the oldest first. */
  readonly notices: readonly string[]
  readonly rolledUpHours: number
  readonly usage: Pick<UsageReport, 'calls' | 'unattributed' | 'dryRuns'>
  /** `keytrail usage` over the KMS records that came to the bus, of accounts that are audited, tells the same. */
  readonly agreesWithUsage: boolean
}

export type ParkedShown = {
  readonly messageId: string
  readonly kind: string
  readonly reason: string
  readonly bodyBytes: number
  readonly bodySha256: string
}

/** What a run is told before it begins. */
export type RunOrder = {
  readonly kind: 'begin'
  /** Where the state of the run is kept; what is there is removed. */
  readonly folder: string
  /** Where the local clock starts: behind all records. */
  readonly startMs: number
  /** Seconds since 1970 from which on the run has records. */
  readonly since: number
  readonly accounts: readonly string[]
  readonly leftOut: number
  readonly by: readonly string[]
}
/** Records for a run to play, as JSON texts; an empty list says that there are no more. */
export type RunRecords = { readonly kind: 'records'; readonly texts: readonly string[] }
/** What a run tells while it goes on. */
export type RunNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'step'; readonly title: string; readonly lines: readonly string[] }
  | { readonly kind: 'taken' }
  | { readonly kind: 'done'; readonly run: RunReport }
  /** `isFault`: the program's own, and not something in its way. */
  | { readonly kind: 'failed'; readonly reason: string; readonly isFault: boolean }
