import { CreateKeyCommand, DisableKeyRotationCommand, EnableKeyRotationCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LocalFunction } from '../../local/lambda/functions.ts'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { batchOf, failedOf, type FunctionGround, openFunctionGround, PATIENCE } from '../support/function-ground.ts'

/** The local KMS knows no other account. */
const ACCOUNT = '000000000000'
const MARKER = 'Gd6xMarker'

let ground: FunctionGround
let auditChange: LocalFunction
let kms: KMSClient
let sqs: SQSClient
let announceQueue = ''

async function newQueue(name: string): Promise<string> {
  return (await sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? ''
}

beforeAll(async () => {
  ground = await openFunctionGround()
  ;[kms, sqs] = [new KMSClient(ground.client), new SQSClient(ground.client)]
  announceQueue = await newQueue('announce')
  auditChange = ground.start('audit-change', {
    timeoutMs: 120_000,
    environment: {
      ACCOUNT_ID: ACCOUNT,
      STACK_ID: `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/keytrail/1`,
      FINDINGS_TABLE: ground.table.name,
      AUDIT_QUEUE: await newQueue('audit'),
      ANNOUNCE_QUEUE: announceQueue,
      OWN_QUEUES: 'KeyUsageQueue=none',
      OWN_ROLES: 'SweepRole=none',
      ENFORCE_QUEUE: await newQueue('enforce'),
    },
  })
})

afterEach(async () => {
  await ground.clear()
  await pushes()
})
afterAll(async () => {
  kms.destroy()
  sqs.destroy()
  await ground.close()
})

async function newKey(rotates: boolean): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new (rotates ? EnableKeyRotationCommand : DisableKeyRotationCommand)({ KeyId: KeyMetadata?.Arn }))
  return KeyMetadata?.Arn ?? ''
}

function rotationEvent(keyArn: string, changes: { readonly detail?: object; readonly envelope?: object } = {}): string {
  return JSON.stringify({
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.kms',
    account: ACCOUNT,
    detail: {
      eventSource: 'kms.amazonaws.com',
      eventName: 'DisableKeyRotation',
      eventID: 'an event',
      eventTime: '2026-10-20T06:20:00Z',
      awsRegion: 'us-east-1',
      recipientAccountId: ACCOUNT,
      resources: [{ ARN: keyArn }],
      userAgent: MARKER,
      ...changes.detail,
    },
    ...changes.envelope,
  })
}

async function findings(status: Finding['status']): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = []
  for await (const { finding } of createFindingsTable(ground.table, () => '').withStatus(status))
    found.push([finding.ruleId, finding.resource.arn])
  return found
}

async function parked(): Promise<readonly (string | undefined)[]> {
  return (await ground.items()).filter(({ pk }) => pk?.S?.startsWith('parked#') === true).map(({ kind }) => kind?.S)
}

async function pushes(): Promise<number> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: announceQueue, MaxNumberOfMessages: 10 }))
  return Messages.length
}

describe('a batch of changes', () => {
  it('is judged by what AWS tells now; a poison record and forged events are parked, and nothing of them is logged', async () => {
    const [weak, strong] = [await newKey(false), await newKey(true)]
    const bodies = [
      rotationEvent(weak),
      `{"detail": ${MARKER}`,
      rotationEvent(strong),
      rotationEvent(weak, { envelope: { source: 'keytrail.test' } }),
      rotationEvent(weak, { envelope: { account: '999988887777' } }),
      rotationEvent(strong, { detail: { errorCode: 'AccessDenied', errorMessage: MARKER } }),
      rotationEvent(weak),
    ]
    expect(failedOf(await auditChange.invoke(batchOf(bodies)))).toEqual([])
    expect(await findings('failing')).toEqual([['kms-key-rotation-enabled', weak]])
    expect(await parked()).toEqual(expect.arrayContaining(['malformed', 'spoofed']))
    expect(await parked()).toHaveLength(3)
    expect(await ground.metrics()).toMatchObject([{ service: 'audit-change', ChangedFindings: 1, ParkedEvents: 3 }])
    expect(await pushes()).toBe(1)
    expect(ground.lines.filter((line) => line.includes(MARKER))).toEqual([])
    expect(JSON.stringify(await ground.items())).not.toContain(MARKER)
  })

  it('whose findings cannot be kept comes again, and is told once', async () => {
    const weak = await newKey(false)
    const batch = batchOf([rotationEvent(weak), 'no event'])
    ground.failPuts(() => true)
    expect(failedOf(await auditChange.invoke(batch))).toEqual(['m0', 'm1'])
    expect({ items: await ground.items(), pushes: await pushes() }).toEqual({ items: [], pushes: 0 })
    await expect.poll(() => ground.lines.filter((line) => line.includes('the store is away')).length, PATIENCE).toBeGreaterThan(0)
    ground.failPuts(() => false)
    for (let times = 0; times < 2; times++) expect(failedOf(await auditChange.invoke(batch))).toEqual([])
    expect({ failing: (await findings('failing')).length, pushes: await pushes() }).toEqual({ failing: 1, pushes: 1 })
  })

  it('about a key that is gone leaves no finding', async () => {
    const gone = `arn:aws:kms:us-east-1:${ACCOUNT}:key/00000000-0000-4000-8000-000000000000`
    expect(failedOf(await auditChange.invoke(batchOf([rotationEvent(gone)])))).toEqual([])
    expect({ failing: await findings('failing'), unknown: await findings('unknown') }).toEqual({ failing: [], unknown: [] })
  })
})
