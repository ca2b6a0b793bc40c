import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSeenTable } from '../../../shared/aws/facts/seen-table.ts'
import type { SeenStore } from '../../../shared/aws/facts/seen-store.ts'
import { createTable } from '../../../shared/aws/table.ts'
import type { EpochS } from '../../../shared/time.ts'
import { type Ground, openGround } from '../../local/ground.ts'

const TableName = 'findings'
const SCOPE = { accountId: '111122223333', region: 'eu-central-1' }
const KEY = `arn:aws:kms:eu-central-1:111122223333:key/c0083aa4-172b-4057-adf6-de64be04111c`
const OTHER_KEY = `${KEY.slice(0, -1)}d`
const at = (second: number): EpochS => second as EpochS

let ground: Ground
let client: DynamoDBClient
let seen: SeenStore
beforeAll(async () => {
  ground = await openGround()
  client = new DynamoDBClient(ground.client)
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  seen = createSeenTable(createTable(client, TableName))
})
afterAll(async () => {
  client.destroy()
  await ground.close()
})

describe('what was seen', () => {
  it('of an alias is the key that it stood for first, by account and Region', async () => {
    await seen.noteKey(SCOPE, { alias: 'alias/a', keyArn: KEY, seenAt: at(10) })
    await seen.noteKey(SCOPE, { alias: 'alias/a', keyArn: OTHER_KEY, seenAt: at(20) })
    await seen.noteKey({ ...SCOPE, region: 'eu-west-1' }, { alias: 'alias/a', keyArn: OTHER_KEY, seenAt: at(30) })
    expect(await seen.firstKeys(SCOPE)).toEqual([{ alias: 'alias/a', keyArn: KEY, seenAt: 10 }])
    expect(await seen.firstKeys({ ...SCOPE, accountId: '444455556666' })).toEqual([])
  })

  it('of a bucket is its strongest encryption, in whatever order it is noted', async () => {
    const steps = [
      ['aws:kms', null],
      ['AES256', null],
      ['aws:kms', 'alias/aws/s3'],
      ['aws:kms', KEY],
      ['aws:kms', OTHER_KEY],
      ['aws:kms', null],
      ['rot13', null],
    ] as const
    expect((await seen.bucket('arn:aws:s3:::a')).strongest).toBe(null)
    const strongest: unknown[] = []
    for (const [index, [algorithm, key]] of steps.entries()) {
      await seen.noteEncryption('arn:aws:s3:::a', { algorithm, key, seenAt: at(index) })
      strongest.push((await seen.bucket('arn:aws:s3:::a')).strongest?.seenAt)
    }
    expect(strongest).toEqual([0, 0, 0, 3, 3, 3, 3])
    await seen.noteEncryption('arn:aws:s3:::a', { algorithm: 'aws:kms:dsse', key: null, seenAt: at(9) })
    expect((await seen.bucket('arn:aws:s3:::a')).strongest).toEqual({ algorithm: 'aws:kms:dsse', key: null, seenAt: 9 })
    expect((await seen.bucket('arn:aws:s3:::ab')).strongest).toBe(null)
  })

  it('of a function is its first code after the latest change of the stack', async () => {
    const note = (digest: string, changedAt: number): Promise<void> =>
      seen.noteCode('stack', { functionName: 'f', digest, stackChangedAt: at(changedAt) })
    for (const [digest, changedAt] of [
      ['one', 10],
      ['two', 10],
      ['three', 20],
      ['late', 10],
    ] as const)
      await note(digest, changedAt)
    expect(await seen.codes('stack')).toEqual([{ functionName: 'f', digest: 'three', stackChangedAt: 20 }])
  })

  it('of a bucket goes with it, and leads to it from its key alone', async () => {
    const bucket = { kind: 's3_bucket', arn: 'arn:aws:s3:::b', ...SCOPE } as const
    await seen.noteEncryption(bucket.arn, { algorithm: 'aws:kms', key: KEY, seenAt: at(1) })
    await seen.noteDefaultKey(bucket, KEY, null)
    await seen.noteDefaultKey(bucket, OTHER_KEY, KEY)
    expect([await seen.bucketsUnder(KEY, 9), await seen.bucketsUnder(OTHER_KEY, 9)]).toEqual([[], [bucket]])
    expect(await seen.bucket(bucket.arn)).toMatchObject({ strongest: { algorithm: 'aws:kms' }, keyArn: OTHER_KEY })
    for (const name of ['c', 'd']) await seen.noteDefaultKey({ ...bucket, arn: `arn:aws:s3:::${name}` }, OTHER_KEY, null)
    expect(await seen.bucketsUnder(OTHER_KEY, 2)).toHaveLength(2)
    for (let times = 0; times < 2; times++) await seen.forgetBucket(bucket.arn)
    expect(await seen.bucket(bucket.arn)).toEqual({ strongest: null, keyArn: null })
    expect((await seen.bucketsUnder(OTHER_KEY, 9)).map(({ arn }) => arn)).toEqual(['arn:aws:s3:::c', 'arn:aws:s3:::d'])
  })

  it('of access logs is who sends them where, and who could not be asked', async () => {
    expect(await seen.logging(SCOPE)).toEqual({ isWhole: false, unread: [] })
    for (const source of ['a', 'b', 'c']) await seen.noteLogSource(SCOPE, 'target', source)
    await seen.noteLogSource({ ...SCOPE, region: 'eu-west-1' }, 'target', 'd')
    await seen.forgetLogSource(SCOPE, 'target', 'b')
    expect([await seen.logSources(SCOPE, 'target', 9), await seen.logSources(SCOPE, 'target', 1)]).toEqual([['a', 'c'], ['a']])
    for (const source of ['x', 'y']) await seen.noteLoggingUnread(SCOPE, source)
    await seen.noteLoggingWhole(SCOPE)
    await seen.noteLoggingRead(SCOPE, 'x')
    expect(await seen.logging(SCOPE)).toEqual({ isWhole: true, unread: ['y'] })
  })
})
