/** What `keytrail local` tells the process that runs the local cloud. */
export type LocalOrder = {
  /** Where its state is kept. */
  readonly folder: string
  readonly fresh: boolean
  /** 0 takes a free one. */
  readonly port: number
  /** Every line that functions write is shown, not only warnings and errors. */
  readonly verbose: boolean
  /** Functions of the stack, by name, that do nothing: what waits for them in queues stays there. */
  readonly idle?: readonly string[]
  /** Where the clock of a fresh cloud starts. */
  readonly startMs?: number
  /** How CloudTrail brings events: delays are log-normal, shares from 0 to 1. */
  readonly delivery: {
    readonly delayMs: { readonly p50: number; readonly p99: number }
    readonly duplicateShare: number
    readonly lossShare: number
  }
}

/** What it answers once it is up. */
export type LocalNews = { readonly url: string; readonly region: string; readonly folder: string; readonly now: string }

/** In the state's folder while the local cloud runs: `LocalNews` as JSON. */
export const ENDPOINT_FILE = 'endpoint.json'
/** In the state's folder: the one certificate to trust where the local cloud speaks TLS, PEM. */
export const CERTIFICATE_FILE = 'certificate.pem'

/** What audits, puts right and cleans up, for who has no use for it: each change and each hour would wake these functions. */
export const AUDIT_FUNCTIONS = ['audit-change', 'sweep', 'announce', 'enforce', 'clean-up'].map((name) => `keytrail-${name}`)
