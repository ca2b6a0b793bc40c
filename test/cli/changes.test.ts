import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keytrail, temporaryFolder } from '../support/cli.ts'
import { startDecoy } from '../support/decoy.ts'
import { keytrailHere } from '../support/here.ts'
import { changesJson, changesText } from '../../cli/output/changes-report.ts'
import { changeOne } from '../../shared/changes/change-one.ts'
import { awsEnvironment, CALLER, type CommandGround, HOOK_MS, openCommandGround } from './changes-ground.ts'

const ROTATION = 'kms-key-rotation-enabled'
type Report = {
  readonly format: string
  readonly stopped: { readonly by: string; readonly reason: string } | null
  readonly last: readonly { readonly what: string; readonly state: string }[]
  readonly retirements: readonly { readonly keyArn: string; readonly stage: string }[]
}

let ground: CommandGround
beforeAll(async () => {
  ground = await openCommandGround()
}, HOOK_MS)
afterAll(() => ground[Symbol.asyncDispose]())

async function report(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await ground.run('changes', ...args, '--format', 'json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Report
}

describe('keytrail changes', () => {
  it('stops what Keytrail changes by itself, says who did and why, and lets it go on', async () => {
    const key = await ground.newKey('to-rotate')
    const ports = await ground.enforcing(ROTATION)
    expect(await report('status')).toMatchObject({ format: 'keytrail.changes/1', stopped: null, last: [] })

    const stopped = await ground.run('changes', 'stop', '--reason', 'wrong \u001b[2J policy')
    expect({ ...stopped, stdout: ground.constant(stopped.stdout) }).toMatchObject({
      code: 0,
      stdout: `On the local cloud in <folder>/.keytrail, which runs at <url>.

Keytrail is stopped since <time>, by ${CALLER}: wrong \\u{1b}[2J policy
keytrail changes resume lets it go on.

Enforcement changed nothing in the last 400 days.
`,
    })
    expect(await changeOne({ ruleId: ROTATION, resource: key, eventId: null }, ports)).toMatchObject({ kind: 'stopped' })
    expect((await report('status')).stopped).toMatchObject({ by: CALLER, reason: 'wrong \\u{1b}[2J policy' })

    expect((await report('resume')).stopped).toBeNull()
    expect(await changeOne({ ruleId: ROTATION, resource: key, eventId: null }, ports)).toMatchObject({ kind: 'done' })
    const { last } = await report('status')
    expect(last).toMatchObject([{ state: 'done', what: expect.stringContaining('rotation') as string }])
    const text = ground.constant((await ground.run('changes', 'status')).stdout)
    expect(text).toContain(
      'Keytrail is not stopped: enforcement and clean-up change what they are told to.\n\nThe last changes:\n\n<record>\n',
    )
    expect((await ground.run('changes', 'status')).stdout).toBe((await ground.run('changes', 'status')).stdout)
  })

  it('tells of retirements under way', async () => {
    const key = await ground.newDemoKey('keytrail-demo-sse')
    expect((await ground.run('clean-up', '--apply', '--key', key.arn)).code).toBe(0)
    expect((await report('status')).retirements).toMatchObject([{ keyArn: key.arn, stage: 'scheduled' }])
    expect((await ground.run('changes', 'status')).stdout).toContain('\n\n1 key is being retired: keytrail clean-up lists it.\n')
  })

  it('stops at once on AWS, without a question', async () => {
    const options = { cwd: ground.folder.path, env: awsEnvironment(ground) }
    const stop = await keytrail(['changes', 'stop', '--target', 'aws', '--reason', 'an incident'], options)
    expect(stop).toMatchObject({ code: 0, stderr: `AWS account 000000000000, Region eu-central-1, as ${CALLER}\n` })
    expect(await ground.changes.control.stop()).toMatchObject({ reason: 'an incident', by: CALLER })
    await ground.changes.control.setStop(null)
  })

  it('asks nothing of AWS before somebody agreed', async () => {
    const refused = {
      code: 2,
      stdout: '',
      stderr: 'keytrail: --target aws asks before it acts, and there is no terminal: add --yes\n',
    }
    using folder = temporaryFolder()
    await using decoy = await startDecoy(folder)
    const options = { cwd: folder.path, env: decoy.environment }
    expect(await keytrail(['clean-up', '--apply', '--target', 'aws'], options)).toMatchObject(refused)
    expect(decoy.seen()).toEqual([])
    for (const args of [
      ['changes', 'resume'],
      ['undo', '20261020T060000Z-1a2b3c4d'],
    ])
      expect(await ground.run(...args, '--target', 'aws')).toMatchObject(refused)
  })

  it('says where it is not deployed', async () => {
    using folder = temporaryFolder()
    folder.write('.keytrail/endpoint.json', JSON.stringify({ url: ground.cloud.url, region: 'us-west-2', now: '' }))
    for (const args of [['changes', 'status'], ['clean-up'], ['undo', '--list']]) {
      const { code, stderr } = await keytrailHere(args, { cwd: folder.path })
      expect({ code, stderr }).toEqual({
        code: 3,
        stderr: expect.stringContaining('Keytrail is not deployed in account 000000000000, Region us-west-2') as string,
      })
    }
  })

  it('says what AWS refuses, and takes it for no fault of its own', async () => {
    const env = {
      AWS_REGION: 'eu-central-1',
      HOME: ground.folder.path,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    }
    const { code, stdout, stderr } = await keytrail(['changes', 'status', '--target', 'aws'], { cwd: ground.folder.path, env })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('(CredentialsProviderError): are there credentials')
  })

  it.each([
    [['stop'], /^keytrail: say why, with --reason/],
    [['status', '--reason', 'x'], /^keytrail: --reason is for stop/],
    [['stop', '--reason', ' '], /It is empty\./],
    [['stop', '--reason', 'x'.repeat(501)], /It has more than 500 characters\./],
    [['halt'], /Allowed choices are status, stop, resume\./],
    [['status', '--folder', ''], /^keytrail: the folder is empty/],
    [['status', '--policy', 'none.yml'], /none\.yml: no such file/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await ground.run('changes', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

it('what strangers wrote does nothing in a report', () => {
  const evil = 'a\u001b[2J\u202eb<script>'
  const resource = { kind: 's3_bucket', arn: evil, accountId: '111122223333', region: 'eu-central-1' } as const
  const record = {
    id: '20261020T060000Z-1a2b3c4d',
    resource,
    ruleId: 's3-bucket-tls-only',
    findingId: null,
    undoes: null,
    before: { aspect: 'bucket-policy', value: null },
    after: { aspect: 'bucket-policy', value: evil },
    summary: evil,
    by: evil,
    policyDigest: '',
    plannedAt: ground.now(),
    state: 'lost',
    since: ground.now(),
    reason: evil,
  } as const
  const parts = {
    target: { kind: 'local', caller: { accountId: '111122223333', region: 'eu-central-1', arn: CALLER } },
    stop: { by: evil, reason: evil, at: ground.now() },
    last: [record],
    retirements: [],
  } as const
  for (const text of [changesText(parts), changesJson(parts)]) {
    expect(text).toContain('u{1b}[2J')
    for (const character of ['\u001b', '\u202e']) expect(text).not.toContain(character)
  }
  expect(changesJson(parts)).not.toContain('<script>')
})
