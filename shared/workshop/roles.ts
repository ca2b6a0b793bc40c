import { needed } from './make.ts'
import type { WorkshopAws } from './ports.ts'
import type { Tried } from '../tried.ts'
import type { Caller, Stage } from './stage.ts'
import { whenInEffect } from './taking-effect.ts'
import { makeRole } from './things.ts'

/** AWS as a session of a role reaches it. */
export type RoleSession = Pick<WorkshopAws, 'kms' | 'envelopeKms' | 's3'> & { readonly roleArn: string; readonly roleName: string }

const POLICY_VERSION = '2012-10-17'
const DENIED = ['AccessDenied', 'AccessDeniedException']
export type Statement = { readonly actions: readonly string[]; readonly resources: readonly string[] }

/**
 * A role for this run that the caller may take on, and a service of AWS such as `sagemaker.amazonaws.com`, which may do this and nothing
 * else, and a session of it.
 */
export async function makeRoleSession(stage: Stage, statements: readonly Statement[], service?: string): Promise<RoleSession> {
  const { name, arn } = await makeRole(stage, trustOf(stage.caller, service))
  if (statements.length > 0) await allow(stage, name, 'workshop', statements)
  const session = await onceAllowed(stage, () => stage.aws.assume(arn, `keytrail-${stage.useCase}`))
  return { ...needed(`the role ${name} cannot be assumed`, session), roleArn: arn, roleName: name }
}

/** Lets the role do this, by an IAM policy of that name. */
export async function allow(stage: Stage, roleName: string, policyName: string, statements: readonly Statement[]): Promise<void> {
  const policy = policyText(statements.map(({ actions, resources }) => ({ Effect: 'Allow', Action: actions, Resource: resources })))
  needed(`the policy of the role ${roleName} cannot be written`, await stage.aws.roles.putPolicy(roleName, policyName, policy))
}

/**
 * A trust policy for the caller alone. It is named in a condition: `Principal` wants the path of a role too, which no session tells, and
 * names of roles are unique in an account whatever their path.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
 */
function trustOf({ arn, accountId, partition }: Caller, service?: string): string {
  return policyText([
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
      Condition: { ArnLike: { 'aws:PrincipalArn': [arn, arn.replace(':role/', ':role/*/')] } },
    },
    ...(service === undefined ? [] : [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }]),
  ])
}

export function policyText(statements: readonly object[]): string {
  return JSON.stringify({ Version: POLICY_VERSION, Statement: statements })
}

/** What a new permission should allow: tried again while it has not taken effect. */
export async function onceAllowed<Value>(stage: Stage, call: () => Promise<Tried<Value>>): Promise<Tried<Value>> {
  const { last } = await whenInEffect(stage, 'a new permission to take effect', call, (tried) => tried.ok || !DENIED.includes(tried.code))
  return last
}
