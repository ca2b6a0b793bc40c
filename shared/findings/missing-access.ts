import type { Finding } from './finding.ts'
import { plainText } from './plain-text.ts'

/** Longer than any of AWS. */
const ACTION_BYTES_MAX = 128

/** What Keytrail may not call in an account, and what it therefore cannot tell. */
export type MissingAccess = {
  readonly accountId: string
  /** As IAM names it. */
  readonly action: string
  readonly findings: readonly Finding[]
  readonly isRepetition: boolean
}

/** What findings are unknown for, by account and action, each once. */
export function missingAccess(findings: readonly Finding[]): readonly Omit<MissingAccess, 'isRepetition'>[] {
  const groups = new Map<string, Omit<MissingAccess, 'isRepetition'> & { readonly findings: Finding[] }>()
  for (const finding of findings.filter(({ status }) => status === 'unknown')) {
    const { accountId } = finding.resource
    for (const action of finding.denied) {
      const key = `${accountId} ${action}`
      const group = groups.get(key) ?? { accountId, action, findings: [] }
      groups.set(key, group)
      group.findings.push(finding)
    }
  }
  return [...groups.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group)
}

/** The statement that lets Keytrail's role call these. */
export function policyStatement(actions: readonly string[]): {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: '*'
} {
  return { Effect: 'Allow', Action: [...new Set(actions.map((action) => plainText(action, ACTION_BYTES_MAX)))].toSorted(), Resource: '*' }
}
