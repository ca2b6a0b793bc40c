import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  type IAMClient,
  paginateListRolePolicies,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import type { RolePort } from '../../workshop/ports.ts'
import { foundOrNull, tried, triedDone } from '../tried.ts'

const GONE = ['NoSuchEntityException', 'NoSuchEntity']

/** IAM for the use cases: roles with inline policies. */
export function rolePort(client: IAMClient): RolePort {
  return {
    create: ({ name, trust, tags }) =>
      tried(async () => {
        const { Role } = await client.send(
          new CreateRoleCommand({
            RoleName: name,
            AssumeRolePolicyDocument: trust,
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
          }),
        )
        if (Role?.Arn === undefined) throw new Error('IAM made a role without an ARN')
        return Role.Arn
      }),
    find: (name) => foundOrNull(GONE, async () => (await client.send(new GetRoleCommand({ RoleName: name }))).Role?.Arn ?? null),
    putPolicy: (RoleName, PolicyName, PolicyDocument) =>
      triedDone(() => client.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }))),
    remove: (RoleName) =>
      triedDone(async () => {
        for await (const { PolicyNames = [] } of paginateListRolePolicies({ client }, { RoleName })) {
          for (const PolicyName of PolicyNames) await client.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
        }
        await client.send(new DeleteRoleCommand({ RoleName }))
      }),
  }
}
