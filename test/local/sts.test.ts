import { CreateRoleCommand, DeleteRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { AssumeRoleCommand, type AssumeRoleCommandInput, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKms } from '../../local/kms/service.ts'
import { ACCOUNT, type IdentityGround, nameOfError, openIdentity, policyText, TRUST } from './identity-ground.ts'

const WORKER = `arn:aws:iam::${ACCOUNT}:role/Worker`
const trusting = (principal: object, more: object = {}): string =>
  policyText({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', ...more })

let db: DatabaseSync
let ground: IdentityGround

async function open(): Promise<void> {
  ground = await openIdentity({ db, services: ({ access }) => [createKms(db, { access })] })
}

beforeEach(async () => {
  db = new DatabaseSync(':memory:')
  await open()
})

afterEach(() => ground.close())

function role(RoleName: string, AssumeRolePolicyDocument = TRUST, more: object = {}): Promise<unknown> {
  return ground.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, ...more }))
}

async function assume(more: Partial<AssumeRoleCommandInput> = {}, as?: string): Promise<string> {
  const { Credentials } = await ground.sts(as).send(new AssumeRoleCommand({ RoleArn: WORKER, RoleSessionName: 'run', ...more }))
  return Credentials?.AccessKeyId ?? ''
}

function whoIs(accessKeyId: string): Promise<unknown> {
  return ground.sts(accessKeyId).send(new GetCallerIdentityCommand({}))
}

describe('AssumeRole', () => {
  it('gives credentials of a session of the role', async () => {
    await role('Worker')
    const { Credentials, AssumedRoleUser } = await ground
      .sts()
      .send(new AssumeRoleCommand({ RoleArn: WORKER, RoleSessionName: 'run', DurationSeconds: 900 }))
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/Worker/run`
    expect(AssumedRoleUser).toMatchObject({ Arn: arn, AssumedRoleId: expect.stringMatching(/^AROA[0-9A-F]{17}:run$/) })
    expect(Credentials?.Expiration).toEqual(new Date(ground.timeMs + 900_000))
    expect(await whoIs(Credentials?.AccessKeyId ?? '')).toMatchObject({ Arn: arn, UserId: AssumedRoleUser?.AssumedRoleId })
  })

  it('is told by CloudTrail without a secret', async () => {
    await role('Worker')
    const accessKeyId = await assume({ ExternalId: 'agreed' })
    const { answer } = ground.seen.at(-1) ?? {}
    expect(answer?.trail).toMatchObject({
      readOnly: true,
      requestParameters: { roleArn: WORKER, roleSessionName: 'run', durationSeconds: 3600, externalId: 'agreed' },
      responseElements: { credentials: { accessKeyId } },
      resources: [{ type: 'AWS::IAM::Role', ARN: WORKER }],
    })
    expect(JSON.stringify(answer?.trail)).not.toMatch(/secret/i)
  })

  it('is judged by whom the role trusts, and by the policies of who asks', async () => {
    await role('Worker', trusting({ AWS: `arn:aws:iam::${ACCOUNT}:role/First` }))
    await role('Other')
    await role('First')
    const first = await assume({ RoleArn: WORKER.replace('Worker', 'First') })
    expect(await nameOfError(assume())).toBe('AccessDenied')
    expect(await nameOfError(assume({}, first))).toBe(null)
    // The role trusts the account, and no policy of this session allows it.
    expect(await nameOfError(assume({ RoleArn: WORKER.replace('Worker', 'Other') }, first))).toBe('AccessDenied')
    await ground.iam.send(
      new PutRolePolicyCommand({
        RoleName: 'First',
        PolicyName: 'own',
        PolicyDocument: policyText({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }),
      }),
    )
    expect(await nameOfError(assume({ RoleArn: WORKER.replace('Worker', 'Other') }, first))).toBe(null)
    expect(await nameOfError(assume({ RoleArn: WORKER.replace('Worker', 'None') }))).toBe('AccessDenied')
  })

  it('holds a trust to its conditions', async () => {
    const condition = { StringEquals: { 'sts:ExternalId': 'agreed' }, StringLike: { 'sts:RoleSessionName': 'run*' } }
    await role('Worker', trusting({ AWS: ACCOUNT }, { Condition: condition }))
    expect(await nameOfError(assume({ ExternalId: 'agreed', RoleSessionName: 'run-1' }))).toBe(null)
    expect(await nameOfError(assume({ ExternalId: 'agreed', RoleSessionName: 'walk' }))).toBe('AccessDenied')
    expect(await nameOfError(assume())).toBe('AccessDenied')
  })

  it.each<readonly [string, Partial<AssumeRoleCommandInput>, string]>([
    ['a short name', { RoleSessionName: 'a' }, 'ValidationError'],
    ['a name with a space', { RoleSessionName: 'a b' }, 'ValidationError'],
    ['a short session', { DurationSeconds: 899 }, 'ValidationError'],
    ['a longer session than the role has', { DurationSeconds: 3601 }, 'ValidationError'],
    ['a session policy', { Policy: policyText({ Effect: 'Deny', Action: '*', Resource: '*' }) }, 'ValidationError'],
  ])('refuses %s', async (_what, more, expected) => {
    await role('Worker')
    expect(await nameOfError(assume(more))).toBe(expected)
  })

  it('chains roles for an hour at most', async () => {
    await role('Worker', TRUST, { MaxSessionDuration: 7200 })
    await ground.iam.send(
      new PutRolePolicyCommand({
        RoleName: 'Worker',
        PolicyName: 'own',
        PolicyDocument: policyText({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }),
      }),
    )
    const session = await assume({ DurationSeconds: 7200 })
    expect(await nameOfError(assume({ DurationSeconds: 7200 }, session))).toBe('ValidationError')
    expect(await nameOfError(assume({ DurationSeconds: 3600 }, session))).toBe(null)
  })
})

describe('a session', () => {
  it('ends by the local clock, in the words of each protocol', async () => {
    await role('Worker')
    const accessKeyId = await assume({ DurationSeconds: 900 })
    ground.timeMs += 900_000
    expect(await nameOfError(whoIs(accessKeyId))).toMatch(/^ExpiredToken/)
    const kms = new KMSClient({ ...ground.ground.client, credentials: { accessKeyId, secretAccessKey: 'any' } })
    expect(await nameOfError(kms.send(new ListKeysCommand({})))).toBe('ExpiredTokenException')
    kms.destroy()
  })

  it('that nobody began is not the user’s', async () => {
    expect(await nameOfError(whoIs('ASIANOBODYBEGANTHIS0'))).toBe('InvalidClientTokenId')
    const kms = new KMSClient({ ...ground.ground.client, credentials: { accessKeyId: 'ASIANOBODYBEGANTHIS0', secretAccessKey: 'any' } })
    expect(await nameOfError(kms.send(new ListKeysCommand({})))).toBe('UnrecognizedClientException')
    kms.destroy()
  })

  it('outlasts a restart, and its end does too', async () => {
    await role('Worker')
    const accessKeyId = await assume()
    await ground.close()
    await open()
    expect(await whoIs(accessKeyId)).toMatchObject({ Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Worker/run` })
    ground.timeMs += 3_600_000
    expect(await nameOfError(whoIs(accessKeyId))).toMatch(/^ExpiredToken/)
  })

  it('may do nothing once its role is gone', async () => {
    await role('Worker', trusting({ AWS: ACCOUNT }))
    const PolicyDocument = policyText({ Effect: 'Allow', Action: 'kms:ListKeys', Resource: '*' })
    await ground.iam.send(new PutRolePolicyCommand({ RoleName: 'Worker', PolicyName: 'own', PolicyDocument }))
    const accessKeyId = await assume()
    const kms = new KMSClient({ ...ground.ground.client, credentials: { accessKeyId, secretAccessKey: 'any' } })
    expect(await nameOfError(kms.send(new ListKeysCommand({})))).toBe(null)
    ground.identity.ensureRole({ roleName: 'Worker', trust: TRUST, description: '', policies: [] })
    expect(await nameOfError(kms.send(new ListKeysCommand({})))).toBe('AccessDeniedException')
    await ground.iam.send(new DeleteRoleCommand({ RoleName: 'Worker' }))
    expect(await nameOfError(kms.send(new ListKeysCommand({})))).toBe('AccessDeniedException')
    kms.destroy()
  })

  it('is one of 1,000, and one that ended makes room', async () => {
    await role('Worker')
    const insert = db.prepare('INSERT INTO iam_sessions VALUES (?, ?, ?, ?, ?, ?)')
    for (let at = 0; at < 1000; at++) insert.run(`ASIA${at}`, 'Worker', WORKER, 'run', ground.timeMs, ground.timeMs + 1000)
    expect(await nameOfError(assume())).toBe('Throttling')
    ground.timeMs += 1000
    expect(await nameOfError(assume())).toBe(null)
    ground.timeMs += 2 * 86_400_000
    await assume()
    expect(db.prepare('SELECT count(*) AS sessions FROM iam_sessions').get()).toEqual({ sessions: 1 })
  })
})
