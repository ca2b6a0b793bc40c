import type { CacheRequest } from '../../shared/cache/data-key-cache.ts'
import type { CachePolicy } from '../../shared/cache/policy.ts'
import { isZero, KEY_ARN } from './fake-keyring.ts'

export const LIMITS: CachePolicy = { maxAgeMs: 1000, maxMessages: 2 ** 32, maxBytes: Number.MAX_SAFE_INTEGER }

export type SourcedKey = { readonly id: string; readonly dataKey: { readonly bytes: Uint8Array; readonly wrappedBy: string } }

export type Asked = Partial<Omit<CacheRequest<SourcedKey>, 'fetch'>> & { readonly keyArn?: string }

/** Where a cache under test gets its keys from: it keeps all it gave, and waits or fails as a test wants. */
export type KeySource = {
  readonly keys: SourcedKey[]
  failure: Error | null
  beforeAnswer: () => Promise<void>
  /** A request for ten bytes under `LIMITS`, unless told. */
  request(asked?: Asked): CacheRequest<SourcedKey>
  /** Which of the keys are overwritten. */
  areZero(): readonly boolean[]
}

export function createKeySource(): KeySource {
  const source: KeySource = {
    keys: [],
    failure: null,
    beforeAnswer: async () => {},
    request: ({ keyArn = KEY_ARN, ...asked } = {}) => ({
      id: 'a',
      operation: 'GenerateDataKey',
      policy: LIMITS,
      hasKdf: true,
      plaintextBytes: 10,
      ...asked,
      fetch: (timed) =>
        timed(async () => {
          await source.beforeAnswer()
          if (source.failure !== null) throw source.failure
          const key = { id: asked.id ?? 'a', dataKey: { bytes: new Uint8Array(32).fill(7), wrappedBy: keyArn } }
          source.keys.push(key)
          return key
        }),
    }),
    areZero: () => source.keys.map(({ dataKey }) => isZero(dataKey.bytes)),
  }
  return source
}
