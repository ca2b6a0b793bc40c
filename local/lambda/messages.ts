/** What goes between the local cloud and a function's thread. */
export type WorkerData = {
  /** The URL of the handler's module. */
  readonly source: string
  /** What `ownPolicy` reads instead of the project's file, in base64. */
  readonly policy?: string
  /** All that its TLS trusts, PEM; left out: what Node.js does. */
  readonly certificate?: string
}

export type Invocation = {
  readonly event: unknown
  readonly requestId: string
  readonly functionName: string
  readonly functionArn: string
  readonly timeoutMs: number
  /** By how much the local clock is ahead of the machine's. */
  readonly clockOffsetMs: number
}

export type InvocationAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly message: string }
