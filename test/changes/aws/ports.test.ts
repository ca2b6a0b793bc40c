import {
  CreateAliasCommand,
  DisableKeyCommand,
  EnableKeyRotationCommand,
  GetKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { DeleteBucketWebsiteCommand, GetBucketWebsiteCommand, PutBucketWebsiteCommand, type WebsiteConfiguration } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAspectPort } from '../../../shared/aws/changes/aspects-on-aws.ts'
import { createGuardPort } from '../../../shared/aws/changes/guard-on-aws.ts'
import type { AspectState } from '../../../shared/changes/aspect.ts'
import type { AspectPort, GuardPort } from '../../../shared/changes/ports.ts'
import type { Resource } from '../../../shared/rules/rule.ts'
import { START_MS_MAX } from '../../aws/facts/fact-ground.ts'
import { bucketNamed, type ChangeGround, openChangeGround } from './change-ground.ts'

let ground: ChangeGround
let aspects: AspectPort
let guard: GuardPort
const newKey: ChangeGround['newKey'] = (input) => ground.newKey(input)
const newBucket: ChangeGround['newBucket'] = (region) => ground.newBucket(region)

beforeAll(async () => {
  ground = await openChangeGround()
  aspects = createAspectPort(ground.clients)
  guard = createGuardPort(ground.clients)
}, START_MS_MAX)
afterAll(() => ground.close())
afterEach(() => {
  ground.faultOf = () => null
})

/** Writes a state and reads it back. */
async function written(resource: Resource, state: AspectState): Promise<AspectState | null> {
  expect(await aspects.write(resource, state)).toEqual({ ok: true, value: null })
  const read = await aspects.read(resource, state.aspect)
  return read.kind === 'read' ? read.state : null
}

const rotation = (isEnabled: boolean, periodDays: number | null): AspectState => ({
  aspect: 'key-rotation',
  value: { isEnabled, periodDays },
})
const policy = (value: string | null): AspectState => ({ aspect: 'bucket-policy', value })
const refusedBy = (code: string) => ({ ok: false, code })

describe('rotation', () => {
  it('is read, written with its period, and taken back', async () => {
    const key = await newKey()
    expect(await aspects.read(key, 'key-rotation')).toEqual({ kind: 'read', state: rotation(false, null) })
    for (const state of [rotation(true, 365), rotation(true, 90), rotation(true, 2560), rotation(false, null)])
      expect(await written(key, state)).toEqual(state)
    expect(await written(key, rotation(true, null))).toEqual(rotation(true, 365))
  })

  it('of a key that has none is off, and is refused', async () => {
    const key = await newKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    expect(await aspects.read(key, 'key-rotation')).toEqual({ kind: 'read', state: rotation(false, null) })
    expect(await aspects.write(key, rotation(true, 365))).toMatchObject(refusedBy('UnsupportedOperationException'))
  })

  it('is off while the key waits for its deletion, and is refused', async () => {
    const key = await newKey()
    const { kms } = ground.cloud.clients
    await kms.send(new EnableKeyRotationCommand({ KeyId: key.arn }))
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key.arn }))
    expect(await aspects.read(key, 'key-rotation')).toEqual({ kind: 'read', state: rotation(false, null) })
    expect(await aspects.write(key, rotation(true, 365))).toMatchObject(refusedBy('KMSInvalidStateException'))
  })
})

const PLAIN = { algorithm: 'AES256', key: null, isBucketKeyEnabled: false } as const

describe('default encryption', () => {
  it('is read, written as it is given, and taken back', async () => {
    const [bucket, key] = [await newBucket(), await newKey()]
    const before = await aspects.read(bucket, 'bucket-encryption')
    expect(before).toEqual({ kind: 'read', state: { aspect: 'bucket-encryption', value: [{ ...PLAIN, blockedTypes: ['SSE-C'] }] } })
    const underKey = { algorithm: 'aws:kms', key: key.arn, isBucketKeyEnabled: true } as const
    for (const value of [
      [{ ...underKey, blockedTypes: ['SSE-C'] }],
      [{ ...underKey, blockedTypes: ['NONE'] }],
      [{ ...underKey, isBucketKeyEnabled: false, blockedTypes: ['SSE-C'] }],
      [{ algorithm: 'aws:kms:dsse', key: 'alias/by-name', isBucketKeyEnabled: false, blockedTypes: ['SSE-C'] }],
      [{ ...PLAIN, blockedTypes: ['SSE-C'] }],
    ])
      expect(await written(bucket, { aspect: 'bucket-encryption', value })).toEqual({ aspect: 'bucket-encryption', value })
  })

  it('that says nothing of what it blocks blocks nothing, whatever the bucket blocked before', async () => {
    const bucket = await newBucket()
    const value = [{ ...PLAIN, blockedTypes: ['NONE'] }]
    const silent = { aspect: 'bucket-encryption', value: [{ ...PLAIN, blockedTypes: [] }] } as const
    expect(await written(bucket, silent)).toEqual({ aspect: 'bucket-encryption', value })
    expect(await written(bucket, silent)).toEqual({ aspect: 'bucket-encryption', value })
  })

  it('of no rule goes back to what S3 does by itself', async () => {
    const bucket = await newBucket()
    expect(
      await written(bucket, {
        aspect: 'bucket-encryption',
        value: [{ algorithm: 'aws:kms', key: null, isBucketKeyEnabled: true, blockedTypes: ['SSE-C'] }],
      }),
    ).not.toBeNull()
    const value = [{ ...PLAIN, blockedTypes: ['SSE-C'] }]
    expect(await written(bucket, { aspect: 'bucket-encryption', value: [] })).toEqual({ aspect: 'bucket-encryption', value })
  })

  it('that S3 says is not there is none', async () => {
    ground.faultOf = () => ({ status: 404, code: 'ServerSideEncryptionConfigurationNotFoundError' })
    const read = await aspects.read(bucketNamed('old'), 'bucket-encryption')
    expect(read).toEqual({ kind: 'read', state: { aspect: 'bucket-encryption', value: [] } })
  })
})

describe('a bucket policy', () => {
  it('is read as S3 keeps it, written byte for byte, and taken back', async () => {
    const bucket = await newBucket()
    expect(await aspects.read(bucket, 'bucket-policy')).toEqual({ kind: 'read', state: policy(null) })
    const text = JSON.stringify(
      {
        Statement: [
          {
            Sid: 'Ä “é” 漢字 \u0041',
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:*',
            Resource: `${bucket.arn}/*`,
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ],
        Version: '2012-10-17',
      },
      null,
      '\t',
    )
    for (const value of [text, `{"Version":"2012-10-17",${text.slice(1).replace(/,\s*"Version": ?"2012-10-17"/, '')}`, null])
      expect(await written(bucket, policy(value))).toEqual(policy(value))
    expect(await written(bucket, policy(null))).toEqual(policy(null))
    expect(await aspects.write(bucket, policy('{}'))).toMatchObject(refusedBy('MalformedPolicy'))
  })

  it('of a bucket in another Region is read and written there', async () => {
    const bucket = await newBucket('eu-west-1')
    const value = JSON.stringify({ Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: `${bucket.arn}/*` }] })
    expect(await written(bucket, policy(value))).toEqual(policy(value))
  })
})

const ASPECTS = [
  { aspect: 'key-rotation', read: 'kms:GetKeyRotationStatus', write: 'kms:EnableKeyRotation', state: rotation(true, 365) },
  {
    aspect: 'bucket-encryption',
    read: 's3:GetEncryptionConfiguration',
    write: 's3:PutEncryptionConfiguration',
    state: { aspect: 'bucket-encryption', value: [{ ...PLAIN, blockedTypes: ['SSE-C'] }] },
  },
  { aspect: 'bucket-policy', read: 's3:GetBucketPolicy', write: 's3:DeleteBucketPolicy', state: policy(null) },
] as const

describe.each(ASPECTS)('$aspect', ({ aspect, read, write, state }) => {
  const resource = (): Promise<Resource> => (aspect === 'key-rotation' ? newKey() : newBucket())

  it('that may not be read or written is told so', async () => {
    const target = await resource()
    const blind = createAspectPort(ground.clientsAs(await ground.allowedAllBut(read)))
    const unread = { known: false, action: read, because: 'denied' }
    expect(await blind.read(target, aspect)).toMatchObject({ kind: 'unread', unread })
    const powerless = createAspectPort(ground.clientsAs(await ground.allowedAllBut(write)))
    expect(await powerless.write(target, state)).toMatchObject({ ok: false, code: expect.stringMatching(/^AccessDenied/) as unknown })
  })

  it('of what is not there is gone', async () => {
    const target = await resource()
    const missing = {
      ...target,
      arn: aspect === 'key-rotation' ? target.arn.replace(/.{12}$/, '000000000000') : 'arn:aws:s3:::nobody-has-this',
    }
    expect(await aspects.read(missing, aspect)).toEqual({ kind: 'gone' })
    expect(await aspects.write(missing, state)).toMatchObject({ ok: false })
  })

  it('that cannot be reached is unread, and its writing is in doubt', async () => {
    const target = await resource()
    for (const [fault, message] of [
      ['broken', /socket hang up|ECONNRESET/],
      [{ status: 503, code: 'SlowDown' }, 'as the test wants it'],
      [{ status: 500, code: 'InternalError' }, 'as the test wants it'],
    ] as const) {
      ground.faultOf = () => fault
      expect(await aspects.read(target, aspect)).toMatchObject({ kind: 'unread', unread: { action: read, because: 'failed' } })
      await expect(aspects.write(target, state)).rejects.toThrow(message)
    }
  })
})

it('a bucket whose name somebody else has by now is not written to', async () => {
  const others = { ...(await newBucket()), accountId: '999999999999' }
  for (const state of [ASPECTS[1].state, ASPECTS[2].state]) {
    expect(await aspects.read(others, state.aspect)).toMatchObject({ kind: 'unread', unread: { because: 'denied' } })
    expect(await aspects.write(others, state)).toMatchObject(refusedBy('AccessDenied'))
  }
})

it('a bucket that is being changed is unread', async () => {
  ground.faultOf = () => ({ status: 409, code: 'OperationAborted' })
  expect(await aspects.read(bucketNamed('x'), 'bucket-policy')).toMatchObject({ kind: 'unread', unread: { because: 'failed' } })
})

describe('what decides besides the rules', () => {
  it('is the stack that a resource belongs to', async () => {
    const table = ground.cloud.made.get('UsageTable')?.ref ?? ''
    expect(await guard.stackOf(bucketNamed(table))).toEqual({ known: true, value: 'keytrail' })
    expect(await guard.stackOf({ ...(await newKey()), arn: `arn:aws:kms:eu-central-1:000000000000:key/${table}` })).toEqual({
      known: true,
      value: 'keytrail',
    })
    expect(await guard.stackOf(await newBucket())).toEqual({ known: true, value: null })
    expect(await guard.stackOf(await newKey())).toEqual({ known: true, value: null })
    const action = 'cloudformation:DescribeStackResources'
    for (const [fault, because] of [
      [{ status: 400, code: 'ValidationError' }, 'failed'],
      [{ status: 400, code: 'Throttling' }, 'failed'],
      [{ status: 403, code: 'AccessDenied' }, 'denied'],
      ['broken', 'failed'],
    ] as const) {
      ground.faultOf = () => fault
      expect(await guard.stackOf(bucketNamed(table))).toMatchObject({ known: false, action, because })
    }
  })

  it('is how a key stands, by ARN, ID or alias', async () => {
    const { arn, region } = await newKey()
    await ground.cloud.clients.kms.send(new CreateAliasCommand({ AliasName: 'alias/default', TargetKeyId: arn }))
    for (const name of [arn, arn.slice(arn.indexOf('/') + 1), 'alias/default'])
      expect(await guard.keyStanding(name, region)).toMatchObject({
        known: true,
        value: { keyArn: arn, state: 'Enabled', manager: 'CUSTOMER' },
      })
    await ground.cloud.clients.kms.send(new DisableKeyCommand({ KeyId: arn }))
    expect(await guard.keyStanding(arn, region)).toMatchObject({ known: true, value: { state: 'Disabled' } })
    expect(await guard.keyStanding('alias/nobody', region)).toEqual({ known: true, value: null })
    const blind = createGuardPort(ground.clientsAs(await ground.allowedAllBut('kms:DescribeKey')))
    expect(await blind.keyStanding(arn, region)).toMatchObject({ known: false, because: 'denied' })
  })

  it('is the text of its policy', async () => {
    const { arn } = await newKey()
    const { Policy } = await ground.cloud.clients.kms.send(new GetKeyPolicyCommand({ KeyId: arn }))
    expect(await guard.keyPolicy(arn)).toEqual({ known: true, value: Policy })
    expect(await guard.keyPolicy(arn.replace(/.{12}$/, '000000000000'))).toMatchObject({
      known: false,
      because: 'failed',
      code: 'NotFoundException',
    })
    const blind = createGuardPort(ground.clientsAs(await ground.allowedAllBut('kms:GetKeyPolicy')))
    expect(await blind.keyPolicy(arn)).toMatchObject({ known: false, because: 'denied' })
  })

  it.each<WebsiteConfiguration>([
    { IndexDocument: { Suffix: 'index.html' } },
    { IndexDocument: { Suffix: 'index.html' }, ErrorDocument: { Key: 'error.html' } },
    { RedirectAllRequestsTo: { HostName: 'example.com', Protocol: 'https' } },
  ])('is whether a bucket is a website: %j', async (WebsiteConfiguration) => {
    const bucket = await newBucket()
    const Bucket = bucket.arn.slice('arn:aws:s3:::'.length)
    expect(await guard.isWebsite(bucket)).toEqual({ known: true, value: false })
    await ground.s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }))
    expect(await guard.isWebsite(bucket)).toEqual({ known: true, value: true })
    expect(await ground.s3.send(new GetBucketWebsiteCommand({ Bucket }))).toMatchObject(WebsiteConfiguration)
    await ground.s3.send(new DeleteBucketWebsiteCommand({ Bucket }))
    expect(await guard.isWebsite(bucket)).toEqual({ known: true, value: false })
  })

  it('is not known of a bucket that is gone, or may not be asked', async () => {
    expect(await guard.isWebsite(bucketNamed('nobody-has-this'))).toMatchObject({ known: false, because: 'failed', code: 'NoSuchBucket' })
    const blind = createGuardPort(ground.clientsAs(await ground.allowedAllBut('s3:GetBucketWebsite')))
    expect(await blind.isWebsite(await newBucket())).toMatchObject({ known: false, action: 's3:GetBucketWebsite', because: 'denied' })
  })
})
