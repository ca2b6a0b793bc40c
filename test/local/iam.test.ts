import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListInstanceProfilesForRoleCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTemplateAccess } from '../../local/iam/template-access.ts'
import { recordOfCall } from '../../local/cloudtrail/record.ts'
import { parseAccountId } from '../../shared/arn.ts'
import { ACCOUNT, type IdentityGround, nameOfError, openIdentity, policyText, TRUST } from './identity-ground.ts'

const DECRYPT = policyText({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' })

let ground: IdentityGround

beforeEach(async () => {
  ground = await openIdentity()
})

afterEach(() => ground.close())

function create(RoleName: string, more: object = {}): Promise<unknown> {
  return ground.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST, ...more }))
}

function put(RoleName: string, PolicyName: string, PolicyDocument = DECRYPT): Promise<unknown> {
  return ground.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }))
}

describe('a role', () => {
  it('is made, and answered as it was made', async () => {
    const Tags = [{ Key: 'Team', Value: 'a & b' }]
    await create('Worker', { Description: 'works <hard>', Path: '/jobs/', MaxSessionDuration: 7200, Tags })
    const { Role } = await ground.iam.send(new GetRoleCommand({ RoleName: 'worker' }))
    expect(Role).toMatchObject({
      RoleName: 'Worker',
      Path: '/jobs/',
      Arn: `arn:aws:iam::${ACCOUNT}:role/jobs/Worker`,
      Description: 'works <hard>',
      MaxSessionDuration: 7200,
      CreateDate: new Date(ground.timeMs),
      Tags,
    })
    expect(Role?.RoleId).toMatch(/^AROA[0-9A-F]{17}$/)
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(TRUST)
  })

  it('is listed in pages, by path', async () => {
    for (const name of ['B', 'a', 'C']) await create(name)
    await create('D', { Path: '/jobs/' })
    const first = await ground.iam.send(new ListRolesCommand({ MaxItems: 3 }))
    expect(first).toMatchObject({ IsTruncated: true, Roles: [{ RoleName: 'a' }, { RoleName: 'B' }, { RoleName: 'C' }] })
    const rest = await ground.iam.send(new ListRolesCommand({ MaxItems: 3, Marker: first.Marker }))
    expect(rest).toMatchObject({ IsTruncated: false, Roles: [{ RoleName: 'D' }] })
    expect((await ground.iam.send(new ListRolesCommand({ PathPrefix: '/jobs/' }))).Roles).toHaveLength(1)
  })

  it('has inline policies, and is not deleted while it has', async () => {
    await create('Worker')
    await put('Worker', 'b')
    await put('Worker', 'a', policyText({ Effect: 'Deny', Action: '*', Resource: '*' }))
    await put('Worker', 'a')
    expect((await ground.iam.send(new ListRolePoliciesCommand({ RoleName: 'Worker', MaxItems: 1 }))).PolicyNames).toEqual(['a'])
    const { PolicyDocument } = await ground.iam.send(new GetRolePolicyCommand({ RoleName: 'Worker', PolicyName: 'a' }))
    expect(decodeURIComponent(PolicyDocument ?? '')).toBe(DECRYPT)
    expect(await nameOfError(ground.iam.send(new DeleteRoleCommand({ RoleName: 'Worker' })))).toBe('DeleteConflictException')
    for (const PolicyName of ['a', 'b']) await ground.iam.send(new DeleteRolePolicyCommand({ RoleName: 'Worker', PolicyName }))
    await ground.iam.send(new DeleteRoleCommand({ RoleName: 'Worker' }))
    expect(await nameOfError(ground.iam.send(new GetRoleCommand({ RoleName: 'Worker' })))).toBe('NoSuchEntityException')
  })

  it('is tagged, and trusts anew', async () => {
    await create('Worker', { Tags: [{ Key: 'Team', Value: 'a' }] })
    await ground.iam.send(
      new TagRoleCommand({
        RoleName: 'Worker',
        Tags: [
          { Key: 'Team', Value: 'b' },
          { Key: 'Stage', Value: '' },
        ],
      }),
    )
    const { Tags } = await ground.iam.send(new ListRoleTagsCommand({ RoleName: 'Worker' }))
    expect(Tags).toEqual([
      { Key: 'Stage', Value: '' },
      { Key: 'Team', Value: 'b' },
    ])
    const trust = policyText({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' })
    await ground.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'Worker', PolicyDocument: trust }))
    const { Role } = await ground.iam.send(new GetRoleCommand({ RoleName: 'Worker' }))
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(trust)
  })

  it('has nothing of what there is not', async () => {
    await create('Worker')
    const { AttachedPolicies, IsTruncated } = await ground.iam.send(new ListAttachedRolePoliciesCommand({ RoleName: 'Worker' }))
    expect({ AttachedPolicies, IsTruncated }).toEqual({ AttachedPolicies: [], IsTruncated: false })
    expect((await ground.iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: 'Worker' }))).InstanceProfiles).toEqual([])
  })

  it.each([
    ['a name that is taken', 'EntityAlreadyExistsException', () => create('WORKER')],
    ['no JSON for its trust', 'MalformedPolicyDocumentException', () => create('New', { AssumeRolePolicyDocument: '{' })],
    [
      'a trust with a resource',
      'MalformedPolicyDocumentException',
      () =>
        create('New', {
          AssumeRolePolicyDocument: policyText({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole', Resource: '*' }),
        }),
    ],
    [
      'a trust in nobody',
      'MalformedPolicyDocumentException',
      () => create('New', { AssumeRolePolicyDocument: policyText({ Effect: 'Allow', Action: 'sts:AssumeRole' }) }),
    ],
    [
      'a trust that is too long',
      'LimitExceededException',
      () =>
        create('New', {
          AssumeRolePolicyDocument: TRUST.replace('sts:AssumeRole', `sts:AssumeRole","${'x'.repeat(2048)}`)
            .replace('"Action":', '"Action":[')
            .replace('"}]', '"]}]'),
        }),
    ],
    ['a bad name', 'ValidationError', () => create('a b')],
    ['a bad path', 'ValidationError', () => create('New', { Path: 'jobs' })],
    ['a session that is too long', 'ValidationError', () => create('New', { MaxSessionDuration: 50_000 })],
    [
      'a tag key twice',
      'InvalidInputException',
      () =>
        create('New', {
          Tags: [
            { Key: 'a', Value: '' },
            { Key: 'A', Value: '' },
          ],
        }),
    ],
    [
      'a policy with a principal',
      'MalformedPolicyDocumentException',
      () => put('Worker', 'a', policyText({ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' })),
    ],
    [
      'a policy without a resource',
      'MalformedPolicyDocumentException',
      () => put('Worker', 'a', policyText({ Effect: 'Allow', Action: '*' })),
    ],
    [
      'too much of policies',
      'LimitExceededException',
      () => put('Worker', 'a', policyText({ Effect: 'Allow', Action: '*', Resource: 'x'.repeat(10_240) })),
    ],
    ['a policy for nobody', 'NoSuchEntityException', () => put('Nobody', 'a')],
    [
      'a policy that is not there',
      'NoSuchEntityException',
      () => ground.iam.send(new GetRolePolicyCommand({ RoleName: 'Worker', PolicyName: 'none' })),
    ],
  ])('is refused with %s: %s', async (_what, expected, call) => {
    await create('Worker')
    expect(await nameOfError(call())).toBe(expected)
  })

  it('survives a restart', async () => {
    const db = new DatabaseSync(':memory:')
    const before = await openIdentity({ db })
    await before.iam.send(new CreateRoleCommand({ RoleName: 'Worker', AssumeRolePolicyDocument: TRUST }))
    await before.close()
    const after = await openIdentity({ db })
    expect((await after.iam.send(new GetRoleCommand({ RoleName: 'Worker' }))).Role?.RoleName).toBe('Worker')
    await after.close()
  })
})

describe('what is told and judged of IAM', () => {
  it('stands in CloudTrail in us-east-1', async () => {
    await create('Worker')
    const [seen] = ground.seen
    const record = seen === undefined ? null : recordOfCall({ ...seen, eventSource: seen.service.eventSource })
    expect(record).toMatchObject({
      eventSource: 'iam.amazonaws.com',
      eventName: 'CreateRole',
      awsRegion: 'us-east-1',
      readOnly: false,
      requestParameters: { roleName: 'Worker', assumeRolePolicyDocument: TRUST },
      responseElements: { role: { arn: `arn:aws:iam::${ACCOUNT}:role/Worker` } },
    })
  })

  it('refuses a role what its policies do not allow', async () => {
    await create('Worker')
    ground.identity.principals.register({ accessKeyId: 'ASIAWORKER', roleName: 'Worker', sessionName: 'run' })
    const iam = new IAMClient({ ...ground.ground.client, credentials: { accessKeyId: 'ASIAWORKER', secretAccessKey: 'any' } })
    const grab = new PutRolePolicyCommand({
      RoleName: 'Worker',
      PolicyName: 'all',
      PolicyDocument: policyText({ Effect: 'Allow', Action: '*', Resource: '*' }),
    })
    expect(await nameOfError(iam.send(grab))).toBe('AccessDenied')
    await put(
      'Worker',
      'own',
      policyText({ Effect: 'Allow', Action: 'iam:PutRolePolicy', Resource: `arn:aws:iam::${ACCOUNT}:role/Worker` }),
    )
    expect(await nameOfError(iam.send(grab))).toBe(null)
    iam.destroy()
  })
})

describe('the policies of a template', () => {
  it('say what somebody with its credentials can do', async () => {
    const accountId = parseAccountId(ACCOUNT)
    if (accountId === null) throw new Error('no account')
    const queue = `arn:aws:sqs:eu-central-1:${ACCOUNT}:jobs`
    const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: queue }] }
    const access = createTemplateAccess(new Map([['Worker', [{ PolicyName: 'own', PolicyDocument: document }]]]), { accountId, nowMs: 0 })
    const kind = async (role: string, action: string, resourceArn: string): Promise<string> =>
      (await access.judge(role, { action, resourceArn })).kind
    expect(await kind('Worker', 'sqs:ReceiveMessage', queue)).toBe('allowed')
    expect(await kind('Worker', 'sqs:SendMessage', queue)).toBe('denied')
    expect(await kind('Worker', 'kms:Decrypt', `arn:aws:kms:eu-central-1:${ACCOUNT}:key/c0083aa4-172b-4057-adf6-de64be04111c`)).toBe(
      'denied',
    )
    expect(await kind('Nobody', 'sqs:ReceiveMessage', queue)).toBe('denied')
  })
})
