/** What is wrong at a place of the policy file. */
export type PolicyProblem = {
  /** Both count from 1; columns are UTF-16 code units, as editors count them. */
  readonly line: number
  readonly column: number
  /** What stands there and what to write instead. It may quote the file: escape it where it is shown. */
  readonly message: string
}

/** Of more problems than this only the number is told. */
export const PROBLEMS_MAX = 200

/** `keytrail.yml:3:5: …`, as compilers write it: editors jump to it. */
export function problemText(file: string, { line, column, message }: PolicyProblem): string {
  return `${file}:${line}:${column}: ${message}`
}
