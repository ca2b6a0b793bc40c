/** How demo keys are retired: from `keytrail.yml`. */
export type RetireSettings = {
  /** So long after it was registered and last used a key is due. */
  readonly afterDays: number
  /** So long it is disabled, with nobody trying to use it, before its aliases are freed and its deletion is scheduled; at least 72. */
  readonly watchHours: number
  /** KMS takes 7 to 30. */
  readonly pendingDays: number
  /** New retirements that one run may begin. */
  readonly perRunMax: number
  /** Keys by ARN, and aliases, with `*` for any text, that are never touched. */
  readonly exclude: readonly string[]
}
