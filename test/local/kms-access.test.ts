import { allowedContextKeysForRequest } from '@cloud-copilot/iam-simulate'
import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import { createAccess, type NamedPolicy } from '../../local/iam/evaluator.ts'
import type { Access, AccessRequest } from '../../local/iam/access.ts'
import { createKms } from '../../local/kms/service.ts'
import { createPrincipals } from '../../local/principals.ts'
import type { Principal, Service, ServiceAnswer, ServiceCall } from '../../local/service.ts'
import type { JsonObject } from '../../shared/json.ts'
import { ACCOUNT, base64, REGION, START_MS, textOf } from './kms-calls.ts'

const principals = createPrincipals(ACCOUNT)
const ADMIN = principals.of('AKIAADMIN')
const WORKER = principals.register({ accessKeyId: 'ASIAWORKER', roleName: 'Worker', sessionName: 'run' })
const WORKER_ARN = `arn:aws:iam::${ACCOUNT}:role/Worker`
const ROOT = { AWS: `arn:aws:iam::${ACCOUNT}:root` }
const ALL: NamedPolicy = policy('all', { Effect: 'Allow', Action: '*', Resource: '*' })
const CONTEXT = { tenant: 'north' }

function policy(name: string, ...statements: readonly JsonObject[]): NamedPolicy {
  return { name, document: JSON.stringify({ Version: '2012-10-17', Statement: statements }) }
}

let own: readonly NamedPolicy[]
let asked: AccessRequest[]
let kms: Service
let keyArn: string
let keyId: string

beforeEach(async () => {
  own = []
  asked = []
  const judged = createAccess({
    identityOf: (principal) => ({ policies: principal === ADMIN ? [ALL] : own, tags: {} }),
    nowMs: () => START_MS,
  })
  const access: Access = { judge: (request) => (asked.push(request), judged.judge(request)) }
  kms = createKms(new DatabaseSync(':memory:'), { access })
  const made = (await output('CreateKey', {}, ADMIN))['KeyMetadata'] as JsonObject
  keyArn = textOf(made, 'Arn')
  keyId = textOf(made, 'KeyId')
})

async function send(
  operation: string,
  input: JsonObject,
  who: Principal = WORKER,
  more: Partial<ServiceCall> = {},
): Promise<ServiceAnswer> {
  const call = {
    operation,
    input,
    region: REGION,
    accountId: ACCOUNT,
    principal: who,
    via: null,
    isSecure: false,
    requestId: 'any',
    timeMs: START_MS,
  }
  return kms.call({ ...call, ...more })
}

async function output(operation: string, input: JsonObject, who: Principal = WORKER, more: Partial<ServiceCall> = {}): Promise<JsonObject> {
  const answer = await send(operation, input, who, more)
  if ('failure' in answer) throw new Error(`${operation}: ${answer.failure.code}: ${answer.failure.message}`)
  return answer.output
}

async function code(operation: string, input: JsonObject, who: Principal = WORKER, more: Partial<ServiceCall> = {}): Promise<string> {
  const answer = await send(operation, input, who, more)
  return 'failure' in answer ? answer.failure.code : 'OK'
}

async function ciphertext(context: JsonObject = CONTEXT): Promise<string> {
  return textOf(await output('Encrypt', { KeyId: keyId, Plaintext: base64('secret'), EncryptionContext: context }, ADMIN), 'CiphertextBlob')
}

const encryptWith = (context: JsonObject): Promise<string> =>
  code('Encrypt', { KeyId: keyId, Plaintext: base64('x'), EncryptionContext: context })

const encryptUnder = (name: string): Promise<string> => code('Encrypt', { KeyId: name, Plaintext: base64('x') })

const put = (statements: readonly JsonObject[], more: JsonObject = {}): Promise<string> =>
  code('PutKeyPolicy', { KeyId: keyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }), ...more }, ADMIN)

describe('who may use a key', () => {
  it('refuses in AWS’s words, and tells CloudTrail', async () => {
    const answer = await send('Decrypt', { CiphertextBlob: await ciphertext(), EncryptionContext: CONTEXT })
    expect(answer).toMatchObject({
      failure: {
        code: 'AccessDeniedException',
        message: `User: ${WORKER.arn} is not authorized to perform: kms:Decrypt on resource: ${keyArn} because no identity-based policy allows the kms:Decrypt action`,
      },
      trail: { readOnly: true, responseElements: null, requestParameters: { encryptionContext: CONTEXT } },
    })
    expect(answer.trail).not.toHaveProperty('resources')
  })

  it('allows what a policy of the role allows', async () => {
    own = [policy('own', { Effect: 'Allow', Action: 'kms:Decrypt', Resource: keyArn })]
    const blob = await ciphertext()
    expect(await code('Decrypt', { CiphertextBlob: blob, EncryptionContext: CONTEXT })).toBe('OK')
    expect(await code('Decrypt', { CiphertextBlob: blob, EncryptionContext: CONTEXT, KeyId: keyArn })).toBe('OK')
    expect(await code('Encrypt', { KeyId: keyArn, Plaintext: base64('x') })).toBe('AccessDeniedException')
  })

  it('holds a policy to the encryption context', async () => {
    const condition = {
      StringEquals: { 'kms:EncryptionContext:tenant': 'north' },
      'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['tenant'] },
    }
    own = [policy('own', { Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*', Condition: condition })]
    expect(await encryptWith(CONTEXT)).toBe('OK')
    expect(await encryptWith({ tenant: 'south' })).toBe('AccessDeniedException')
    expect(await encryptWith({ ...CONTEXT, more: 'x' })).toBe('AccessDeniedException')
    expect(await encryptWith({})).toBe('AccessDeniedException')
  })

  it('knows a call that a service makes from one of the caller', async () => {
    own = [
      policy('own', {
        Effect: 'Allow',
        Action: 'kms:GenerateDataKey',
        Resource: '*',
        Condition: { StringEquals: { 'kms:ViaService': `s3.${REGION}.amazonaws.com` } },
      }),
    ]
    const input = { KeyId: keyId, KeySpec: 'AES_256' }
    expect(await code('GenerateDataKey', input, WORKER, { via: 's3.amazonaws.com' })).toBe('OK')
    expect(await code('GenerateDataKey', input)).toBe('AccessDeniedException')
  })

  it('judges both keys of ReEncrypt', async () => {
    const other = textOf((await output('CreateKey', {}, ADMIN))['KeyMetadata'] as JsonObject, 'Arn')
    const input = { CiphertextBlob: await ciphertext(), SourceEncryptionContext: CONTEXT, DestinationKeyId: other }
    const from = { Effect: 'Allow', Action: 'kms:ReEncryptFrom', Resource: keyArn }
    const to = { Effect: 'Allow', Action: 'kms:ReEncryptTo', Resource: other, Condition: { Bool: { 'kms:ReEncryptOnSameKey': 'false' } } }
    own = [policy('own', from)]
    expect(await code('ReEncrypt', input)).toBe('AccessDeniedException')
    own = [policy('own', to)]
    expect(await code('ReEncrypt', input)).toBe('AccessDeniedException')
    own = [policy('own', from, to)]
    expect(await code('ReEncrypt', input)).toBe('OK')
  })

  it('judges an alias and its keys', async () => {
    const aliasArn = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/orders`
    const input = { AliasName: 'alias/orders', TargetKeyId: keyId }
    own = [policy('own', { Effect: 'Allow', Action: 'kms:CreateAlias', Resource: aliasArn })]
    expect(await code('CreateAlias', input)).toBe('AccessDeniedException')
    own = [policy('own', { Effect: 'Allow', Action: 'kms:CreateAlias', Resource: keyArn })]
    expect(await code('CreateAlias', input)).toBe('AccessDeniedException')
    own = [policy('own', { Effect: 'Allow', Action: 'kms:CreateAlias', Resource: [keyArn, aliasArn] })]
    expect(await code('CreateAlias', input)).toBe('OK')
    expect(await code('DeleteAlias', { AliasName: 'alias/orders' })).toBe('AccessDeniedException')
  })

  it('knows by which alias a key was called, and its aliases and tags', async () => {
    await output('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: keyId }, ADMIN)
    await output('TagResource', { KeyId: keyId, Tags: [{ TagKey: 'Team', TagValue: 'orders' }] }, ADMIN)
    own = [
      policy('own', {
        Effect: 'Allow',
        Action: 'kms:Encrypt',
        Resource: '*',
        Condition: { StringEquals: { 'kms:RequestAlias': 'alias/orders' } },
      }),
    ]
    expect([await encryptUnder('alias/orders'), await encryptUnder(keyId)]).toEqual(['OK', 'AccessDeniedException'])
    own = [
      policy('own', {
        Effect: 'Allow',
        Action: 'kms:Encrypt',
        Resource: '*',
        Condition: { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': 'alias/o*' } },
      }),
    ]
    expect(await encryptUnder(keyId)).toBe('OK')
    own = [
      policy('own', {
        Effect: 'Allow',
        Action: 'kms:Encrypt',
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/Team': 'orders' } },
      }),
    ]
    expect(await encryptUnder(keyId)).toBe('OK')
  })

  it('needs a permission of its own for the tags of a new key', async () => {
    const input = { Tags: [{ TagKey: 'Team', TagValue: 'orders' }] }
    own = [policy('own', { Effect: 'Allow', Action: 'kms:CreateKey', Resource: '*' })]
    expect(await code('CreateKey', input)).toBe('AccessDeniedException')
    own = [policy('own', { Effect: 'Allow', Action: ['kms:CreateKey', 'kms:TagResource'], Resource: '*' })]
    expect(await code('CreateKey', input)).toBe('OK')
  })

  it('refuses what it cannot judge, and says what', async () => {
    own = [policy('own', { Effect: 'Allow', Action: 'kms:*', Resource: '*', Condition: { StringEquals: { 'aws:Moon': 'full' } } })]
    const answer = await send('DescribeKey', { KeyId: keyId })
    expect(answer).toMatchObject({ failure: { code: 'AccessDeniedException' } })
    expect('failure' in answer ? answer.failure.message : '').toContain('the condition key aws:Moon is not known for this request')
  })

  it('says of a key that is not there that it is not there', async () => {
    expect(await code('DescribeKey', { KeyId: '11111111-2222-3333-4444-555555555555' })).toBe('NotFoundException')
  })
})

describe('a key policy', () => {
  const worker = { Effect: 'Allow', Principal: { AWS: WORKER_ARN }, Action: 'kms:*', Resource: '*' }
  const root = { Effect: 'Allow', Principal: ROOT, Action: 'kms:*', Resource: '*' }

  it('must leave its caller able to change it again, unless that is waived', async () => {
    expect(await put([worker])).toBe('MalformedPolicyDocumentException')
    expect(await put([worker], { BypassPolicyLockoutSafetyCheck: true })).toBe('OK')
    expect(await code('DescribeKey', { KeyId: keyId }, ADMIN)).toBe('AccessDeniedException')
    expect(await code('DescribeKey', { KeyId: keyId })).toBe('OK')
    expect(await put([root])).toBe('AccessDeniedException')
  })

  it('is held to the same when a key is made', async () => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [worker] })
    expect(await code('CreateKey', { Policy }, ADMIN)).toBe('MalformedPolicyDocumentException')
    expect(await code('CreateKey', { Policy, BypassPolicyLockoutSafetyCheck: true }, ADMIN)).toBe('OK')
  })

  it.each([{ AWS: 'nobody' }, { AWS: `arn:aws:iam::${ACCOUNT}:role/*` }, { Service: 'nowhere.example' }, 'me', { Friend: 'you' }])(
    'names no such principal as %j',
    async (principal) => {
      expect(await put([root, { ...worker, Principal: principal }])).toBe('MalformedPolicyDocumentException')
    },
  )
})

describe('what policies are told of', () => {
  const REQUESTS: readonly (readonly [operation: string, input: JsonObject])[] = [
    ['CreateKey', { MultiRegion: true, Tags: [{ TagKey: 'Team', TagValue: 'a' }] }],
    [
      'CreateGrant',
      {
        Operations: ['Decrypt'],
        GranteePrincipal: WORKER_ARN,
        RetiringPrincipal: WORKER_ARN,
        Constraints: { EncryptionContextSubset: CONTEXT },
      },
    ],
    ...['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'].map(
      (name) => [name, { EncryptionContext: CONTEXT }] as const,
    ),
    ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'].map(
      (name) => [name, { KeyPairSpec: 'RSA_2048', EncryptionContext: CONTEXT }] as const,
    ),
    ...['DescribeKey', 'DisableKey', 'GetPublicKey', 'ListGrants', 'ListResourceTags', 'RevokeGrant', 'RotateKeyOnDemand'].map(
      (name) => [name, {}] as const,
    ),
    ['ReEncrypt', { SourceEncryptionContext: CONTEXT, DestinationEncryptionContext: CONTEXT, DestinationKeyId: 'alias/told' }],
    ...['Sign', 'Verify'].map((name) => [name, { SigningAlgorithm: 'ECDSA_SHA_256' }] as const),
    ...['GenerateMac', 'VerifyMac'].map((name) => [name, { MacAlgorithm: 'HMAC_SHA_256' }] as const),
    ['DeriveSharedSecret', { KeyAgreementAlgorithm: 'ECDH' }],
    ['EnableKeyRotation', {}],
    ['GetParametersForImport', { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }],
    ['ImportKeyMaterial', { ValidTo: 1_800_000_000 }],
    ['PutKeyPolicy', {}],
    ['ReplicateKey', { ReplicaRegion: 'us-east-1' }],
    ['ScheduleKeyDeletion', {}],
    ['TagResource', { Tags: [{ TagKey: 'Team', TagValue: 'a' }] }],
    ['UntagResource', { TagKeys: ['Team'] }],
    ['UpdatePrimaryRegion', { PrimaryRegion: 'us-east-1' }],
  ]

  it.each(REQUESTS)('%s has the condition keys that it is told to have', async (operation, input) => {
    await output('CreateAlias', { AliasName: 'alias/told', TargetKeyId: keyId }, ADMIN)
    asked = []
    await send(
      operation,
      {
        KeyId: operation.endsWith('Key') || operation.includes('crypt') ? 'alias/told' : keyId,
        SourceKeyId: 'alias/told',
        ...input,
      },
      ADMIN,
    )
    expect(asked.length).toBeGreaterThan(0)
    for (const { action, resourceArn, context } of asked) {
      const [service = '', name = ''] = action.split(':')
      const known = await allowedContextKeysForRequest(service, name, resourceArn, false, undefined)
      const told = Object.keys(context).map((key) =>
        key.toLowerCase().replace(/^kms:encryptioncontext:.*/, 'kms:encryptioncontext:${encryptioncontextkey}'),
      )
      const unknown = told.filter((key) => !known.includes(key) && !/^aws:(?:resource|request)tag\//.test(key))
      expect(unknown, action).toEqual([])
    }
  })
})
