import { makeKey } from './keys.ts'
import { needed, refusalText } from './make.ts'
import type { KmsPort } from './ports.ts'
import type { Tried } from '../tried.ts'
import type { RunFacts } from './registry.ts'
import { allow, makeRoleSession, policyText } from './roles.ts'
import { type Caller, type Stage, step } from './stage.ts'
import { outcomeOf, SUCCEEDED, whenInEffect } from './taking-effect.ts'

/** Nothing secret comes back. */
const OPERATION = 'GenerateDataKeyWithoutPlaintext'
const ACTION = `kms:${OPERATION}`
/** The permissions of a key's administrators. https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html */
const ADMINISTRATION = [
  'kms:Create*',
  'kms:Describe*',
  'kms:Enable*',
  'kms:List*',
  'kms:Put*',
  'kms:Update*',
  'kms:Revoke*',
  'kms:Disable*',
  'kms:Get*',
  'kms:Delete*',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:ScheduleKeyDeletion',
  'kms:CancelKeyDeletion',
]
const DENIED = 'AccessDeniedException'
const CONTEXT = { whatfor: 'keytrail workshop kms-api' }

type KeyPolicy = 'nobody' | 'role' | 'iam'

/**
 * Each case changes one policy of the case before it, and turns the outcome round: what is seen is the change, and not what was before.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
 */
export const ACCESS_CASES: readonly {
  readonly fact: string
  readonly keyPolicy: KeyPolicy
  readonly isInIam: boolean
  readonly expected: string
}[] = [
  { fact: 'access1', keyPolicy: 'nobody', isInIam: false, expected: DENIED },
  { fact: 'access2', keyPolicy: 'role', isInIam: false, expected: SUCCEEDED },
  { fact: 'access3', keyPolicy: 'iam', isInIam: false, expected: DENIED },
  { fact: 'access4', keyPolicy: 'iam', isInIam: true, expected: SUCCEEDED },
  { fact: 'access5', keyPolicy: 'nobody', isInIam: true, expected: DENIED },
]

export const KEY_POLICY_TEXTS: Readonly<Record<KeyPolicy, string>> = {
  nobody: 'lets nobody use the key',
  role: 'names the role',
  iam: 'leaves it to IAM',
}

/** A role tries to use a key of its own, under one policy after the other. */
export async function showWhoMayUse(stage: Stage): Promise<RunFacts> {
  const { caller } = stage
  const policyKeyArn = await makeKey(stage, 'key for one role', keyPolicyText(caller, 'nobody', ''))
  const session = await makeRoleSession(stage, [])
  const { roleArn, roleName } = session
  step(stage, 'A role, and a key that lets nobody use it', `${roleArn} has no permissions at all`, policyKeyArn)

  const outcomes: Record<string, string> = {}
  let succeeded = 0
  let [keyPolicy, isInIam]: [KeyPolicy, boolean] = ['nobody', false]
  for (const each of ACCESS_CASES) {
    if (each.keyPolicy !== keyPolicy) await putKeyPolicy(stage, policyKeyArn, keyPolicyText(caller, each.keyPolicy, roleArn))
    if (each.isInIam && !isInIam) await allow(stage, roleName, 'use-the-key', [{ actions: [ACTION], resources: [policyKeyArn] }])
    ;({ keyPolicy, isInIam } = each)
    const seen = await whenInEffect(
      stage,
      'the policies to take effect',
      () => used(session.kms, policyKeyArn),
      (tried) => outcomeOf(tried) === each.expected,
    )
    succeeded += seen.all.filter(({ ok }) => ok).length
    outcomes[each.fact] = outcomeOf(seen.last)
    step(
      stage,
      `The key policy ${KEY_POLICY_TEXTS[keyPolicy]}; the IAM policy of the role ${isInIam ? 'allows it' : 'allows nothing'}`,
      seen.last.ok ? `${OPERATION} works` : refusalText(seen.last),
      explained(each),
    )
  }
  return { ...outcomes, policyKeyArn, accessRoleArn: roleArn, accessSucceeded: succeeded }
}

function used(kms: KmsPort, keyArn: string): Promise<Tried<Uint8Array>> {
  return kms.dataKeyWithoutPlaintext(keyArn, CONTEXT)
}

/** KMS refuses a policy that names a role which it has not heard of yet. */
async function putKeyPolicy(stage: Stage, keyArn: string, policy: string): Promise<void> {
  const seen = await whenInEffect(
    stage,
    'KMS to know the role',
    () => stage.aws.kms.putPolicy(keyArn, policy),
    (tried) => tried.ok || tried.code !== 'MalformedPolicyDocumentException',
  )
  needed('the key policy cannot be written', seen.last)
}

/** Whoever IAM lets administer keys keeps this one: a key that nobody can administer stays for ever. */
function keyPolicyText({ partition, accountId }: Caller, kind: KeyPolicy, roleArn: string): string {
  const account = { AWS: `arn:${partition}:iam::${accountId}:root` }
  const administration = { Effect: 'Allow', Principal: account, Action: ADMINISTRATION, Resource: '*' }
  switch (kind) {
    case 'nobody':
      return policyText([administration])
    case 'role':
      return policyText([administration, { Effect: 'Allow', Principal: { AWS: roleArn }, Action: ACTION, Resource: '*' }])
    case 'iam':
      return policyText([{ Effect: 'Allow', Principal: account, Action: 'kms:*', Resource: '*' }])
  }
}

function explained({ keyPolicy, isInIam }: { readonly keyPolicy: KeyPolicy; readonly isInIam: boolean }): string {
  switch (keyPolicy) {
    case 'nobody':
      return isInIam
        ? 'An IAM policy cannot open a key whose policy does not leave that to IAM, not even for an administrator of the account.'
        : 'No policy speaks for the role. You, who made the key, may administer it, and could not use it either.'
    case 'role':
      return 'Within one account the key policy alone is enough. For a caller of another account IAM there has to allow it too.'
    case 'iam':
      return isInIam
        ? 'This is how most keys are set up: the key policy hands over to IAM, and IAM says who.'
        : 'To name the account is to let its IAM policies decide, and none of them allows the role anything.'
  }
}
