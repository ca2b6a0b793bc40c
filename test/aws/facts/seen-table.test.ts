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
    expect(await seen.strongest('arn:aws:s3:::a')).toBe(null)
    const strongest: unknown[] = []
    for (const [index, [algorithm, key]] of steps.entries()) {
      await seen.noteEncryption('arn:aws:s3:::a', { algorithm, key, seenAt: at(index) })
      strongest.push((await seen.strongest('arn:aws:s3:::a'))?.seenAt)
    }
    expect(strongest).toEqual([0, 0, 0, 3, 3, 3, 3])
    await seen.noteEncryption('arn:aws:s3:::a', { algorithm: 'aws:kms:dsse', key: null, seenAt: at(9) })
    expect(await seen.strongest('arn:aws:s3:::a')).toEqual({ algorithm: 'aws:kms:dsse', key: null, seenAt: 9 })
    expect(await seen.strongest('arn:aws:s3:::ab')).toBe(null)
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
})
