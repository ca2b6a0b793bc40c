import type { Tried } from '../tried.ts'

/** AWS's refusals (4xx) as values; what broke on the way, and throttling that outlasted all tries, throws. */
export async function tried<Value>(call: () => Promise<Value>): Promise<Tried<Value>> {
  try {
    return { ok: true, value: await call() }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    return refusal
  }
}

/** The same of a call whose answer says nothing. */
export function triedDone(call: () => Promise<unknown>): Promise<Tried<null>> {
  return tried(async () => {
    await call()
    return null
  })
}

/** The value; null if AWS says that there is no such thing, under one of these names. @throws every other error as it came */
export async function foundOrNull<Value>(codes: readonly string[], call: () => Promise<Value>): Promise<Value | null> {
  try {
    return await call()
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal !== null && codes.includes(refusal.code)) return null
    throw error
  }
}

const TOO_MANY_REQUESTS = 429
/** What the SDK says where AWS said nothing. */
const NO_MESSAGE = 'UnknownError'

function refusalOf(error: unknown): (Tried<never> & { readonly ok: false }) | null {
  if (!(error instanceof Error) || !('$metadata' in error)) return null
  const { httpStatusCode: status } = error.$metadata as { readonly httpStatusCode?: number }
  if (status === undefined || status < 400 || status >= 500 || status === TOO_MANY_REQUESTS) return null
  if ('$retryable' in error && error.$retryable !== undefined) return null
  return { ok: false, code: error.name, message: error.message === NO_MESSAGE ? '' : error.message }
}
