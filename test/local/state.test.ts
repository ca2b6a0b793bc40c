import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderInUse } from '../../local/folder-lock.ts'
import { memoryState, openState, StateUnreadable } from '../../local/state.ts'
import { openGround, temporaryFolder } from './ground.ts'

const KEPT = { fresh: false }
const TABLE: CreateTableCommandInput = {
  TableName: 'usage',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
}
const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:a'
let place: ReturnType<typeof temporaryFolder>
let folder = ''
const children: ChildProcess[] = []

beforeEach(() => {
  place = temporaryFolder()
  folder = path.join(place.folder, '.keytrail')
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  place.remove()
})

const moduleAt = (name: string): string => JSON.stringify(path.resolve(import.meta.dirname, name))

/** Another process that runs a program, once that has printed something. */
async function processOf(program: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  // A process that dies first has said why on stderr.
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error('the process ended')))])
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function holderProgram(): string {
  return `const { openState } = await import(${moduleAt('../../local/state.ts')})
    globalThis.state = await openState(${JSON.stringify(folder)}, { fresh: false })
    console.log('held')
    setInterval(() => {}, 1000)`
}

/** Writes something of everything that is kept. */
function writerProgram(): string {
  return `const { openGround } = await import(${moduleAt('ground.ts')})
    const { SQSClient, CreateQueueCommand } = await import('@aws-sdk/client-sqs')
    const { DynamoDBClient, CreateTableCommand, PutItemCommand } = await import('@aws-sdk/client-dynamodb')
    const ground = await openGround({ folder: ${JSON.stringify(folder)} })
    await new SQSClient(ground.client).send(new CreateQueueCommand({ QueueName: 'a' }))
    const sent = ground.queues.send('${QUEUE_ARN}', Array(1000).fill('message'))
    const client = new DynamoDBClient(ground.client)
    const AttributeDefinitions = [{ AttributeName: 'pk', AttributeType: 'S' }]
    const KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }]
    await client.send(new CreateTableCommand({ TableName: 'usage', BillingMode: 'PAY_PER_REQUEST', AttributeDefinitions, KeySchema }))
    for (let n = 0; n < 100; n++) await client.send(new PutItemCommand({ TableName: 'usage', Item: { pk: { S: String(n) } } }))
    await ground.clock.advance(86400000)
    console.log(sent.ok ? String(ground.clock.nowMs()) : sent.reason)`
}

describe('the folder of the local cloud', () => {
  it('keeps what was written, for its owner only', async () => {
    const first = await openState(folder, KEPT)
    first.db.exec("CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('kept')")
    first.close()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const second = await openState(folder, KEPT)
    expect(second.db.prepare('SELECT word FROM words').get()).toEqual({ word: 'kept' })
    second.close()
  })

  it('has what the local cloud writes for its owner only, though others may enter and an older one left it open', async () => {
    mkdirSync(folder, { mode: 0o755 })
    const older = ['state.sqlite', 'state.sqlite-journal', 'lock.sqlite', 'queues/queues.db']
    mkdirSync(path.join(folder, 'queues'), { mode: 0o755 })
    for (const name of older) writeFileSync(path.join(folder, name), '', { mode: 0o644 })
    // Nothing but what openState does itself: under the mask that most shells have.
    const mask = process.umask(0o022)
    try {
      const ground = await openGround({ folder })
      const client = new DynamoDBClient(ground.client)
      await client.send(new CreateTableCommand(TABLE))
      client.destroy()
      ground.queues.send(QUEUE_ARN, ['x'])
      const open = readdirSync(folder).filter((name) => (statSync(path.join(folder, name)).mode & 0o077) !== 0)
      expect(open).toEqual([])
      expect(readdirSync(folder)).toEqual(expect.arrayContaining(['dynamodb', 'lock.holder', 'queues', 'state.sqlite-wal']))
      expect(readdirSync(path.join(folder, 'dynamodb'))).not.toEqual([])
      await ground.close()
    } finally {
      process.umask(mask)
    }
  })

  it('is refused to a second one in this process, and free again once closed', async () => {
    const first = await openState(folder, KEPT)
    const refusal = await openState(folder, KEPT).then(
      () => null,
      (error: unknown) => error,
    )
    expect(refusal).toBeInstanceOf(FolderInUse)
    expect(refusal).toMatchObject({ folder, holderPid: process.pid })
    first.close()
    const second = await openState(folder, KEPT)
    second.close()
  })

  it('is refused while another process holds it, even to a fresh start, and free once that was killed', async () => {
    const child = await processOf(holderProgram())
    writeFileSync(path.join(folder, 'state.sqlite-journal'), 'of the holder')
    for (const fresh of [false, true]) {
      const refused = openState(folder, { fresh })
      await expect(refused).rejects.toThrow(FolderInUse)
      await expect(refused).rejects.toThrow(
        `A local cloud already runs in ${folder} (process ${child.pid}). Use that one, stop it, or name another folder.`,
      )
    }
    expect(readFileSync(path.join(folder, 'state.sqlite-journal'), 'utf8')).toBe('of the holder')
    await kill(child)
    const state = await openState(folder, { fresh: true })
    expect(readFileSync(path.join(folder, 'lock.holder'), 'utf8')).toBe(String(process.pid))
    state.close()
  })

  it('loses with a fresh start what the local cloud wrote and nothing else', async () => {
    const first = await openState(folder, KEPT)
    first.db.exec('CREATE TABLE words (word TEXT)')
    first.close()
    const own = ['dynamodb', 'queues'].map((name) => path.join(folder, name))
    const others = ['notes', 'dynamodb.bak'].map((name) => path.join(folder, name))
    for (const name of others) mkdirSync(name)
    for (const name of [...own, ...others]) writeFileSync(path.join(name, 'data'), 'x')
    writeFileSync(path.join(folder, 'export.sqlite'), 'x')
    const second = await openState(folder, { fresh: true })
    expect(second.db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'words'").get()).toEqual({ tables: 0 })
    second.close()
    expect(own.map((name) => readdirSync(name))).toEqual([[], []])
    expect(
      readdirSync(folder)
        .filter((name) => !/^(?:(?:state|lock)\..*|dynamodb|queues)$/.test(name))
        .toSorted(),
    ).toEqual(['dynamodb.bak', 'export.sqlite', 'notes'])
    expect(others.map((name) => readFileSync(path.join(name, 'data'), 'utf8'))).toEqual(['x', 'x'])
  })

  it.each([
    { title: 'is damaged', spoil: async () => writeFile(path.join(folder, 'state.sqlite'), 'no database at all'.repeat(100)) },
    {
      title: 'is of another version',
      spoil: async () => {
        const state = await openState(folder, KEPT)
        state.db.exec('PRAGMA user_version = 99')
        state.close()
      },
    },
  ])('says what to do when it $title, and is not left locked', async ({ spoil }) => {
    mkdirSync(folder)
    await spoil()
    await expect(openState(folder, KEPT)).rejects.toThrow(StateUnreadable)
    await expect(openState(folder, KEPT)).rejects.toThrow('--fresh')
    const state = await openState(folder, { fresh: true })
    state.close()
  })
})

it('keeps all that was written before a SIGKILL', async () => {
  const beforeMs = Date.now()
  await kill(await processOf(writerProgram()))
  const ground = await openGround({ folder })
  expect(ground.queues.depth(QUEUE_ARN)).toMatchObject({ value: { visible: 1000 } })
  const client = new DynamoDBClient(ground.client)
  const { Count } = await client.send(new ScanCommand({ TableName: 'usage' }))
  expect(Count).toBe(100)
  expect(ground.clock.nowMs()).toBeGreaterThanOrEqual(beforeMs + 86_400_000)
  client.destroy()
  await ground.close()
})

it('says what to do when the tables cannot be opened', async () => {
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'dynamodb'), 'no folder')
  await expect(openGround({ folder })).rejects.toThrow(StateUnreadable)
})

it('needs no folder', () => {
  const state = memoryState()
  expect(state.folder).toBeNull()
  expect(state.db.prepare('SELECT 1 AS one').get()).toEqual({ one: 1 })
  state.close()
})
