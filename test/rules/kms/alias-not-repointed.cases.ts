import type { KmsKeyFacts } from '../../../shared/rules/facts.ts'
import { KEY, keyCases, MANAGER_ROWS } from './ordinary-key.ts'

const OTHER_KEY = KEY.arn.replace('c0083aa4', '0379314b')

function pointed(from: string, to: string | null, alias = 'alias/orders'): Pick<KmsKeyFacts, 'aliasHistory'> {
  return { aliasHistory: [{ alias, firstKeyArn: from, keyArn: to }] }
}

export const cases = keyCases([
  { title: 'has the alias it had', verdict: 'pass' },
  { title: 'never had one', facts: { aliasHistory: [] }, verdict: 'pass' },
  {
    title: 'lost its alias to another',
    facts: pointed(KEY.arn, OTHER_KEY),
    verdict: 'fail',
    says: `repointed: alias/orders stands for ${OTHER_KEY} now`,
  },
  {
    title: 'got the alias of another',
    facts: pointed(OTHER_KEY, KEY.arn),
    verdict: 'fail',
    says: `repointed: alias/orders stood for ${OTHER_KEY}`,
  },
  { title: 'has an alias that was deleted', facts: pointed(KEY.arn, null), verdict: 'pass' },
  {
    title: 'lost an alias that is longer than any',
    facts: pointed(KEY.arn, OTHER_KEY, 'é'.repeat(300)),
    verdict: 'fail',
    says: `repointed: ${'é'.repeat(128)} stands for ${OTHER_KEY} now`,
  },
  {
    title: 'is of an account that Keytrail is not deployed to',
    facts: { aliasHistory: null },
    verdict: 'not_applicable',
    says: 'Keytrail is not deployed here: nothing was remembered',
  },
  { title: 'has an unread history', unread: ['aliasHistory'], verdict: 'unknown', says: 'AccessDeniedException' },
  ...MANAGER_ROWS,
])
