/** Which rule an operation broke. Programs tell failures apart by this, never by the words of the message. */
export type EnvelopeRule =
  /** Wrong use: found before any key is asked for, but for `output-size` when encrypting, which depends on the encrypted keys. */
  | 'options'
  | 'encryption-context'
  | 'frame-length'
  | 'output-size'
  | 'plaintext-length'
  | 'key-arn'
  | 'key-length'
  | 'cache-limits'
  /** What a message says of itself, before anything of it is authenticated. */
  | 'base64'
  | 'version'
  | 'suite'
  | 'header'
  | 'truncated'
  | 'encrypted-data-keys'
  | 'commitment-policy'
  | 'signed-stream'
  | 'context-mismatch'
  | 'signature-key'
  /** Keys. */
  | 'generate-data-key'
  | 'decrypt-data-key'
  | 'materials'
  /** Authentication. */
  | 'commitment'
  | 'header-tag'
  | 'frame-sequence'
  | 'frame-iv'
  | 'frame-size'
  | 'frame-count'
  | 'frame-tag'
  | 'signature'
  | 'trailing-bytes'

/** Why one wrapping key did not work. `reason` holds no key and no value of an encryption context, and is capped. */
export type KeyFailure = { readonly key: string; readonly reason: string }

/**
 * What every function of this room throws or rejects with: `rule` says which rule was broken, `failures` which wrapping keys were tried in
 * vain. Neither holds plaintext, key bytes, or values of an encryption context, so that it may be logged.
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly rule: EnvelopeRule
  readonly failures: readonly KeyFailure[]

  constructor(rule: EnvelopeRule, message: string, failures: readonly KeyFailure[] = []) {
    super([message, ...failures.map(({ key, reason }) => `${key}: ${reason}`)].join('; '))
    this.rule = rule
    this.failures = failures
  }
}
