/** Notes why something failed, once a reason, however often it comes. */
export function noteFailure(failures: Map<string, Error>, error: unknown): void {
  const failure = error instanceof Error ? error : new Error('something failed that is no error', { cause: error })
  failures.set(`${failure.name} ${failure.message}`, failure)
}
