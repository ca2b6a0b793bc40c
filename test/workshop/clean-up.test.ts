import { CreateKeyCommand, DescribeKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { WorkshopObstacle } from '../../shared/workshop/make.ts'
import { ENTRY_KINDS, ENTRY_TAG, type Entry, tagsOf } from '../../shared/workshop/registry.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import { sse } from '../../shared/workshop/sse.ts'
import { aliasOf } from '../../shared/workshop/use-case.ts'
import { discard } from '../support/workshop-plays.ts'
import { openWorkshop, type PlayedStage, standingEntries, type Wire, type WorkshopGround } from '../support/workshop-stage.ts'

const ALIAS = aliasOf(sse.name)
const OTHER_OWNER = 'arn:aws:iam::000000000000:user/somebody-else'
/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let ground: WorkshopGround
let before: readonly string[]
beforeAll(async () => {
  ground = await openWorkshop()
  before = await ground.inventory()
}, HOOK_MS)
afterAll(() => ground.close())

async function played(changes: Parameters<WorkshopGround['open']>[1] = {}): Promise<PlayedStage> {
  const opened = await ground.open(sse.name, changes)
  await runUseCase(sse, opened.stage)
  return opened
}

async function factOf({ stage }: PlayedStage, name: string): Promise<string> {
  return String((await stage.registry.facts(sse.name))?.[name])
}

/** What became of entries of a kind, and whether they were left for another time. */
async function cleanedUp({ stage }: PlayedStage, kind: Entry['kind']): Promise<readonly string[]> {
  const cleaned = await cleanUp(stage)
  return cleaned.filter(({ entry }) => entry.kind === kind).map(({ outcome, isLeft }) => (isLeft ? `standing: ${outcome}` : outcome))
}

async function newKey(tags: Readonly<Record<string, string>> = {}): Promise<string> {
  const Tags = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }))
  return (await ground.cloud.clients.kms.send(new CreateKeyCommand({ Tags }))).KeyMetadata?.Arn ?? ''
}

async function stateOf(keyArn: string): Promise<string> {
  return (await ground.cloud.clients.kms.send(new DescribeKeyCommand({ KeyId: keyArn }))).KeyMetadata?.KeyState ?? ''
}

it('somebody else can neither clean up nor run what a caller has under way', async () => {
  await using own = await played()
  const standing = await ground.inventory()
  await using other = await ground.open(sse.name, { owner: OTHER_OWNER })
  const cleaned = await cleanUp(other.stage)
  expect(new Set(cleaned.map(({ isLeft, outcome }) => `${isLeft} ${outcome}`))).toEqual(
    new Set([`true belongs to ${own.stage.caller.arn}`]),
  )
  await expect(runUseCase(sse, other.stage)).rejects.toThrow(WorkshopObstacle)
  expect(await ground.inventory()).toEqual(standing)
  expect(await checkUseCase(sse, own.stage)).not.toBeNull()
  await cleanUp(own.stage)
  expect(await ground.inventory()).toEqual(before)
})

it('a file that somebody changed, or put there, stays and is told of', async () => {
  const folder = path.join(ground.files.path, sse.name)
  ground.files.write(`${sse.name}/plaintext_u.txt`, 'mine\n')
  await using own = await played()
  const cycled = path.join(folder, 'plaintext_cycled_u.txt')
  expect(readFileSync(cycled, 'utf8')).toBe('mine\n')
  writeFileSync(cycled, 'changed\n')
  writeFileSync(path.join(folder, 'notes.txt'), 'mine too\n')
  expect(await cleanedUp(own, 'file')).toEqual(['left alone: somebody changed it'])
  expect(await standingEntries(own)).toEqual([])
  expect((await ground.inventory()).filter((one) => !before.includes(one))).toEqual([
    `file ${sse.name}`,
    ...['manifest.json', 'notes.txt', 'plaintext_cycled_u.txt', 'plaintext_u.txt'].map((name) => `file ${sse.name}/${name}`),
  ])
  // Nor does the next run write over it.
  await expect(runUseCase(sse, own.stage)).rejects.toThrow('plaintext_cycled_u.txt is in the way')
  expect(readFileSync(cycled, 'utf8')).toBe('changed\n')
  rmSync(folder, { recursive: true })
  await cleanUp(own.stage)
  expect(await ground.inventory()).toEqual(before)
})

it('an alias that somebody pointed elsewhere stays, and is in the way of the next run', async () => {
  await using own = await played()
  const { kms } = ground.cloud.clients
  const foreign = await newKey()
  await kms.send(new UpdateAliasCommand({ AliasName: ALIAS, TargetKeyId: foreign }))
  const keyArn = await factOf(own, 'keyArn')
  expect(await cleanedUp(own, 'kms-alias')).toEqual([`left alone: somebody pointed it to ${foreign}`])
  expect([await stateOf(keyArn), await stateOf(foreign)]).toEqual(['PendingDeletion', 'Enabled'])
  await expect(runUseCase(sse, own.stage)).rejects.toThrow(`${ALIAS} cannot be made`)
  await cleanUp(own.stage)
  expect((await ground.inventory()).filter((one) => !before.includes(one))).toEqual([
    `alias ${ALIAS} of ${foreign.split('/').at(-1)}`,
    `key ${foreign}`,
  ])
  await own.stage.aws.kms.deleteAlias(ALIAS)
  await own.stage.aws.kms.scheduleDeletion(foreign, 7)
  expect(await ground.inventory()).toEqual(before)
})

it('a bucket with an object of somebody else stays until the object is gone', async () => {
  await using own = await played()
  const Bucket = await factOf(own, 'bucket')
  const foreign = { Bucket, Key: 'encrypted_e.txt.old' }
  await ground.s3.send(new PutObjectCommand({ ...foreign, Body: 'mine' }))
  expect(await cleanedUp(own, 's3-bucket')).toEqual(['standing: left: it holds objects that the use case did not put there'])
  const { Body } = await ground.s3.send(new GetObjectCommand(foreign))
  expect(await Body?.transformToString()).toBe('mine')
  expect(await standingEntries(own)).toEqual([`s3-bucket ${Bucket}`])
  expect(await own.stage.registry.facts(sse.name)).not.toBeNull()
  await ground.s3.send(new DeleteObjectCommand(foreign))
  expect(await cleanedUp(own, 's3-bucket')).toEqual(['deleted'])
  expect(await ground.inventory()).toEqual(before)
})

it('what was planned and never made is retired', async () => {
  await using own = await ground.open(sse.name)
  const { registry, newId, caller, time, files } = own.stage
  const missingKey = `arn:aws:kms:${caller.region}:${caller.accountId}:key/00000000-0000-0000-0000-000000000000`
  const names: Readonly<Record<Entry['kind'], string>> = {
    'kms-grant': 'keytrail-demo-grant',
    's3-object': 'keytrail-demo-sse-none/object.txt',
    's3-bucket': 'keytrail-demo-sse-none',
    'kms-alias': ALIAS,
    'iam-role': 'keytrail-demo-sse-none',
    'training-job': 'keytrail-demo-sse-none',
    file: `${files.folder}/none.txt`,
    'kms-key': '',
  }
  for (const kind of ENTRY_KINDS) {
    const keyArn = kind === 'kms-grant' || kind === 'kms-alias' ? missingKey : ''
    const parts = { id: newId(), useCase: sse.name, kind, name: names[kind], keyArn, owner: caller.arn, outcome: '' }
    await registry.write({ ...parts, plannedAt: await time.now(), state: 'planned' })
  }
  const cleaned = await cleanUp(own.stage)
  expect(cleaned.filter(({ isLeft }) => isLeft)).toEqual([])
  // The key was named by nobody: there is nothing to tell of it.
  expect(cleaned.map(({ entry }) => entry.kind)).toEqual(ENTRY_KINDS.filter((kind) => kind !== 'kms-key'))
  expect(await standingEntries(own)).toEqual([])
  expect(existsSync(ground.files.path)).toBe(true)
  expect(await ground.inventory()).toEqual(before)
})

/** Loses the first answer of CreateKey: the SDK asks again, or the program dies of it. */
function losingOneKey(then: 'asked again' | 'died'): Wire {
  let isLost = false
  return (handle) => async (request, options) => {
    const answer = await handle(request, options)
    const { headers } = request as { readonly headers: Readonly<Record<string, string>> }
    if (isLost || headers['x-amz-target'] !== 'TrentService.CreateKey') return answer
    isLost = true
    discard(answer.response.body)
    throw Object.assign(new Error('socket hang up'), then === 'died' ? {} : { code: 'ECONNRESET', name: 'TimeoutError' })
  }
}

it('two keys of one call whose answer was lost are both found', async () => {
  await using own = await played({ wire: losingOneKey('asked again') })
  const keys = (await ground.inventory()).filter((one) => one.startsWith('key ') && !before.includes(one))
  expect(keys).toHaveLength(2)
  expect(await cleanedUp(own, 'kms-key')).toHaveLength(2)
  expect(await ground.inventory()).toEqual(before)
})

it('a key that nobody could note is found by its tag; an older one that somebody gave the tag is not taken for it', async () => {
  await using own = await ground.open(sse.name, { wire: losingOneKey('died') })
  await expect(runUseCase(sse, own.stage)).rejects.toThrow('socket hang up')
  const entry = (await own.stage.registry.entries(sse.name)).find(({ state }) => state === 'planned')
  if (entry === undefined) throw new Error('the run planned a key')
  expect(entry).toMatchObject({ kind: 'kms-key', name: '' })
  expect(await cleanedUp(own, 'kms-key')).toHaveLength(1)
  expect(await ground.inventory()).toEqual(before)

  const later = { ...entry, id: own.stage.newId() }
  const older = await newKey({ ...tagsOf(later), [ENTRY_TAG]: later.id })
  await own.stage.time.pass(3600_000)
  await own.stage.registry.write({ ...later, plannedAt: await own.stage.time.now(), state: 'planned' })
  expect(await cleanUp(own.stage)).toEqual([])
  expect(await stateOf(older)).toBe('Enabled')
  expect(await standingEntries(own)).toEqual([])
})
