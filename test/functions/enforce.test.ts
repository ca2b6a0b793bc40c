import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetBucketEncryptionCommand, PutBucketEncryptionCommand } from '@aws-sdk/client-s3'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControlItems } from '../../shared/aws/changes/control-items.ts'
import { createNoticeTable } from '../../shared/aws/changes/notice-table.ts'
import { createTable, type ControlTable } from '../../shared/aws/table.ts'
import { enforceBody } from '../../shared/findings/enforce-request.ts'
import { isJsonObject, textOf } from '../../shared/json.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import { partitionKeys, refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'
import { at, readSource } from '../support/stack.ts'
import { keysOfOthers } from '../support/stolen-roles.ts'

const RULE = 's3-bucket-key-enabled'
const REPORTED = 's3-bucket-tls-only'
const POLICY = Buffer.from(`
rules: { ${RULE}: { mode: enforce }, ${REPORTED}: { mode: report } }
owners: [{ resource: 'arn:aws:s3:::platform-*', tool: terraform }]
`)
const MARKER = 'Gd6xMarker'
const SECONDS_MS = 60_000
/** What these tests are not about. */
const IDLE = ['count-key-usage', 'roll-up-usage', 'sweep', 'announce', 'clean-up'].map((name) => `keytrail-${name}`)

let cloud: WatchedCloud
let control: ControlTable
let keyArn = ''
/** Of whoever called. */
const writes: (readonly [bucket: string, caller: string])[] = []

beforeAll(async () => {
  cloud = await startCloud({
    idle: IDLE,
    policy: POLICY,
    parameters: { FindingsEmail: 'security@example.com' },
    onPublished: ({ detail }) => {
      if (!isJsonObject(detail) || textOf(detail, 'eventName') !== 'PutBucketEncryption') return
      const [asked, caller] = [detail['requestParameters'], detail['userIdentity']]
      if (isJsonObject(asked) && isJsonObject(caller))
        writes.push([textOf(asked, 'bucketName') ?? '', textOf(caller, 'arn')?.split('/').at(-1) ?? ''])
    },
  })
  control = createTable(cloud.clients.dynamodb, refOf(cloud, 'ControlTable'))
  keyArn = (await cloud.clients.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
})
afterAll(() => cloud.close())

function now(): EpochS {
  return epochS(cloud.clock.nowMs()) ?? (0 as EpochS)
}

function request(bucket: string, ruleId = RULE): string {
  const resource = { kind: 's3_bucket', arn: `arn:aws:s3:::${bucket}`, accountId: cloud.accountId, region: cloud.region } as const
  return enforceBody({ ruleId, resource, eventId: null })
}

async function ask(...bodies: readonly string[]): Promise<void> {
  const QueueUrl = refOf(cloud, 'EnforceQueue')
  for (const MessageBody of bodies) await cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
  await cloud.settle()
}

async function secondsPass(): Promise<void> {
  await cloud.clock.advance(SECONDS_MS)
  await cloud.settle()
}

/** Under a KMS key, without an S3 Bucket Key. */
async function newBucket(Bucket: string): Promise<void> {
  await cloud.clients.s3.send(new CreateBucketCommand({ Bucket }))
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn }, BucketKeyEnabled: false } as const
  await cloud.clients.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }))
}

async function defaultOf(Bucket: string): Promise<unknown> {
  const { ServerSideEncryptionConfiguration: found } = await cloud.clients.s3.send(new GetBucketEncryptionCommand({ Bucket }))
  return found?.Rules?.map((rule) => [rule.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID, rule.BucketKeyEnabled])
}

function byKeytrail(bucket: string): readonly unknown[] {
  return writes.filter(([named, caller]) => named === bucket && caller === 'keytrail-enforce')
}

function mailsOf(bucket: string): readonly string[] {
  return cloud.mail().flatMap(({ body }) => (body.includes(`arn:aws:s3:::${bucket}`) ? [body] : []))
}

describe('a bucket that fails a rule which the policy enforces', () => {
  it('is put right and told by mail in the run that its event began, once: the own event begins nothing', async () => {
    await newBucket('northwind')
    await secondsPass()
    expect(await defaultOf('northwind')).toEqual([[keyArn, true]])
    expect(mailsOf('northwind')).toEqual([expect.stringContaining('To take it back: npm run -s keytrail -- undo ')])
    expect(cloud.mail()[0]?.to).toBe('security@example.com')
    for (let times = 0; times < 2; times++) await secondsPass()
    await ask(request('northwind'), request('northwind'))
    expect(byKeytrail('northwind')).toHaveLength(1)
    expect(mailsOf('northwind')).toHaveLength(1)
  })

  it('is put right beside messages that ask for nothing, for something else, or what is only reported; nothing of them is logged', async () => {
    await newBucket('contoso')
    await ask(
      `{"cut off ${MARKER}`,
      JSON.stringify({ ruleId: RULE, resource: MARKER }),
      request('contoso', REPORTED),
      request('contoso', `no-such-rule ${MARKER}`),
      request('no-such-bucket'),
      request('platform-logs'),
      request('contoso'),
    )
    expect(await defaultOf('contoso')).toEqual([[keyArn, true]])
    expect(byKeytrail('platform-logs')).toEqual([])
    const parked: unknown[] = []
    for await (const { kind, reason } of control.query(`parked#${new Date(cloud.clock.nowMs()).toISOString().slice(0, 10)}`))
      parked.push([kind?.S, reason?.S])
    expect(parked).toEqual([
      ['malformed', 'no request to put something right'],
      ['malformed', 'no request to put something right'],
    ])
    expect(cloud.lines.filter((line) => line.includes(MARKER))).toEqual([])
    expect(cloud.lines.filter((line) => line.includes('"ParkedEvents":2'))).toHaveLength(1)
  })

  it('that others own is left as it is, and told once', async () => {
    await newBucket('platform-orders')
    await secondsPass()
    await ask(request('platform-orders'))
    expect(byKeytrail('platform-orders')).toEqual([])
    expect(mailsOf('platform-orders')).toEqual([expect.stringContaining('Left as it is')])
  })

  it('is left alone while Keytrail is stopped, and put right when it is asked for again', async () => {
    const { setStop } = createControlItems(control, randomUUID)
    await setStop({ by: 'somebody', reason: 'a rehearsal', at: now() })
    await newBucket('fabrikam')
    await secondsPass()
    expect([byKeytrail('fabrikam'), mailsOf('fabrikam')]).toEqual([[], []])
    await setStop(null)
    await ask(request('fabrikam'))
    expect(byKeytrail('fabrikam')).toHaveLength(1)
    expect(mailsOf('fabrikam')).toHaveLength(1)
  })

  it('leaves nothing untold, and nothing went wrong', async () => {
    expect(await createNoticeTable(control, randomUUID).open(10)).toEqual([])
    expect(cloud.faults).toEqual([])
    expect(cloud.lines.filter((line) => line.includes('"level":"ERROR"'))).toEqual([])
  })

  it('leaves in the table of control what its role may write there: the local tables ask for no permission', async () => {
    const keys = await partitionKeys(cloud, 'ControlTable')
    expect(keysOfOthers({ Resources: at(readSource(), 'resources.Resources') }, 'EnforceRole', keys)).toEqual([])
    expect(keys).toEqual(expect.arrayContaining(['budget#changes', 'change', 'notice']))
  })
})
