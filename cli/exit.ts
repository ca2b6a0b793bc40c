/** What the process ends with. Where several hold, wrong usage comes before unread, unread before failed. */
export const ExitCode = { fine: 0, failed: 1, wrongUsage: 2, unread: 3, ownFault: 70, interrupted: 130 } as const

/** The command was called in a way it does not understand; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
