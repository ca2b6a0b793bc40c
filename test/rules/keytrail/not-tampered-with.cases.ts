import type { StackFacts } from '../../../shared/rules/facts.ts'
import type { RuleCases } from '../rule-cases.ts'

const ACCOUNT = '111122223333'

const DEPLOYED: StackFacts = {
  status: 'UPDATE_COMPLETE',
  rules: [
    { name: 'keytrail-key-usage', problems: [] },
    { name: 'keytrail-s3-changes', problems: [] },
  ],
  queuePolicies: [{ name: 'keytrail-key-usage', problems: [] }],
  functions: [{ name: 'keytrail-count-key-usage', problems: [] }],
}

export const cases: RuleCases<'keytrail_stack'> = {
  resource: {
    kind: 'keytrail_stack',
    arn: `arn:aws:cloudformation:eu-central-1:${ACCOUNT}:stack/keytrail/0d0a2c50-6e0a-11f0-9d5e-0a1b2c3d4e5f`,
    accountId: ACCOUNT,
    region: 'eu-central-1',
  },
  facts: DEPLOYED,
  rows: [
    { title: 'stands as deployed', verdict: 'pass' },
    { title: 'was rolled back and stands as deployed', facts: { status: 'UPDATE_ROLLBACK_COMPLETE' }, verdict: 'pass' },
    {
      title: 'has a rule that is disabled',
      facts: { rules: [{ name: 'keytrail-key-usage', problems: ['disabled'] }] },
      verdict: 'fail',
      says: 'rule keytrail-key-usage: disabled',
    },
    {
      title: 'has a rule without its target and with another pattern',
      facts: { rules: [{ name: 'keytrail-key-usage', problems: ['another pattern', 'no target'] }] },
      verdict: 'fail',
      says: 'rule keytrail-key-usage: another pattern, no target',
    },
    {
      title: 'has a queue that lets others send',
      facts: { queuePolicies: [{ name: 'keytrail-key-usage', problems: ['another policy'] }] },
      verdict: 'fail',
      says: 'policy of queue keytrail-key-usage: another policy',
    },
    {
      title: 'has a function with other code',
      facts: { functions: [{ name: 'keytrail-count-key-usage', problems: ['other code'] }] },
      verdict: 'fail',
      says: 'function keytrail-count-key-usage: other code',
    },
    {
      title: 'was changed all over',
      facts: {
        rules: ['a', 'b'].map((name) => ({ name, problems: ['disabled'] })),
        queuePolicies: [{ name: 'c', problems: ['another policy'] }],
        functions: [{ name: 'd', problems: ['other code'] }],
      },
      verdict: 'fail',
      says: 'rule a: disabled, rule b: disabled, policy of queue c: another policy and 1 more',
    },
    {
      title: 'has a name and a problem that are longer than any',
      facts: { rules: [{ name: 'a'.repeat(200), problems: ['é'.repeat(300)] }] },
      verdict: 'fail',
      says: `rule ${'a'.repeat(64)}: ${'é'.repeat(80)}`,
    },
    {
      title: 'has more problems than fit on a line',
      facts: { rules: ['a', 'b', 'c'].map((name) => ({ name: name.repeat(64), problems: ['x'.repeat(160)] })) },
      verdict: 'fail',
      says: `rule ${'a'.repeat(64)}: ${'x'.repeat(160)}, rule ${'b'.repeat(64)}: ${'x'.repeat(160)}, rule ${'c'.repeat(9)}`,
    },
    {
      title: 'is being deployed',
      facts: { status: 'UPDATE_IN_PROGRESS', functions: [{ name: 'keytrail-count-key-usage', problems: ['other code'] }] },
      verdict: 'unknown',
      says: 'StackIsChanging',
    },
    {
      title: 'is being deleted',
      facts: { status: 'DELETE_IN_PROGRESS', rules: [{ name: 'keytrail-key-usage', problems: ['not there'] }] },
      verdict: 'not_applicable',
      says: 'the stack status is DELETE_IN_PROGRESS',
    },
    {
      title: 'is planned',
      facts: { status: 'REVIEW_IN_PROGRESS' },
      verdict: 'not_applicable',
      says: 'the stack status is REVIEW_IN_PROGRESS',
    },
    { title: 'has unread rules', unread: ['rules'], verdict: 'unknown', says: 'AccessDeniedException' },
    { title: 'has an unread status', unread: ['status'], verdict: 'unknown', says: 'AccessDeniedException' },
  ],
}
