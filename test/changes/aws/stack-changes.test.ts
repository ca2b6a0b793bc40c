import { CreateAliasCommand, DisableKeyCommand, EnableKeyRotationCommand, UpdateAliasCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3'
import { paginateScan } from '@aws-sdk/client-dynamodb'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StackChanges } from '../../../shared/aws/changes/stack-changes.ts'
import { adoptCandidates, type AdoptPattern } from '../../../shared/changes/retire/adopt.ts'
import { START_MS_MAX } from '../../aws/facts/fact-ground.ts'
import { refOf } from '../../support/local-cloud.ts'
import { type ChangeGround, openChangeGround, REGION } from './change-ground.ts'

let ground: ChangeGround
let changes: StackChanges

beforeAll(async () => {
  ground = await openChangeGround()
  changes = ground.stackChanges()
}, START_MS_MAX)
afterAll(() => ground.close())

async function itemCount(logicalId: string): Promise<number> {
  let count = 0
  const pages = paginateScan({ client: ground.cloud.clients.dynamodb }, { TableName: refOf(ground.cloud, logicalId) })
  for await (const { Count = 0 } of pages) count += Count
  return count
}

it('a run reads all anew, and notes nothing in the table of findings', async () => {
  const key = await ground.newKey()
  const AliasName = 'alias/fresh'
  await ground.cloud.clients.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: key.arn }))
  const ports = changes.changePorts({ now: ground.now, pause: (ms) => pause(ms), perHourMax: 1 })
  const names = ['state', 'rotation', 'aliasHistory']
  const history = { known: true, value: [{ alias: AliasName, firstKeyArn: key.arn, keyArn: key.arn }] }
  expect(await ports.freshReader(ground.now())(key)(names)).toMatchObject({
    state: { known: true, value: 'Enabled' },
    rotation: { known: true, value: { isEnabled: false } },
    aliasHistory: history,
  })
  const { arn: TargetKeyId } = await ground.newKey()
  await ground.cloud.clients.kms.send(new EnableKeyRotationCommand({ KeyId: key.arn }))
  await ground.cloud.clients.kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId }))
  await ground.cloud.clients.kms.send(new DisableKeyCommand({ KeyId: key.arn }))
  expect(await ports.freshReader(ground.now())(key)(names)).toMatchObject({
    state: { known: true, value: 'Disabled' },
    rotation: { known: true, value: { isEnabled: true, periodDays: 365 } },
    aliasHistory: { known: true, value: [] },
  })
  expect(await changes.findings.find('nothing')).toBeNull()
  expect(await itemCount('FindingsTable')).toBe(0)
})

it('two runs share what holds them back, and a person sees it', async () => {
  const other = ground.stackChanges().changePorts({ now: ground.now, pause: (ms) => pause(ms), perHourMax: 1 })
  expect(await other.control.claim('work', ground.now(), 60)).not.toBeNull()
  expect(await changes.control.claim('work', ground.now(), 60)).toBeNull()
  await changes.control.setStop({ by: 'Alice', reason: 'an incident', at: ground.now() })
  expect(await other.control.stop()).toMatchObject({ by: 'Alice' })
  await changes.control.setStop(null)
})

it('people are told by the topic of the stack', async () => {
  const mail = { subject: 'Put right', body: 'Rotation was switched on' }
  await expect(changes.send.mail(mail)).resolves.toBeUndefined()
  const astray = ground.stackChanges({ findingsTopic: `arn:aws:sns:${REGION}:${ground.cloud.accountId}:nobody` })
  await expect(astray.send.mail(mail)).rejects.toThrow('Topic does not exist')
})

it('what workshops left behind is found on all pages, and adopted', async () => {
  const { kms } = ground.cloud.clients
  const pattern: AdoptPattern = { kind: 'alias', pattern: 'alias/kms_key_*_usecase_*' }
  const { arn } = await ground.newKey()
  const others = [await ground.newKey(), await ground.newKey()]
  for (const { arn: TargetKeyId } of others) {
    const names = Array.from({ length: 50 }, (_, number) => `alias/a-${number}-${TargetKeyId.slice(-12)}`)
    await Promise.all(names.map((AliasName) => kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }))))
  }
  for (const AliasName of ['alias/kms_key_sse_usecase_1', 'alias/kms_key_cse_usecase_2', 'alias/mine'])
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: arn }))
  const reading = await changes.adoptReading(pattern, ground.now())
  if (!reading.known) throw new Error('it was read')
  expect(reading.value.aliases.length).toBeGreaterThan(100)
  expect([...reading.value.readings.keys()]).toEqual([arn])
  expect(reading.value.registered).toEqual(new Set())

  const settings = { afterDays: 1, watchHours: 72, pendingDays: 7, perRunMax: 5, exclude: [] }
  const around = { settings, owners: [], accountId: ground.cloud.accountId, now: ground.now() }
  const found = adoptCandidates(pattern, { ...reading.value, ...around })
  expect(found.map(({ name, aliases }) => ({ name, aliases }))).toEqual([
    { name: arn, aliases: ['alias/kms_key_cse_usecase_2', 'alias/kms_key_sse_usecase_1'] },
  ])
  const entries = [
    { useCase: 'adopted', kind: 'kms-key', name: arn, keyArn: '' },
    { useCase: 'adopted', kind: 'kms-alias', name: 'alias/kms_key_sse_usecase_1', keyArn: arn },
  ] as const
  expect(await changes.adopt(entries, { owner: 'Alice', now: ground.now() })).toHaveLength(2)
  expect(await changes.registry.keys()).toMatchObject([{ keyArn: arn, owner: 'Alice', useCase: 'adopted' }])
  const again = await changes.adoptReading(pattern, ground.now())
  expect(again).toMatchObject({ known: true, value: { registered: new Set([arn, 'alias/kms_key_sse_usecase_1']) } })
  const blind = ground.stackChanges({ access: { ...ground.access, credentials: await ground.allowedAllBut('kms:ListAliases') } })
  expect(await blind.adoptReading(pattern, ground.now())).toMatchObject({ known: false, action: 'kms:ListAliases', because: 'denied' })
})

it('buckets of the Region are found with their tags', async () => {
  const { s3 } = ground
  const tags = { workshop: 'data-protection' }
  for (const [Bucket, region] of [
    ['dp-workshop-bucket1', REGION],
    ['dp-workshop-bucket2', REGION],
    ['dp-workshop-bucket3', 'eu-west-1'],
  ] as const)
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }))
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  await s3.send(new PutBucketTaggingCommand({ Bucket: 'dp-workshop-bucket1', Tagging: { TagSet } }))
  await ground.newBucket()
  const pattern: AdoptPattern = { kind: 'bucket', pattern: 'dp-workshop-bucket*' }
  expect(await changes.adoptReading(pattern, ground.now())).toMatchObject({
    known: true,
    value: {
      aliases: [],
      buckets: [
        { name: 'dp-workshop-bucket1', tags: { known: true, value: tags } },
        { name: 'dp-workshop-bucket2', tags: { known: true, value: {} } },
      ],
    },
  })
  const blind = ground.stackChanges({ access: { ...ground.access, credentials: await ground.allowedAllBut('s3:GetBucketTagging') } })
  expect(await blind.adoptReading(pattern, ground.now())).toMatchObject({
    known: true,
    value: { buckets: [{ tags: { known: false } }, { tags: { known: false } }] },
  })
})
