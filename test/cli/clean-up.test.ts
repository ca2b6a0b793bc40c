import { DescribeKeyCommand, ListAliasesCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUpExit } from '../../cli/commands/clean-up.ts'
import { createRetirementTable } from '../../shared/aws/changes/retirement-table.ts'
import { createTable } from '../../shared/aws/table.ts'
import type { KeyReport } from '../../shared/changes/retire/report.ts'
import type { EpochS } from '../../shared/time.ts'
import { type Ended, keytrail, KEYTRAIL, runProgram } from '../support/cli.ts'
import { refOf } from '../support/local-cloud.ts'
import { awsEnvironment, CALLER, type CommandGround, golden, HOOK_MS, openCommandGround, OTHER } from './changes-ground.ts'

type Row = {
  readonly keyArn: string
  readonly aliases: readonly string[]
  readonly stage: { readonly before: string | null; readonly after: string | null }
  readonly done: readonly string[]
  readonly next: { readonly what: string; readonly at: string | null }
  readonly protections: readonly { readonly kind: string; readonly words: string }[]
  readonly unread: boolean
}
type Report = {
  readonly applied: boolean
  readonly keys: readonly Row[]
  readonly adoption: {
    readonly candidates: readonly { readonly name: string; readonly adoptable: boolean; readonly against: Row['protections'] }[]
    readonly registered: readonly string[]
  } | null
}

let ground: CommandGround
beforeAll(async () => {
  ground = await openCommandGround()
}, HOOK_MS)
afterAll(() => ground[Symbol.asyncDispose]())

function cleanUp(...args: readonly string[]): Promise<Ended> {
  return ground.run('clean-up', ...args)
}

/** Of util-linux: runs a command at a terminal of its own; what is shown there comes to its standard output. */
const SCRIPT = '/usr/bin/script'
const HAS_TERMINAL = /util-linux/.test(spawnSync(SCRIPT, ['--version'], { encoding: 'utf8' }).stdout ?? '')

/** Runs it at a terminal, where somebody types a line. */
function atTerminal(words: string, line: string): Promise<Ended> {
  return runProgram(SCRIPT, ['-qec', `"$NODE" "$KEYTRAIL" ${words}`, '/dev/null'], {
    cwd: ground.folder.path,
    env: { ...awsEnvironment(ground), NODE: process.execPath, KEYTRAIL },
    input: `${line}\n`,
  })
}

function reportIn({ stdout }: Ended): Report {
  return JSON.parse(stdout) as Report
}

function only({ arn }: { readonly arn: string }): readonly string[] {
  return ['--key', arn]
}

async function stateOf(keyArn: string): Promise<string | undefined> {
  return (await ground.cloud.clients.kms.send(new DescribeKeyCommand({ KeyId: keyArn }))).KeyMetadata?.KeyState
}

describe('keytrail clean-up', () => {
  it('says that there is nothing to clean up', async () => {
    expect(await cleanUp()).toMatchObject({ code: 0, stdout: expect.stringContaining('The registry has no keys') as string })
  })

  it('plans without a write, takes what is due, and says what comes next', async () => {
    const own = await ground.newDemoKey('keytrail-demo-sse')
    const other = await ground.newDemoKey('keytrail-demo-caching', { owner: OTHER, useCase: 'caching' })
    const stranger = await ground.newKey('keytrail-demo-of-nobody')
    const before = await ground.control()
    const texts = [await cleanUp(...only(own)), await cleanUp(...only(other))]
    expect(await ground.control()).toBe(before)

    const planned = await cleanUp('--format', 'json')
    expect(await cleanUp('--format', 'json')).toEqual(planned)
    expect(reportIn(planned).keys.map(({ keyArn }) => keyArn)).toEqual([own.arn, other.arn].toSorted())

    texts.push(await cleanUp('--apply', ...only(own)))
    expect([await stateOf(own.arn), await stateOf(other.arn), await stateOf(stranger.arn)]).toEqual([
      'PendingDeletion',
      'Enabled',
      'Enabled',
    ])
    texts.push(await cleanUp('--apply', ...only(own)), await cleanUp('--apply', ...only(other)))
    for (const { code, stderr } of texts) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(ground.constant(texts.map(({ stdout }) => stdout).join('---\n'))).toBe(golden('clean-up.txt'))
    expect(await stateOf(other.arn)).toBe('Enabled')
    const { Aliases = [] } = await ground.cloud.clients.kms.send(new ListAliasesCommand({}))
    expect(Aliases.some(({ AliasName }) => AliasName === own.alias)).toBe(false)
    expect(ground.constant((await cleanUp('--format', 'json', ...only(own))).stdout)).toBe(golden('clean-up.json'))
  })

  it('changes nothing while Keytrail is stopped', async () => {
    const key = await ground.newDemoKey('keytrail-demo-stopped')
    await ground.changes.control.setStop({ by: OTHER, reason: 'an incident', at: ground.now() })
    const ended = await cleanUp('--apply', '--key', key.arn)
    await ground.changes.control.setStop(null)
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain(`by ${OTHER}: an incident\nkeytrail changes resume lets it go on.`)
    expect(ended.stdout).toMatch(/\n\nNext: keytrail changes resume\n$/)
    expect(await stateOf(key.arn)).toBe('Enabled')
  })

  it('protects what could not be read, and says so', async () => {
    const key = await ground.newDemoKey('keytrail-demo-closed')
    await ground.deny(key, 'kms:ListGrants')
    const ended = await cleanUp('--apply', '--key', key.arn, '--format', 'json')
    expect(ended.code).toBe(3)
    expect(reportIn(ended).keys).toMatchObject([{ unread: true, stage: { after: null }, protections: [{ kind: 'unread' }] }])
    expect(await stateOf(key.arn)).toBe('Enabled')
  })

  it('ends with 1 while a retirement waits for a person', async () => {
    const key = await ground.newDemoKey('keytrail-demo-refused')
    const { dynamodb } = ground.cloud.clients
    const retirements = createRetirementTable(createTable(dynamodb, refOf(ground.cloud, 'ControlTable')), randomUUID)
    const snapshot = { at: ground.now(), state: 'Enabled', policy: '{}', aliases: [key.alias], tags: {}, grants: 0 }
    const at = ground.now()
    await retirements.write(
      {
        keyArn: key.arn,
        entryId: 'entry',
        version: 1,
        stage: 'stopped',
        since: at,
        startedAt: at,
        by: CALLER,
        snapshot,
        wasEnabled: true,
        watchedFrom: null,
        freed: [],
        deletionAt: null,
        reason: 'AWS refused DisableKey: \u001b[2J',
      },
      null,
    )
    const { code, stdout } = await cleanUp('--key', key.arn)
    expect(code).toBe(1)
    expect(stdout).toContain('stage      stopped: a person has to look\n')
    expect(stdout).toContain('AWS refused DisableKey: \\u{1b}[2J')
    expect(stdout).not.toContain('\u001b')
  })

  it('says by which policy file it goes, before it asks', async () => {
    const key = await ground.newDemoKey('keytrail-demo-by-policy')
    const none = 'There is no keytrail.yml here: the defaults hold. Nothing is excluded, and nobody owns anything.\n'
    const target = ['--target', 'aws', '--yes'] as const
    expect((await cleanUp(...only(key))).stdout).toContain(none)
    expect((await cleanUp('--adopt', key.alias)).stdout).toContain(none)
    const environment = { cwd: ground.folder.path, env: awsEnvironment(ground) }
    expect((await keytrail(['clean-up', ...target, ...only(key)], environment)).stdout).toContain(none)
    ground.folder.write('team.yml', `cleanUp: { exclude: ['${key.alias}'] }\n`)
    const { stdout } = await cleanUp('--policy', 'team.yml', '--apply', ...only(key))
    expect(stdout).toMatch(/\n {2}because {4}keytrail\.yml excludes alias\/keytrail-demo-by-policy\n[^]*By the policy file team\.yml\.\n/)
    expect(await stateOf(key.arn)).toBe('Enabled')
  })

  it('points at the same keys when it says what comes next', async () => {
    const key = await ground.newDemoKey('keytrail-demo-alone')
    expect((await cleanUp(...only(key))).stdout).toMatch(new RegExp(`\n\nNext: keytrail clean-up --apply --key ${key.arn}\n$`))
  })

  it('looks at no key that the registry does not have', async () => {
    const key = await ground.newKey('not-registered')
    expect(await cleanUp('--apply', '--key', key.arn)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`the registry does not have ${key.arn}`) as string,
    })
    expect(await stateOf(key.arn)).toBe('Enabled')
  })

  it.each([
    [['--adopt', '*'], /the pattern has to begin with/],
    [['--adopt', 'alias/*'], /the pattern has to begin with alias\/ and 3 characters/],
    [['--adopt', 'alias/aws/*'], /aliases of AWS cannot be adopted/],
    [['--adopt', 'dp-workshop-bucket*', '--apply'], /--adopt registers and does nothing else/],
    [['--key', 'alias/a'], /It is not the ARN of a KMS key\./],
    [['--format', 'yaml'], /Allowed choices are text, json\./],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await cleanUp(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

describe('keytrail clean-up --adopt', () => {
  const PATTERN = 'alias/kms_key_*_usecase_*'

  it('registers what a person agreed to, and nothing before', async (context) => {
    const left = await ground.newKey('kms_key_sse_usecase_1')
    const taken = await ground.newDemoKey('kms_key_caching_usecase_2')
    const other = await ground.newKey('production')
    const before = await ground.control()
    const asked = await cleanUp('--adopt', 'alias/kms_key_sse_usecase_*')
    expect({ ...asked, stdout: ground.constant(asked.stdout) }).toMatchObject({
      code: 2,
      stdout: golden('adoption.txt'),
      stderr: 'keytrail: --adopt asks before it registers, and there is no terminal: add --yes\n',
    })
    expect(await ground.control()).toBe(before)

    const agreed = reportIn(await cleanUp('--adopt', PATTERN, '--yes', '--format', 'json'))
    expect(agreed.adoption?.registered).toEqual([left.alias, left.arn])
    expect(agreed.adoption?.candidates.map(({ name, adoptable }) => [name, adoptable])).toEqual(
      [
        [left.arn, true],
        [taken.arn, false],
      ].toSorted(([one], [two]) => (String(one) < String(two) ? -1 : 1)),
    )
    const plan = reportIn(await cleanUp('--key', left.arn, '--format', 'json'))
    expect(plan.keys).toMatchObject([{ useCase: 'adopted', owner: CALLER, protections: [{ kind: 'recent' }] }])
    expect([await stateOf(left.arn), await stateOf(other.arn)]).toEqual(['Enabled', 'Enabled'])
    const again = reportIn(await cleanUp('--adopt', PATTERN, '--yes', '--format', 'json'))
    expect(again.adoption).toMatchObject({ registered: [], candidates: [{ adoptable: false }, { adoptable: false }] })
    await ground.forget(left.alias)
    const finished = reportIn(await cleanUp('--adopt', PATTERN, '--yes', '--format', 'json'))
    expect(finished.adoption?.registered).toEqual([left.alias])

    if (!HAS_TERMINAL) context.skip('no `script` of util-linux here')
    await ground.newKey('kms_key_s3_usecase_3')
    const typed = (text: string): Promise<Ended> => atTerminal(`clean-up --adopt '${PATTERN}'`, text)
    expect((await typed('y')).stdout).toContain('Nothing was registered.')
    expect((await typed('adopt')).stdout).toMatch(/Registered: alias\/kms_key_s3_usecase_3, arn:aws:kms:.*\./)
  })

  it('shows the plan on AWS, and asks', async (context) => {
    if (!HAS_TERMINAL) context.skip('no `script` of util-linux here')
    const key = await ground.newDemoKey('keytrail-demo-asked')
    const { code, stdout } = await atTerminal(`clean-up --apply --target aws --key ${key.arn}`, 'n')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /alias\/keytrail-demo-asked[^]*begin its retirement[^]*AWS account 000000000000, Region eu-central-1, as [^]*that is due now\? \[y\/N\]/,
    )
    expect(await stateOf(key.arn)).toBe('Enabled')
  })

  it('registers buckets', async () => {
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const
    await ground.cloud.clients.s3.send(new CreateBucketCommand({ Bucket: 'dp-workshop-bucket-1', CreateBucketConfiguration }))
    const ended = await cleanUp('--adopt', 'dp-workshop-bucket*', '--yes')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('dp-workshop-bucket-1\n  adopt      yes\n\n1 found, of which 1 can be adopted.\n')
    expect(ended.stdout).toContain('Registered: dp-workshop-bucket-1.\n')
    expect((await cleanUp('--adopt', 'reinvent-builder*', '--yes')).stdout).toContain('Nothing here matches reinvent-builder*.')
  })
})

describe('the exit code of keytrail clean-up', () => {
  const KEY: KeyReport = {
    keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/a',
    aliases: [],
    owner: '',
    useCase: '',
    before: null,
    after: null,
    done: [],
    next: { what: 'wait', at: null },
    protections: [],
    isUnread: false,
    failure: null,
  }
  const STOP = { by: OTHER, reason: '', at: 0 as EpochS }

  it.each([
    { title: 'nothing to look at', keys: [KEY], stop: null, apply: true, code: 0 },
    {
      title: 'a protected key',
      keys: [{ ...KEY, protections: [{ kind: 'grant', words: '' } as const] }],
      stop: null,
      apply: true,
      code: 0,
    },
    { title: 'a plan while Keytrail is stopped', keys: [KEY], stop: STOP, apply: false, code: 0 },
    { title: 'a run while Keytrail is stopped', keys: [KEY], stop: STOP, apply: true, code: 1 },
    { title: 'a stopped retirement', keys: [KEY, { ...KEY, after: 'stopped' as const }], stop: null, apply: false, code: 1 },
    { title: 'a failure', keys: [{ ...KEY, failure: 'AWS refused DisableKey' }, KEY], stop: null, apply: true, code: 1 },
    {
      title: 'unread before failed',
      keys: [
        { ...KEY, failure: 'x' },
        { ...KEY, isUnread: true },
      ],
      stop: null,
      apply: true,
      code: 3,
    },
  ])('is $code for $title', ({ keys, stop, apply, code }) => {
    expect(cleanUpExit({ keys, stop }, apply)).toBe(code)
  })
})
