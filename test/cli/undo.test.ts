import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  DisableKeyRotationCommand,
  EnableKeyRotationCommand,
  GetKeyRotationStatusCommand,
} from '@aws-sdk/client-kms'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listRows } from '../../cli/output/undo-list.ts'
import { undoListText } from '../../cli/output/undo-text.ts'
import { changeOne } from '../../shared/changes/change-one.ts'
import type { ChangePorts } from '../../shared/changes/change-ports.ts'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import type { Retirement } from '../../shared/changes/retire/retirement.ts'
import type { Undoable } from '../../shared/changes/undoable.ts'
import { observed, type Observed } from '../../shared/observed.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import type { Ended } from '../support/cli.ts'
import { CALLER, type CommandGround, golden, HOOK_MS, openCommandGround } from './changes-ground.ts'

const ROTATION = 'kms-key-rotation-enabled'
const TLS_ONLY = 's3-bucket-tls-only'

let ground: CommandGround
let ports: ChangePorts
beforeAll(async () => {
  ground = await openCommandGround()
  ports = await ground.enforcing(ROTATION)
}, HOOK_MS)
afterAll(() => ground[Symbol.asyncDispose]())

function undo(...args: readonly string[]): Promise<Ended> {
  return ground.run('undo', ...args)
}

/** A change that Keytrail just made. */
async function rotated(key: Resource): Promise<ChangeRecord> {
  const outcome = await changeOne({ ruleId: ROTATION, resource: key, eventId: null }, ports)
  // Records of one second have no order.
  await ground.cloud.clock.advance(2000)
  if (outcome.kind !== 'done') throw new Error(outcome.kind)
  return outcome.record
}

async function isRotating(keyArn: string): Promise<boolean | undefined> {
  return (await ground.cloud.clients.kms.send(new GetKeyRotationStatusCommand({ KeyId: keyArn }))).KeyRotationEnabled
}

describe('keytrail undo', () => {
  it('takes a change back once, and tells what was and what is', async () => {
    expect(await undo('--list')).toMatchObject({ code: 0, stdout: expect.stringContaining('Keytrail has changed nothing') as string })
    const key = await ground.newKey('taken-back')
    const { id } = await rotated(key)
    expect(await isRotating(key.arn)).toBe(true)
    const texts = [await undo('--list'), await undo(id)]
    expect(await isRotating(key.arn)).toBe(false)
    texts.push(await undo(id), await undo('--list'))
    for (const { code, stderr } of texts) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(ground.constant(texts.map(({ stdout }) => stdout).join('---\n'))).toBe(golden('undo.txt'))
    const json = [await undo('--list', '--format', 'json'), await undo(id, '--format', 'json')]
    expect(ground.constant(json.map(({ stdout }) => stdout).join(''))).toBe(golden('undo.json'))
    expect(await undo('--list', '--format', 'json')).toEqual(json[0])
  })

  it('refuses where somebody changed it since, and shows the difference', async () => {
    const key = await ground.newKey('changed-since')
    const { id } = await rotated(key)
    await ground.cloud.clients.kms.send(new EnableKeyRotationCommand({ KeyId: key.arn, RotationPeriodInDays: 100 }))
    const { code, stdout } = await undo(id)
    expect(code).toBe(1)
    expect(stdout).toContain(
      [
        'Not taken back: something else stands there now than what Keytrail wrote.',
        '  expected: automatic rotation is on, every 365 days',
        '  found:    automatic rotation is on, every 100 days',
        '',
      ].join('\n'),
    )
    expect(await isRotating(key.arn)).toBe(true)
    const { changes } = JSON.parse((await undo('--list', '--format', 'json')).stdout) as {
      readonly changes: readonly { readonly id: string; readonly canUndo: string; readonly difference: readonly string[] }[]
    }
    expect(changes.find((change) => change.id === id)).toMatchObject({
      canUndo: 'no',
      difference: [expect.any(String), expect.any(String)],
    })
  })

  it('tells what cannot be read, or is not known yet, from a refusal', async () => {
    const key = await ground.newKey('closed')
    const { id, ...record } = await rotated(key)
    await ground.deny(key, 'kms:GetKeyRotationStatus')
    expect(await undo(id)).toMatchObject({ code: 3, stdout: expect.stringContaining('kms:GetKeyRotationStatus cannot be read') as string })
    const { code, stdout } = await undo('--list')
    expect(code).toBe(3)
    expect(stdout).toContain('undo       not known: what stands there now cannot be read\n')

    const other = await ground.newKey('under-way')
    const at = ground.now()
    const begun = { ...record, id: '20261020T000000Z-00000001', resource: other, plannedAt: at, since: at, state: 'writing' } as const
    await ground.changes.store.write(begun, null)
    expect(await undo(begun.id)).toMatchObject({ code: 3, stdout: expect.stringContaining('Not known yet') as string })
  })

  it('reaches a bucket that takes TLS alone', async () => {
    const [Bucket, LocationConstraint] = ['undo-tls-only', 'eu-central-1'] as const
    await ground.cloud.clients.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }))
    const resource = {
      kind: 's3_bucket',
      arn: `arn:aws:s3:::${Bucket}`,
      accountId: ground.cloud.accountId,
      region: LocationConstraint,
    } as const
    const tlsOnly = await ground.enforcing(TLS_ONLY)
    const outcome = await changeOne({ ruleId: TLS_ONLY, resource, eventId: null }, tlsOnly)
    if (outcome.kind !== 'done') throw new Error(outcome.kind)
    const { code, stdout } = await undo(outcome.record.id)
    expect(code).toBe(0)
    expect(stdout).toContain('"Sid":"KeytrailDenyPlainHttp"')
    expect(stdout).toContain('  is         no bucket policy\n')
  })

  it('has nothing to take back of what was refused', async () => {
    const key = await ground.newKey('refused')
    const { id, ...record } = await rotated(key)
    await ground.cloud.clients.kms.send(new DisableKeyRotationCommand({ KeyId: key.arn }))
    const refused = { ...record, id: `${id.slice(0, 17)}00000002`, state: 'refused', reason: 'AccessDeniedException: \u001b[2J' } as const
    await ground.changes.store.write(refused, null)
    const { code, stdout } = await undo(refused.id)
    expect(code).toBe(1)
    expect(stdout).toContain('Not taken back: AWS refused it: AccessDeniedException: \\u{1b}[2J\n')
  })

  it('gives a key back whose retirement is under way', async () => {
    const key = await ground.newDemoKey('keytrail-demo-sse')
    await ground.run('clean-up', '--apply', '--key', key.arn)
    await ground.changes.control.claim(`retire#${key.arn}`, ground.now(), 1)
    const texts = [await undo(key.arn)]
    await ground.cloud.clock.advance(2000)
    texts.push(await undo(key.arn), await undo(key.arn))
    expect(texts.map(({ code }) => code)).toEqual([1, 0, 0])
    expect(ground.constant(texts.map(({ stdout }) => stdout).join('---\n'))).toBe(golden('undo-retirement.txt'))
    const other = await ground.newKey('not-retired')
    expect(await undo(other.arn)).toMatchObject({ code: 2, stdout: expect.stringContaining('No retirement of') as string })
  })

  it("reads the keys that it lists, and tells of names that are somebody else's by now", async () => {
    const key = await ground.newDemoKey('keytrail-demo-looked-at')
    await ground.run('clean-up', '--apply', '--key', key.arn)
    const row = async (): Promise<unknown> => {
      const { stdout } = await undo('--list', '--format', 'json')
      const { changes } = JSON.parse(stdout) as { readonly changes: readonly { readonly id: string }[] }
      return changes.find(({ id }) => id === key.arn)
    }
    expect(await row()).toMatchObject({ canUndo: 'yes', why: '' })
    const { kms } = ground.cloud.clients
    await kms.send(new CancelKeyDeletionCommand({ KeyId: key.arn }))
    expect(await row()).toMatchObject({ canUndo: 'no', difference: [expect.stringContaining('it is Disabled')] })
    await ground.deny(key, 'kms:DescribeKey')
    expect(await row()).toMatchObject({ canUndo: 'unknown', why: 'how the key stands now cannot be read (kms:DescribeKey)' })
    expect((await undo('--list')).code).toBe(3)

    const other = await ground.newDemoKey('keytrail-demo-name-taken')
    await ground.run('clean-up', '--apply', '--key', other.arn)
    const taker = await ground.newKey('keytrail-demo-taker')
    await kms.send(new CreateAliasCommand({ AliasName: other.alias, TargetKeyId: taker.arn }))
    const { code, stdout } = await undo(other.arn)
    expect(code).toBe(0)
    expect(stdout).toContain(`\n  names      ${other.alias} stands for ${taker.arn} by now and is left to it\n  next       `)
  })

  it.each([
    [[], /^keytrail: name a record, or --list what there is/],
    [['20261020T060000Z-1a2b3c4d', '--list'], /^keytrail: name a record, or --list/],
    [['--list', '--limit', '0'], /It is a number from 1 to 10000\./],
    [['--list', '--limit', 'all'], /It is a number from 1 to 10000\./],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await undo(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('knows no change of that name', async () => {
    const { code, stdout } = await undo('20261020T060000Z-ffffffff', '--format', 'json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ format: 'keytrail.undo/1', undo: { outcome: 'not-found', was: null } })
  })
})

function retirement(at: number): Retirement {
  const startedAt = at as EpochS
  return {
    keyArn: `retirement-${at}`,
    entryId: '',
    version: 1,
    stage: 'watching',
    since: startedAt,
    startedAt,
    by: CALLER,
    snapshot: { at: startedAt, state: 'Enabled', policy: '{}', aliases: [], tags: {}, grants: 0 },
    wasEnabled: true,
    watchedFrom: startedAt,
    freed: [],
    deletionAt: null,
    reason: '',
  }
}

describe('the list of what can be taken back', () => {
  const resource = { kind: 's3_bucket', arn: 'arn:aws:s3:::a', accountId: '111122223333', region: 'eu-central-1' } as const

  function change(at: number): Undoable {
    const record: ChangeRecord = {
      id: `change-${at}`,
      resource,
      ruleId: 's3-bucket-tls-only',
      findingId: null,
      undoes: null,
      before: { aspect: 'bucket-policy', value: null },
      after: { aspect: 'bucket-policy', value: '{}' },
      summary: 'adds a statement',
      by: 'keytrail-enforce',
      policyDigest: '',
      plannedAt: at as EpochS,
      state: 'done',
      since: at as EpochS,
      reason: '',
    }
    return { kind: 'can', record }
  }

  it.each([
    { limit: 10, ids: ['change-9', 'retirement-8', 'retirement-7', 'change-5', 'change-3', 'retirement-1'], isCut: false, read: 3 },
    { limit: 6, ids: ['change-9', 'retirement-8', 'retirement-7', 'change-5', 'change-3', 'retirement-1'], isCut: false, read: 3 },
    { limit: 3, ids: ['change-9', 'retirement-8', 'retirement-7'], isCut: true, read: 2 },
    { limit: 1, ids: ['change-9'], isCut: true, read: 2 },
  ])('is newest first, $limit at most', async ({ limit, ids, isCut, read }) => {
    let reads = 0
    const keysRead: string[] = []
    const difference = (of: Retirement): Promise<Observed<readonly string[]>> => {
      keysRead.push(of.keyArn)
      return Promise.resolve(observed([]))
    }
    async function* changes(): AsyncGenerator<Undoable> {
      for (const at of [9, 5, 3]) {
        reads++
        yield await Promise.resolve(change(at))
      }
    }
    const listed = await listRows(changes(), { all: [retirement(1), retirement(8), retirement(7)], difference }, limit)
    expect({ ids: listed.rows.map(({ id }) => id), isCut: listed.isCut, reads }).toEqual({ ids, isCut, reads: read })
    expect(keysRead.length).toBeLessThanOrEqual(limit + 1)
    expect(undoListText({ kind: 'local' }, listed).includes('and more; --limit lists them')).toBe(isCut)
  })
})
