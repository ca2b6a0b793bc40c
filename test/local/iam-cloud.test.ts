import { CreateRoleCommand, GetRolePolicyCommand, ListRolesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { CreateGrantCommand, CreateKeyCommand, DecryptCommand, EncryptCommand, KMSClient, RetireGrantCommand } from '@aws-sdk/client-kms'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { describe, expect, it } from 'vitest'
import { startCloud } from '../support/local-cloud.ts'
import { ACCOUNT, nameOfError, policyText, TRUST } from './identity-ground.ts'

describe('who may do what in the whole local cloud', () => {
  it('a role may decrypt as long as it has a grant', async () => {
    const cloud = await startCloud()
    const { iam, kms, sts } = cloud.clients
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'Training', AssumeRolePolicyDocument: TRUST }))
    const RoleArn = Role?.Arn ?? ''
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'job-1' }))
    const KeyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const EncryptionContext = { purpose: 'training' }
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('asset'), EncryptionContext }))
    const training = new KMSClient({
      endpoint: cloud.url,
      region: cloud.region,
      credentials: { accessKeyId: Credentials?.AccessKeyId ?? '', secretAccessKey: Credentials?.SecretAccessKey ?? '' },
      maxAttempts: 1,
    })
    const decrypt = (): Promise<string | null> => nameOfError(training.send(new DecryptCommand({ CiphertextBlob, EncryptionContext })))

    expect(await decrypt()).toBe('AccessDeniedException')
    const { GrantId, GrantToken } = await kms.send(
      new CreateGrantCommand({
        KeyId,
        GranteePrincipal: RoleArn,
        Operations: ['Decrypt', 'RetireGrant'],
        Constraints: { EncryptionContextSubset: EncryptionContext },
      }),
    )
    expect(await decrypt()).toBe(null)
    expect(await nameOfError(training.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })))).toBe('AccessDeniedException')
    await training.send(new RetireGrantCommand({ GrantToken }))
    expect(await decrypt()).toBe('AccessDeniedException')

    const document = policyText({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: KeyId })
    await iam.send(new PutRolePolicyCommand({ RoleName: 'Training', PolicyName: 'own', PolicyDocument: document }))
    expect(await decrypt()).toBe(null)
    expect(GrantId).toMatch(/^[0-9a-f]{64}$/)
    expect(cloud.faults).toEqual([])
    training.destroy()
    await cloud.close()
  })

  it('the functions of the stack have the roles of the stack', async () => {
    const cloud = await startCloud()
    const { iam, kms } = cloud.clients
    const { Roles = [] } = await iam.send(new ListRolesCommand({}))
    expect(Roles.map(({ RoleName }) => RoleName)).toEqual(expect.arrayContaining(['CountKeyUsageRole', 'RollUpUsageRole']))
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName: 'CountKeyUsageRole', PolicyName: 'count-key-usage' }))
    expect(decodeURIComponent(PolicyDocument ?? '')).toContain(`arn:aws:logs:${cloud.region}:${ACCOUNT}:log-group:/aws/lambda/`)
    const KeyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    // What a function runs with, as somebody would who stole it.
    const stolen = new KMSClient({
      endpoint: cloud.url,
      region: cloud.region,
      credentials: { accessKeyId: 'ASIALOCALFUNCTION000', secretAccessKey: 'any' },
      maxAttempts: 1,
    })
    expect(await nameOfError(stolen.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })))).toBe('AccessDeniedException')
    stolen.destroy()
    await cloud.close()
  })
})
