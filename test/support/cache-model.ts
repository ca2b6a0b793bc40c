export const LIMITS = { maxAgeMs: 10, maxMessages: 3, maxBytes: 100 }
export const CAPACITY = 2
/** Two names under one wrapping key, one under another, one that asks to decrypt. */
export const NAMES = {
  a: { keyArn: 'first', operation: 'GenerateDataKey' },
  b: { keyArn: 'first', operation: 'GenerateDataKey' },
  c: { keyArn: 'second', operation: 'GenerateDataKey' },
  d: { keyArn: 'second', operation: 'Decrypt' },
} as const
export type Name = keyof typeof NAMES
type Cause = 'age' | 'messages' | 'bytes' | 'capacity' | 'cleared'

/** A data key as the model sees it: by its number, without bytes. */
export type ModelKey = {
  readonly name: Name
  readonly bornMs: number
  readonly isKept: boolean
  state: 'asked' | 'there' | 'failed'
  readonly reserved: number[]
  inUse: number
  gone: Cause | null
}

/** What the cache promises, in the plainest way: every key ever asked for, and a list of those that are in the cache, in order of use. */
export class Model {
  nowMs = 0
  keys: ModelKey[] = []
  inCache: ModelKey[] = []
  /** For each request, in order, the number of the key it must get. */
  keyOfRequest: number[] = []

  remove(key: ModelKey, cause: Cause): void {
    this.inCache = this.inCache.filter((other) => other !== key)
    key.gone = cause
  }

  ask(name: Name, bytes: number | null): void {
    const isEncrypt = NAMES[name].operation === 'GenerateDataKey'
    const isKept = !isEncrypt || (bytes !== null && bytes <= LIMITS.maxBytes)
    const key = this.inCache.find((other) => other.name === name)
    if (isKept && key !== undefined) {
      const used = key.reserved.reduce((sum, one) => sum + one, 0)
      const cause =
        this.nowMs - key.bornMs > LIMITS.maxAgeMs
          ? 'age'
          : isEncrypt && key.reserved.length + 1 > LIMITS.maxMessages
            ? 'messages'
            : isEncrypt && used + (bytes ?? 0) > LIMITS.maxBytes
              ? 'bytes'
              : null
      if (cause === null) {
        key.reserved.push(isEncrypt ? (bytes ?? 0) : 0)
        key.inUse++
        this.inCache = [...this.inCache.filter((other) => other !== key), key]
        this.keyOfRequest.push(this.keys.indexOf(key))
        return
      }
      this.remove(key, cause)
    }
    this.keyOfRequest.push(this.keys.length)
    const fresh: ModelKey = {
      name,
      bornMs: this.nowMs,
      isKept,
      state: 'asked',
      reserved: [isEncrypt ? (bytes ?? 0) : 0],
      inUse: 1,
      gone: null,
    }
    this.keys.push(fresh)
    if (!isKept) return
    for (const old of this.inCache) if (this.nowMs - old.bornMs > LIMITS.maxAgeMs) this.remove(old, 'age')
    const [oldest] = this.inCache
    if (this.inCache.length === CAPACITY && oldest !== undefined) this.remove(oldest, 'capacity')
    this.inCache.push(fresh)
  }

  settle(number: number, state: 'there' | 'failed'): void {
    const key = this.keys[number]
    if (key === undefined) throw new Error('no such key')
    key.state = state
    if (state === 'failed') this.inCache = this.inCache.filter((other) => other !== key)
  }

  isOverwritten({ state, gone, isKept, inUse }: ModelKey): boolean {
    return state === 'there' && (gone !== null || !isKept) && inUse === 0
  }
}
