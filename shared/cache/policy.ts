import { isJsonObject, memberOf } from '../json.ts'
import { parsed, type Parsed, refused } from '../parsed.ts'

/** How long and for how much one data key may serve. */
export type CachePolicy = {
  /** Counted from the moment the key was asked for. A key that was revoked may serve for so long still. */
  readonly maxAgeMs: number
  /** Messages encrypted under one data key. */
  readonly maxMessages: number
  /** Plaintext bytes encrypted under one data key. */
  readonly maxBytes: number
}

/** The maximum age has no default. */
export type CachePolicyInput = {
  readonly maxAgeMs: number
  readonly maxMessages?: number | undefined
  readonly maxBytes?: number | undefined
}

/** https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/thresholds.html: 1 to 2^32 messages, in JavaScript 2^53-1 bytes. */
const MESSAGES_MAX = 2 ** 32
const BYTES_MAX = Number.MAX_SAFE_INTEGER

/** What a data key is wanted for, by the name of the KMS operation that gives one. */
export type KeyOperation = 'GenerateDataKey' | 'Decrypt'

/** What one operation asks of the cache. */
export type KeyRequest = {
  readonly operation: KeyOperation
  /** False for the suites that encrypt under the data key itself: such a key must not serve twice. */
  readonly hasKdf: boolean
  /** How long the plaintext to encrypt is, null where nobody knows; 0 to decrypt. */
  readonly plaintextBytes: number | null
}

/** What one data key has done so far: `bornMs` is when it was asked for, on the clock of the requests. */
export type KeyUsage = { readonly bornMs: number; readonly messages: number; readonly bytes: number }

/** Why a request goes past the cache: neither looked up nor kept. */
export type BypassReason = 'identityKdf' | 'unknownLength' | 'overMaxBytes'

/** `hit`: the key may serve this request too. The next three say why it may not, and must go; `absent`: there is none. */
export type CacheDecision = 'hit' | 'expired' | 'tooManyMessages' | 'tooManyBytes' | 'absent' | BypassReason

/** Reads limits that a program or a file gives. Reasons name the limit and what it may be. */
export function parseCachePolicy(input: unknown): Parsed<CachePolicy> {
  if (!isJsonObject(input)) return refused('a cache policy is an object with maxAgeMs')
  const maxAgeMs = memberOf(input, 'maxAgeMs')
  if (maxAgeMs === undefined) return refused('maxAgeMs is missing: data keys must not be kept without a maximum age, in milliseconds')
  const limits = {
    maxAgeMs,
    maxMessages: memberOf(input, 'maxMessages') ?? MESSAGES_MAX,
    maxBytes: memberOf(input, 'maxBytes') ?? BYTES_MAX,
  }
  const reason =
    reasonAgainst('maxAgeMs', limits.maxAgeMs, Number.MAX_SAFE_INTEGER) ??
    reasonAgainst('maxMessages', limits.maxMessages, MESSAGES_MAX) ??
    reasonAgainst('maxBytes', limits.maxBytes, BYTES_MAX)
  return reason === null ? parsed(limits as CachePolicy) : refused(reason)
}

function reasonAgainst(name: keyof CachePolicy, value: unknown, max: number): string | null {
  const isFine = typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= max
  return isFine ? null : `${name} must be a whole number from 1 to ${max}`
}

/**
 * Whether a data key may serve a request under a policy: the rule of the cache and of the replay of recorded calls.
 * Messages and bytes count with the request included, when encrypting only; keys to decrypt grow old and nothing else.
 */
export function decideUse(policy: CachePolicy, usage: KeyUsage | null, request: KeyRequest, nowMs: number): CacheDecision {
  const bypass = bypassReason(policy, request)
  if (bypass !== null) return bypass
  if (usage === null) return 'absent'
  if (isTooOld(policy, usage.bornMs, nowMs)) return 'expired'
  if (request.operation === 'Decrypt') return 'hit'
  if (usage.messages >= policy.maxMessages) return 'tooManyMessages'
  // A difference of safe integers is exact, their sum need not be.
  return (request.plaintextBytes ?? 0) > policy.maxBytes - usage.bytes ? 'tooManyBytes' : 'hit'
}

/** Past its maximum age, or of no age at all: a clock that fails (NaN) or runs back ends a key's life. */
export function isTooOld({ maxAgeMs }: CachePolicy, bornMs: number, nowMs: number): boolean {
  const ageMs = nowMs - bornMs
  return !(ageMs >= 0 && ageMs <= maxAgeMs)
}

/** https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/data-caching-details.html: what is never cached. */
function bypassReason(policy: CachePolicy, { operation, hasKdf, plaintextBytes }: KeyRequest): BypassReason | null {
  if (!hasKdf) return 'identityKdf'
  if (operation === 'Decrypt') return null
  if (plaintextBytes === null || !Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0) return 'unknownLength'
  return plaintextBytes > policy.maxBytes ? 'overMaxBytes' : null
}
