import { unread } from '../../shared/observed.ts'
import type { Audit } from '../../shared/rules/audit.ts'
import type { Resource, Rule, Severity } from '../../shared/rules/rule.ts'
import { fail, notApplicable, pass, unjudged, type Verdict } from '../../shared/rules/verdict.ts'
import type { EpochS } from '../../shared/time.ts'
import type { Exemption } from '../../shared/findings/exemption.ts'
import { type Finding, findingId, type FindingStatus } from '../../shared/findings/finding.ts'
import type { KeptFinding } from '../../shared/findings/finding-store.ts'
import type { Recording } from '../../shared/findings/record.ts'

export const NOW = (Date.parse('2026-10-20T06:00:00Z') / 1000) as EpochS
export const ACCOUNT = '111122223333'
export const HUB = { accountId: ACCOUNT, region: 'us-east-1' }

export function later(seconds: number): EpochS {
  return (NOW + seconds) as EpochS
}

export function key(name: string, changes: Partial<Resource> = {}): Resource {
  return { kind: 'kms_key', arn: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${name}`, accountId: ACCOUNT, region: 'us-east-1', ...changes }
}

/** A rule of which only the description matters. */
export function rule(id: string, severity: Severity = 'medium'): Rule {
  return {
    id,
    severity,
    title: `Keys are as ${id} wants them`,
    kind: 'kms_key',
    controls: ['CIS-3.0.0:3.6', 'NIST-800-53-r5:SC-12'],
    source: 'https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html',
    watches: [],
    outOfScope: [],
    scopeFacts: ['manager'],
    facts: ['manager', 'rotation'],
    optionalFacts: [],
    remediation: null,
    advice: 'Turn it on. Nothing else changes.',
    exclude: () => null,
    judge: () => pass,
  }
}

export const RULES: readonly Rule[] = [rule('kms-key-a', 'critical'), rule('kms-key-b', 'high'), rule('kms-key-c', 'low')]

export const DENIED: Verdict = { kind: 'unknown', unread: [unread('kms:GetKeyRotationStatus', 'denied', 'AccessDeniedException')] }
export const UNREAD: Verdict = { kind: 'unknown', unread: [unread('kms:GetKeyRotationStatus', 'failed', 'ThrottlingException')] }
export const UNCLEAR = unjudged('kms:GetKeyPolicy', 'PolicyNotUnderstood')
export const OUT_OF_SCOPE = notApplicable('AWS rotates AWS managed keys')
export const FAIL = fail('automatic rotation is off')

export function audit(resource: Resource, verdicts: Readonly<Record<string, Verdict>>, rules = RULES): Audit {
  const judgements = rules.flatMap((each) => {
    const verdict = verdicts[each.id]
    return verdict === undefined ? [] : [{ rule: each, verdict }]
  })
  const facts = { manager: { known: true, value: 'CUSTOMER' }, rotation: { known: true, value: { isEnabled: false } } } as const
  return { kind: 'judged', resource, judgements, facts }
}

export function recording(changes: Partial<Recording> = {}): Recording {
  return { exemptions: [], ruleIds: new Set(RULES.map(({ id }) => id)), eventId: 'event-1', policyDigest: 'ab'.repeat(32), ...changes }
}

export function exemption(changes: Partial<Exemption> = {}): Exemption {
  return { ruleId: 'kms-key-a', resource: '*', reason: 'a migration', approver: 'Ada', until: later(86_400), ...changes }
}

/** A finding as it is, with what is unlike the others. */
export function finding(changes: Partial<Finding> = {}): Finding {
  const resource = changes.resource ?? key('1234abcd-12ab-34cd-56ef-1234567890ab')
  const ruleId = changes.ruleId ?? 'kms-key-b'
  return {
    id: findingId(ruleId, resource),
    ruleId,
    severity: 'high',
    resource,
    status: 'failing',
    reason: 'automatic rotation is off',
    denied: [],
    isUnclear: false,
    createdAt: later(-86_400),
    firstFailedAt: later(-86_400),
    lastFailedAt: NOW,
    since: later(-3600),
    judgedAt: NOW,
    version: 1,
    evidence: { facts: '{"manager":"CUSTOMER","rotation":{"isEnabled":false}}', eventId: 'event-1', policyDigest: 'ab'.repeat(32) },
    ...changes,
  }
}

export function kept(changes: Partial<Finding> = {}, more: Partial<KeptFinding> = {}): Omit<KeptFinding, 'revision'> {
  const one = finding(changes)
  const { revision: _, ...rest } = {
    finding: one,
    unannounced: [{ from: null, to: one.status, at: one.since, reason: one.reason }],
    refusals: { mail: 0, hub: 0, events: 0 },
    attemptedAt: null,
    tried: { mail: 0, hub: 0, events: 0 },
    told: { mail: 0, hub: 0, events: 0 },
    importedAt: null,
    importedVersion: 0,
    revision: '',
    ...more,
  }
  return rest
}

export const STATUSES: readonly FindingStatus[] = ['failing', 'passing', 'unknown', 'exempt', 'gone']
