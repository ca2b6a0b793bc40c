import type { AccessRequest, AccessVerdict } from '../../local/iam/access.ts'
import { createAccess, type NamedPolicy } from '../../local/iam/evaluator.ts'
import { createPrincipals } from '../../local/principals.ts'
import type { Principal } from '../../local/service.ts'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'

export const ACCOUNT = account('111122223333')
export const OTHER = account('444455556666')
export const KEY = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/c0083aa4-172b-4057-adf6-de64be04111c`
const OBJECT = 'arn:aws:s3:::reports/2026/a.csv'
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/Reader`
export const SESSION_ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/Reader/run`
export const NOW_MS = Date.parse('2026-10-20T07:00:00Z')

function account(text: string): AccountId {
  const parsed = parseAccountId(text)
  if (parsed === null) throw new Error(`${text} is no account`)
  return parsed
}

const principals = createPrincipals(ACCOUNT)
export const USER = principals.of('AKIAANY')
export const SESSION = principals.register({ accessKeyId: 'ASIAREADER', roleName: 'Reader', sessionName: 'run', startedMs: NOW_MS })
export const STRANGER = createPrincipals(OTHER).of('AKIAANY')

export type Statement = Readonly<Record<string, unknown>>
export const policy = (...statements: readonly Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements })
export const allow = (more: Statement = {}): Statement => ({ Effect: 'Allow', Action: 'kms:*', Resource: '*', ...more })
export const deny = (more: Statement = {}): Statement => ({ Effect: 'Deny', Action: 'kms:*', Resource: '*', ...more })
export const ROOT = { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } }
export const ANYONE = { Principal: '*' }
export const READER = { Principal: { AWS: ROLE_ARN } }
export const when = (operator: string, key: string, value: unknown): Statement => ({ Condition: { [operator]: { [key]: value } } })
export const ADMINISTRATOR = [policy({ Effect: 'Allow', Action: '*', Resource: '*' })]

export type Case = {
  readonly who?: Principal
  /** Policies of the caller. */
  readonly own?: readonly string[]
  readonly on?: string | null
  readonly action?: string
  readonly arn?: string
  readonly of?: AccountId
  readonly context?: AccessRequest['context']
  readonly tags?: Readonly<Record<string, string>>
}

export async function judge(row: Case): Promise<AccessVerdict> {
  const { who = USER, own = ADMINISTRATOR, on = policy(allow(ROOT)), action = 'kms:Decrypt', arn = KEY, of = ACCOUNT, context = {} } = row
  const policies: readonly NamedPolicy[] = own.map((document, index) => ({ name: `own-${index}`, document }))
  const access = createAccess({ identityOf: () => ({ policies, tags: row.tags ?? {} }), nowMs: () => NOW_MS })
  return access.judge({ principal: who, action, resourceArn: arn, resourceAccountId: of, resourcePolicy: on, context })
}

export const tenant = (value: string): AccessRequest['context'] => ({
  'kms:EncryptionContext:tenant': value,
  'kms:EncryptionContextKeys': ['tenant'],
})
export const put = (row: Case): Case => ({ action: 's3:PutObject', arn: OBJECT, on: null, ...row })
export const s3 = (effect: string, more: Statement): Statement => ({
  Effect: effect,
  Principal: '*',
  Action: 's3:*',
  Resource: '*',
  ...more,
})
export const KMS_KEY_ID = 's3:x-amz-server-side-encryption-aws-kms-key-id'

export function told(verdict: AccessVerdict): string {
  if (verdict.kind !== 'denied') return verdict.kind
  return `${String(verdict.by)}${verdict.isExplicit ? '!' : ''}`
}
