import { describe, expect, it } from 'vitest'
import type { Finding } from '../../shared/findings/finding.ts'
import { missingAccess, policyStatements } from '../../shared/findings/missing-access.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { auditStatements } from '../../shared/rules/derive/audit-statements.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import { ACCOUNT, finding, key } from './findings-ground.ts'

const PLACE = { partition: 'aws', region: 'us-east-1', accountId: ACCOUNT }
const keysIn = (region: string): string => `arn:aws:kms:${region}:${ACCOUNT}:key/*`

function denied(action: string, ...resources: readonly Resource[]): { readonly action: string; readonly findings: readonly Finding[] } {
  return { action, findings: resources.map((resource) => finding({ resource, status: 'unknown', denied: [action] })) }
}

describe('the statements of what Keytrail may not call', () => {
  const ROLE = auditStatements(ALL_RULES, PLACE).flatMap(({ Action: actions, Resource: place }) =>
    actions.map((action) => ({ action, place: typeof place === 'string' ? place : '' })),
  )
  it.each(ROLE)('let it call $action on what the role of the stack may call it on: $place', ({ action, place }) => {
    expect(policyStatements([denied(action, key('a'), key('b'))])).toEqual([{ Effect: 'Allow', Action: [action], Resource: place }])
  })

  const CASES: readonly (readonly [what: string, access: Parameters<typeof policyStatements>[0], statements: readonly unknown[]])[] = [
    [
      'several actions on the same are one',
      [denied('kms:ListGrants', key('a')), denied('kms:GetKeyPolicy', key('a')), denied('kms:ListAliases', key('a'))],
      [
        { Effect: 'Allow', Action: ['kms:ListAliases'], Resource: '*' },
        { Effect: 'Allow', Action: ['kms:GetKeyPolicy', 'kms:ListGrants'], Resource: keysIn('us-east-1') },
      ],
    ],
    [
      'two Regions stand in one',
      [denied('kms:GetKeyPolicy', key('a'), key('b', { region: 'eu-west-1', arn: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/b` }))],
      [{ Effect: 'Allow', Action: ['kms:GetKeyPolicy'], Resource: [keysIn('eu-west-1'), keysIn('us-east-1')] }],
    ],
    [
      'the partition is that of the resource',
      [denied('kms:GetKeyPolicy', key('a', { arn: `arn:aws-cn:kms:cn-north-1:${ACCOUNT}:key/a`, region: 'cn-north-1' }))],
      [{ Effect: 'Allow', Action: ['kms:GetKeyPolicy'], Resource: `arn:aws-cn:kms:cn-north-1:${ACCOUNT}:key/*` }],
    ],
    ['of what no role has, all', [denied('a:B', key('a'))], [{ Effect: 'Allow', Action: ['a:B'], Resource: '*' }]],
    [
      'a place that is none widens no ARN',
      [denied('kms:GetKeyPolicy', key('a'), key('b', { region: '*' }), key('c', { accountId: '1:key/*' }), key('d', { arn: 'none' }))],
      [{ Effect: 'Allow', Action: ['kms:GetKeyPolicy'], Resource: keysIn('us-east-1') }],
    ],
  ]
  it.each(CASES)('%s', (_, access, statements) => {
    expect(policyStatements(access)).toEqual(statements)
    expect(policyStatements(access.toReversed())).toEqual(statements)
  })

  it('follow from the findings that are unknown', () => {
    const findings = [...denied('kms:GetKeyPolicy', key('a'), key('b')).findings, finding({ denied: ['kms:ListGrants'] })]
    const access = missingAccess(findings)
    expect(access).toMatchObject([{ accountId: ACCOUNT, action: 'kms:GetKeyPolicy', findings: findings.slice(0, 2) }])
    expect(policyStatements(access)).toEqual([{ Effect: 'Allow', Action: ['kms:GetKeyPolicy'], Resource: keysIn('us-east-1') }])
  })
})
