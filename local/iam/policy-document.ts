import { isJsonObject, memberOf, textOf } from '../../shared/json.ts'

export type PolicyUse = 'identity' | 'trust'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html */
const VERSIONS = ['2008-10-17', '2012-10-17']
/** What may stand in a policy. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html */
const CHARACTERS = /^[\t\n\r\u0020-\u00FF]{1,131072}$/

/** Why a text is no policy for that use, in AWS's words; null if it is one. */
export function faultOfPolicy(text: string, use: PolicyUse): string | null {
  let document: unknown
  try {
    document = CHARACTERS.test(text) ? JSON.parse(text) : null
  } catch {
    document = null
  }
  if (!isJsonObject(document)) return 'This policy contains invalid Json'
  const version = textOf(document, 'Version')
  if (version !== null && !VERSIONS.includes(version)) return `The policy must have a version of ${VERSIONS.join(' or ')}`
  const statements = [memberOf(document, 'Statement') ?? []].flat()
  if (statements.length === 0) return 'Syntax errors in policy.'
  return statements.map((statement) => faultOfStatement(statement, use)).find((fault) => fault !== null) ?? null
}

function faultOfStatement(statement: unknown, use: PolicyUse): string | null {
  if (!isJsonObject(statement)) return 'Syntax errors in policy.'
  const has = (name: string): boolean => memberOf(statement, name) !== undefined
  const effect = textOf(statement, 'Effect')
  if (effect !== 'Allow' && effect !== 'Deny') return 'Syntax errors in policy.'
  if (has('Action') === has('NotAction')) return 'Policy statement must contain actions.'
  switch (use) {
    case 'identity':
      if (has('Principal') || has('NotPrincipal')) return 'Policy document should not specify a principal.'
      return has('Resource') === has('NotResource') ? 'Policy statement must contain resources.' : null
    case 'trust':
      if (has('Resource') || has('NotResource')) return 'Has prohibited field Resource'
      return has('Principal') || has('NotPrincipal') ? null : 'Missing required field Principal'
  }
}
