import { isJsonObject, memberOf } from '../../shared/json.ts'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html; unique IDs are what AWS makes of deleted ones. */
const AWS_PRINCIPAL =
  /^(?:\*|\d{12}|A(?:IDA|ROA)[A-Z0-9]{12,}|arn:[\w-]+:(?:iam::\d{12}:(?:root|(?:user|role)\/[^\s*?]+)|sts::\d{12}:(?:assumed-role|federated-user)\/[^\s*?]+))$/
const SERVICE_PRINCIPAL = /^[\w-]+(?:\.[\w-]+)*\.(?:amazonaws\.com|amazonaws\.com\.cn|amazon\.com)$/

/** Whether a key policy, which is a policy document, names a principal that no account can have. */
export function hasInvalidPrincipal(policy: string): boolean {
  const document: unknown = JSON.parse(policy)
  const statements = isJsonObject(document) ? [memberOf(document, 'Statement')].flat() : []
  return statements.some((statement) => {
    if (!isJsonObject(statement)) return true
    return ['Principal', 'NotPrincipal'].some((name) => isInvalid(memberOf(statement, name)))
  })
}

function isInvalid(principal: unknown): boolean {
  if (principal === undefined || principal === '*') return false
  if (!isJsonObject(principal)) return true
  return Object.entries(principal).some(([kind, value]) => [value].flat().some((text) => !isValid(kind, String(text))))
}

function isValid(kind: string, text: string): boolean {
  switch (kind) {
    case 'AWS':
      return AWS_PRINCIPAL.test(text)
    case 'Service':
      return SERVICE_PRINCIPAL.test(text)
    default:
      return kind === 'Federated' && text !== ''
  }
}
