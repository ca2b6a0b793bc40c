import { DatabaseSync } from 'node:sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../shared/json.ts'
import { createAccess, type NamedPolicy } from '../../local/iam/evaluator.ts'
import { createKms } from '../../local/kms/service.ts'
import { createPrincipals } from '../../local/principals.ts'
import type { Principal, Service, ServiceAnswer } from '../../local/service.ts'
import { ACCOUNT, base64, DAY_MS, REGION, START_MS, textOf } from './kms-calls.ts'

const principals = createPrincipals(ACCOUNT)
const ADMIN = principals.of('AKIAADMIN')
const session = (roleName: string): Principal => principals.register({ accessKeyId: `ASIA${roleName}`, roleName, sessionName: 'run' })
const roleArn = (roleName: string): string => `arn:aws:iam::${ACCOUNT}:role/${roleName}`
const WORKER = session('Worker')
const HELPER = session('Helper')
const CONTEXT = { purpose: 'orders', tenant: 'north' }
const DELAY_MS = 60_000

let db: DatabaseSync
let kms: Service
let keyArn: string
let keyId: string
let timeMs: number
let own: readonly NamedPolicy[]

function open(grantDelayMs = 0): void {
  const all = {
    name: 'all',
    document: JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }),
  }
  const access = createAccess({ identityOf: (who) => ({ policies: who === ADMIN ? [all] : own, tags: {} }), nowMs: () => timeMs })
  kms = createKms(db, { access, grantDelayMs })
}

beforeEach(async () => {
  db = new DatabaseSync(':memory:')
  timeMs = START_MS
  own = []
  open()
  const made = await createKey()
  keyArn = textOf(made, 'Arn')
  keyId = textOf(made, 'KeyId')
})

async function createKey(input: JsonObject = {}): Promise<JsonObject> {
  return (await output('CreateKey', input))['KeyMetadata'] as JsonObject
}

async function send(operation: string, input: JsonObject, who: Principal = ADMIN): Promise<ServiceAnswer> {
  const place = { region: REGION, accountId: ACCOUNT, principal: who, via: null, isSecure: false, requestId: 'any' }
  return kms.call({ operation, input, timeMs, ...place })
}

async function output(operation: string, input: JsonObject, who: Principal = ADMIN): Promise<JsonObject> {
  const answer = await send(operation, input, who)
  if ('failure' in answer) throw new Error(`${operation}: ${answer.failure.code}: ${answer.failure.message}`)
  return answer.output
}

async function code(operation: string, input: JsonObject, who: Principal = ADMIN): Promise<string> {
  const answer = await send(operation, input, who)
  return 'failure' in answer ? answer.failure.code : 'OK'
}

const GRANT: JsonObject = { GranteePrincipal: roleArn('Worker'), Operations: ['Encrypt', 'DescribeKey'] }

async function grant(more: JsonObject = {}, who: Principal = ADMIN): Promise<{ readonly id: string; readonly token: string }> {
  const made = await output('CreateGrant', { KeyId: keyId, ...GRANT, ...more }, who)
  return { id: textOf(made, 'GrantId'), token: textOf(made, 'GrantToken') }
}

const encrypt = (context: JsonObject = {}, who = WORKER, more: JsonObject = {}): Promise<string> =>
  code('Encrypt', { KeyId: keyId, Plaintext: base64('x'), EncryptionContext: context, ...more }, who)

async function listed(input: JsonObject = {}): Promise<readonly JsonObject[]> {
  return (await output('ListGrants', { KeyId: keyId, ...input }))['Grants'] as readonly JsonObject[]
}

const pass = (more: JsonObject): Promise<string> =>
  code('CreateGrant', { KeyId: keyId, GranteePrincipal: roleArn('Helper'), ...more }, WORKER)

describe('a grant', () => {
  it('gives its grantee its operations, and no others, and nobody else anything', async () => {
    expect(await encrypt()).toBe('AccessDeniedException')
    await grant()
    expect(await encrypt()).toBe('OK')
    expect(await code('DescribeKey', { KeyId: keyId }, WORKER)).toBe('OK')
    expect(await code('GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }, WORKER)).toBe('AccessDeniedException')
    expect(await encrypt({}, HELPER)).toBe('AccessDeniedException')
  })

  it('may be for one session of a role', async () => {
    await grant({ GranteePrincipal: WORKER.arn })
    const other = principals.register({ accessKeyId: 'ASIAOTHERRUN', roleName: 'Worker', sessionName: 'other' })
    expect([await encrypt(), await encrypt({}, other)]).toEqual(['OK', 'AccessDeniedException'])
  })

  it('gives nothing that a policy denies', async () => {
    await grant()
    own = [
      {
        name: 'own',
        document: JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'kms:Encrypt', Resource: '*' } }),
      },
    ]
    expect(await encrypt()).toBe('AccessDeniedException')
    expect(await code('DescribeKey', { KeyId: keyId }, WORKER)).toBe('OK')
  })

  it.each([
    ['EncryptionContextSubset', { purpose: 'orders' }, CONTEXT, 'OK'],
    ['EncryptionContextSubset', { PURPOSE: 'orders' }, CONTEXT, 'OK'],
    ['EncryptionContextSubset', { purpose: 'Orders' }, CONTEXT, 'AccessDeniedException'],
    ['EncryptionContextSubset', { purpose: 'orders' }, { tenant: 'north' }, 'AccessDeniedException'],
    ['EncryptionContextEquals', CONTEXT, CONTEXT, 'OK'],
    ['EncryptionContextEquals', { purpose: 'orders' }, CONTEXT, 'AccessDeniedException'],
    ['EncryptionContextEquals', { purpose: 'orders' }, {}, 'AccessDeniedException'],
  ])('with %s %j for %j: %s', async (type, constraint, context, expected) => {
    await grant({ Constraints: { [type]: constraint } })
    expect(await encrypt(context)).toBe(expected)
    expect(await code('DescribeKey', { KeyId: keyId }, WORKER)).toBe('OK')
  })

  it('is the same grant under the same name on the same terms, with another token', async () => {
    const first = await grant({ Name: 'orders' })
    const again = await grant({ Name: 'orders' })
    expect(again.id).toBe(first.id)
    expect(again.token).not.toBe(first.token)
    expect((await grant({ Name: 'orders', Operations: ['Encrypt'] })).id).not.toBe(first.id)
    expect((await grant({})).id).not.toBe((await grant({})).id)
  })

  it('is of use at once with its token, and without it after a while', async () => {
    open(DELAY_MS)
    const { token } = await grant()
    expect(await encrypt()).toBe('AccessDeniedException')
    expect(await encrypt({}, WORKER, { GrantTokens: [token] })).toBe('OK')
    expect(await encrypt({}, HELPER, { GrantTokens: [token] })).toBe('AccessDeniedException')
    expect(await encrypt({}, WORKER, { GrantTokens: ['bm8gdG9rZW4='] })).toBe('InvalidGrantTokenException')
    timeMs += DELAY_MS
    expect(await encrypt()).toBe('OK')
  })

  it('lets its grantee pass on a part of it, on terms as strict', async () => {
    await grant({ Operations: ['CreateGrant', 'Encrypt'], Constraints: { EncryptionContextSubset: { purpose: 'orders' } } })
    expect(await pass({ Operations: ['Encrypt'] })).toBe('AccessDeniedException')
    expect(await pass({ Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: { purpose: 'orders' } } })).toBe(
      'AccessDeniedException',
    )
    expect(await pass({ Operations: ['Encrypt'], Constraints: { EncryptionContextEquals: CONTEXT } })).toBe('OK')
    expect([await encrypt(CONTEXT, HELPER), await encrypt({ purpose: 'orders' }, HELPER)]).toEqual(['OK', 'AccessDeniedException'])
  })

  it('is nothing that its dry run makes', async () => {
    expect(await code('CreateGrant', { KeyId: keyId, ...GRANT, DryRun: true })).toBe('DryRunOperationException')
    expect(await listed()).toEqual([])
  })

  it.each([
    ['an operation of another kind of key', { Operations: ['Sign'] }, 'ValidationException'],
    ['no operation', { Operations: [] }, 'ValidationException'],
    ['an unknown operation', { Operations: ['ScheduleKeyDeletion'] }, 'ValidationException'],
    ['no principal', { GranteePrincipal: 'Worker' }, 'InvalidArnException'],
    ['a service', { GranteeServicePrincipal: 'lambda.amazonaws.com' }, 'UnsupportedOperationException'],
    [
      'too many pairs',
      { Constraints: { EncryptionContextEquals: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'v'])) } },
      'ValidationException',
    ],
    ['an alias for its key', { KeyId: 'alias/orders' }, 'NotFoundException'],
  ])('cannot be made with %s', async (_what, more, expected) => {
    expect(await code('CreateGrant', { KeyId: keyId, ...GRANT, ...more })).toBe(expected)
  })

  it('of a signing key is for signing, and has no encryption context', async () => {
    const signing = textOf(await createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }), 'KeyId')
    const make = (more: JsonObject): Promise<string> =>
      code('CreateGrant', { KeyId: signing, GranteePrincipal: roleArn('Worker'), ...more })
    expect(await make({ Operations: ['Sign', 'GetPublicKey'] })).toBe('OK')
    expect(await make({ Operations: ['Encrypt'] })).toBe('ValidationException')
    expect(await make({ Operations: ['Sign'], Constraints: { EncryptionContextEquals: CONTEXT } })).toBe('ValidationException')
  })
})

describe('grants are listed', () => {
  it('by key, by grantee and by ID, in pages', async () => {
    const ids = [await grant(), await grant({ GranteePrincipal: roleArn('Helper') }), await grant()].map(({ id }) => id)
    const first = await output('ListGrants', { KeyId: keyId, Limit: 2 })
    expect(first['Truncated']).toBe(true)
    const rest = await output('ListGrants', { KeyId: keyId, Limit: 2, Marker: first['NextMarker'] })
    const all = [first, rest].flatMap((page) => page['Grants'] as JsonObject[]).map((each) => each['GrantId'])
    expect(all).toEqual(ids.toSorted())
    expect((await listed({ GranteePrincipal: roleArn('Helper') })).map((each) => each['GrantId'])).toEqual([ids[1]])
    expect(await listed({ GrantId: ids[2] })).toMatchObject([
      {
        GrantId: ids[2],
        KeyId: keyArn,
        Operations: ['DescribeKey', 'Encrypt'],
        CreationDate: START_MS / 1000,
        IssuingAccount: `arn:aws:iam::${ACCOUNT}:root`,
      },
    ])
  })

  it('by retiring principal', async () => {
    await grant()
    const { id } = await grant({ RetiringPrincipal: roleArn('Helper') })
    const { Grants } = await output('ListRetirableGrants', { RetiringPrincipal: roleArn('Helper') })
    expect(Grants).toMatchObject([{ GrantId: id, RetiringPrincipal: roleArn('Helper') }])
  })

  it('in every state of the key, and go with it', async () => {
    const { id } = await grant()
    await output('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 })
    expect(await listed()).toHaveLength(1)
    expect(await code('CreateGrant', { KeyId: keyId, ...GRANT })).toBe('KMSInvalidStateException')
    const second = await output('ListGrants', { KeyId: keyId })
    expect(second['Grants']).toMatchObject([{ GrantId: id }])
    expect(await code('RevokeGrant', { KeyId: keyId, GrantId: id })).toBe('OK')
    expect(await listed()).toEqual([])
    timeMs += 8 * DAY_MS
    expect(await code('ListGrants', { KeyId: keyId })).toBe('NotFoundException')
  })
})

describe('a grant ends', () => {
  it.each([
    ['its retiring principal', { RetiringPrincipal: roleArn('Helper') }, HELPER, 'OK'],
    ['its grantee that may retire it', { Operations: ['Encrypt', 'RetireGrant'] }, WORKER, 'OK'],
    ['its grantee that may not', {}, WORKER, 'AccessDeniedException'],
    ['somebody', {}, HELPER, 'AccessDeniedException'],
    ['an administrator of the account that made it', {}, ADMIN, 'OK'],
  ])('by %s', async (_who, more, who, expected) => {
    const { token } = await grant(more)
    expect(await code('RetireGrant', { GrantToken: token }, who)).toBe(expected)
    expect(await encrypt()).toBe(expected === 'OK' ? 'AccessDeniedException' : 'OK')
  })

  it('by key and grant ID', async () => {
    const { id } = await grant({ RetiringPrincipal: roleArn('Helper') })
    expect(await code('RetireGrant', { KeyId: keyArn, GrantId: id, DryRun: true }, HELPER)).toBe('DryRunOperationException')
    expect(await code('RetireGrant', { KeyId: keyArn, GrantId: id }, HELPER)).toBe('OK')
    expect(await code('RetireGrant', { KeyId: keyArn, GrantId: id }, HELPER)).toBe('NotFoundException')
    expect(await code('RetireGrant', { GrantId: id }, HELPER)).toBe('ValidationException')
    expect(await code('RetireGrant', { GrantToken: 'none' }, HELPER)).toBe('InvalidGrantTokenException')
  })

  it('by a principal with kms:RevokeGrant', async () => {
    const { id } = await grant()
    expect(await code('RevokeGrant', { KeyId: keyId, GrantId: id }, WORKER)).toBe('AccessDeniedException')
    expect(await code('RevokeGrant', { KeyId: keyId, GrantId: id })).toBe('OK')
    expect(await code('RevokeGrant', { KeyId: keyId, GrantId: id })).toBe('NotFoundException')
  })
})

describe('CloudTrail’s record of a grant', () => {
  it('has what was asked, the grant ID and the key', async () => {
    const constraints = { EncryptionContextSubset: { Purpose: 'orders' } }
    const made = await send('CreateGrant', { KeyId: keyId, ...GRANT, Constraints: constraints, GrantTokens: [] })
    const id = 'failure' in made ? '' : textOf(made.output, 'GrantId')
    expect(made.trail).toMatchObject({
      readOnly: false,
      requestParameters: { keyId, granteePrincipal: roleArn('Worker'), constraints: { encryptionContextSubset: { Purpose: 'orders' } } },
      responseElements: { grantId: id, keyId: keyArn },
      resources: [{ ARN: keyArn }],
    })
    expect(made.trail?.requestParameters).not.toHaveProperty('grantTokens')
    const retired = await send('RetireGrant', { KeyId: keyArn, GrantId: id })
    expect(retired.trail).toMatchObject({ requestParameters: null, additionalEventData: { grantId: id }, resources: [{ ARN: keyArn }] })
  })
})
