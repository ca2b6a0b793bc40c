import { type Place, statementsFor } from '../rules/derive/audit-statements.ts'
import type { Finding } from './finding.ts'
import { plainText } from './plain-text.ts'

/** Longer than any of AWS. */
const ACTION_BYTES_MAX = 128
const ANYTHING = '*'
/** Of partitions, Regions and accounts: no wildcard, and no further part of an ARN. */
const PLACE_PART = /^[a-z\d-]{1,32}$/

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

/** What to add to a policy of Keytrail's role. */
type PolicyStatement = {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: string | readonly string[]
}

/** Statements that let Keytrail's role call these, on what the role that is deployed may call them on; one for one action. */
export function policyStatements(access: readonly Pick<MissingAccess, 'action' | 'findings'>[]): readonly PolicyStatement[] {
  const granted = access.flatMap(({ action, findings }) => {
    const narrow = placesOf(findings).flatMap((place) => statementsFor([action], place))
    const resources = narrow.flatMap(({ Resource }) => (typeof Resource === 'string' ? [Resource] : []))
    // Of an action that no role of the audit has, or a place that is none, nobody knows what it is called on.
    return (resources.length === 0 ? [ANYTHING] : resources).map((resource) => ({ action, resource }))
  })
  const resourcesOf = Map.groupBy(granted, ({ action }) => action)
  const groups = Map.groupBy(resourcesOf, ([, grants]) => JSON.stringify(distinct(grants.map(({ resource }) => resource))))
  return [...groups]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([text, members]) => {
      const resources = JSON.parse(text) as readonly string[]
      const [only = ANYTHING] = resources
      const actions = distinct(members.map(([action]) => plainText(action, ACTION_BYTES_MAX)))
      return { Effect: 'Allow', Action: actions, Resource: resources.length === 1 ? only : resources }
    })
}

/** Where findings are; what is written there by nobody but AWS, as AWS writes it. */
function placesOf(findings: readonly Finding[]): readonly Place[] {
  const places = new Map<string, Place>()
  for (const { resource } of findings) {
    const { accountId, region } = resource
    const partition = resource.arn.split(':')[1] ?? ''
    if (![partition, region, accountId].every((part) => PLACE_PART.test(part))) continue
    places.set(`${partition} ${region} ${accountId}`, { partition, region, accountId })
  }
  return [...places.values()]
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted()
}
