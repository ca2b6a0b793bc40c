import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployedFunctions } from '../../scripts/bundle.ts'
import { isJsonObject } from '../../shared/json.ts'
import { type Made, resolved } from '../../local/stack/template.ts'
import { type Ended, runProgram } from '../support/cli.ts'
import { DELIVERY_CHECKS } from '../support/stack-delivery.ts'
import { POWER_CHECKS } from '../support/stack-powers.ts'
import { UPKEEP_CHECKS } from '../support/stack-upkeep.ts'
import { ADMINISTRATOR, guardedWrites, sends, writesAllowed } from '../support/stolen-roles.ts'
import { at, listOf, readSource, readTemplate, type Resource, resources, ROOT, type Stack, unzipped, withChange } from '../support/stack.ts'

const CHECKS = [...DELIVERY_CHECKS, ...POWER_CHECKS, ...UPKEEP_CHECKS]
const PACKAGING_MS_MAX = 60_000

const source = readSource()
const deployed = deployedFunctions(source)
const folder = mkdtempSync(path.join(tmpdir(), 'keytrail-package-'))
const packaged = path.join(folder, 'packaged')
let run: Ended
let stack: Stack

beforeAll(async () => {
  run = await runProgram(process.execPath, [path.join(ROOT, 'scripts/package.ts'), '--out', packaged], { cwd: ROOT })
  if (run.code !== 0) throw new Error(run.stderr)
  stack = { source, template: readTemplate(packaged) }
}, PACKAGING_MS_MAX)

afterAll(() => rmSync(folder, { recursive: true }))

describe('the packaged stack', () => {
  it.each(CHECKS)('$title', ({ faults }) => {
    expect(faults(stack)).toEqual([])
  })

  it('holds what the checks are about', () => {
    const counts = ['Lambda::Function', 'IAM::Role', 'SQS::Queue', 'Events::Rule', 'Lambda::EventSourceMapping', 'DynamoDB::Table'].map(
      (type) => resources(stack.template, `AWS::${type}`).length,
    )
    expect(counts).toEqual([7, 7, 13, 11, 4, 3])
  })

  it('makes roles of no more requests to DynamoDB than the code sends', () => {
    const code = readdirSync(path.join(ROOT, 'shared/aws'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(path.join(ROOT, 'shared/aws', name), 'utf8'))
      .filter((text) => text.includes("'@aws-sdk/client-dynamodb'"))
      .join('\n')
    const sent = [...code.matchAll(/\bnew (?<command>\w+)Command\(|\bpaginate(?<pages>\w+)\(/g)].map(
      ({ groups }) => `dynamodb:${groups?.['command'] ?? groups?.['pages'] ?? ''}`,
    )
    const allowed = resources(stack.template, 'AWS::IAM::Role')
      .flatMap(({ properties }) => listOf(properties['Policies']))
      .flatMap((policy) => listOf(at(policy, 'PolicyDocument.Statement')))
      .flatMap((statement) => listOf(at(statement, 'Action')))
      .filter((action) => String(action).startsWith('dynamodb:'))
    expect(new Set(allowed)).toEqual(new Set(sent))
  })
})

describe('each check', () => {
  const BROKEN = CHECKS.flatMap(({ title, faults, breaks }) =>
    breaks.map((change) => ({ title, faults, change, as: `${change[0]} = ${JSON.stringify(change[1])}` })),
  )

  it.each(BROKEN)('notices that not "$title": $as', ({ faults, change }) => {
    expect(faults(withChange(stack, change))).not.toEqual([])
  })

  it('is broken at least once', () => {
    expect(CHECKS.filter(({ breaks }) => breaks.length === 0)).toEqual([])
  })
})

describe('whoever steals the role of a function', () => {
  const OF_CONTROL = ['DeleteItem', 'PutItem', 'UpdateItem'].map((name) => `dynamodb:${name} table/keytrail-ControlTable`)
  const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
    CountKeyUsageRole: [],
    RollUpUsageRole: [],
    AuditChangeRole: [],
    SweepRole: [],
    AnnounceRole: [],
    EnforceRole: [...OF_CONTROL, 'kms:EnableKeyRotation key/*', 's3:PutBucketPolicy app', 's3:PutEncryptionConfiguration app'],
    CleanUpRole: [
      ...OF_CONTROL.filter((write) => !write.includes('Update')),
      ...['CancelKeyDeletion', 'DisableKey', 'EnableKey', 'ScheduleKeyDeletion'].map((name) => `kms:${name} key/*`),
      ...['CreateAlias', 'DeleteAlias'].flatMap((name) => [`kms:${name} alias/app`, `kms:${name} key/*`]),
    ].toSorted(),
  }

  it.each(Object.entries(MAY_WRITE))('as %s may write no more than this to a key, a bucket or the table of control', async (role, most) => {
    expect(await writesAllowed(stack.template, role, await guardedWrites())).toEqual(most)
  })

  it('is asked for all that an administrator could write, of whom nothing is refused', async () => {
    const writes = await guardedWrites()
    expect(await writesAllowed(stack.template, ADMINISTRATOR, writes)).toHaveLength(writes.length)
    expect(writes.map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        'kms:ScheduleKeyDeletion',
        'kms:PutKeyPolicy',
        's3:DeleteBucketPolicy',
        's3:PutObject',
        'dynamodb:DeleteTable',
      ]),
    )
  })

  it.each([
    ['CountKeyUsageRole', 'kms:DisableKey', '*', 'kms:DisableKey key/*'],
    ['AuditChangeRole', 's3:PutBucketPolicy', 'arn:aws:s3:::*', 's3:PutBucketPolicy app'],
    ['SweepRole', 'dynamodb:PutItem', { 'Fn::GetAtt': ['ControlTable', 'Arn'] }, 'dynamodb:PutItem table/keytrail-ControlTable'],
  ])('is seen where %s gains %s', async (role, Action, Resource, seen) => {
    const place = `${role}.Properties.Policies.0.PolicyDocument.Statement.0`
    const { template } = withChange(stack, [place, { Effect: 'Allow', Action, Resource }])
    expect(await writesAllowed(template, role, await guardedWrites())).toEqual([seen])
  })

  it.each([
    ['EnforceRole', ['workshop', 'retirement', 'control', 'claims']],
    ['CleanUpRole', ['change', 'change-of#1', 'budget#changes', 'policy', 'control']],
  ])('as %s cannot write to the table of control what is of others', async (role, keys) => {
    const writes = (await guardedWrites()).filter(({ action }) => action.startsWith('dynamodb:'))
    for (const key of keys) expect([key, await writesAllowed(stack.template, role, writes, key)]).toEqual([key, []])
    for (const key of ['notice', 'notice-open', 'claim']) expect(await writesAllowed(stack.template, role, writes, key)).not.toEqual([])
  })

  it('asks for changes as one of those who judge alone, whatever the own policy of another allows', async () => {
    for (const role of ['AuditChangeRole', 'SweepRole'])
      expect(await sends(stack.template, role, 'EnforceQueue')).toEqual({ kind: 'allowed' })
    const refused = { kind: 'denied', isExplicit: true, by: 'resource-based' }
    const others = Object.keys(MAY_WRITE).filter((role) => !['AuditChangeRole', 'SweepRole'].includes(role))
    for (const role of [...others, ADMINISTRATOR])
      expect([role, await sends(stack.template, role, 'EnforceQueue')]).toEqual([role, refused])
    expect(await sends(stack.template, ADMINISTRATOR, 'AuditQueue')).toEqual({ kind: 'allowed' })
  })
})

describe('packaging', () => {
  it('tells what was written', () => {
    expect(run.stdout).toMatch(/countKeyUsage\.zip {2}\d+ KiB/)
    expect(run.stdout).toMatch(/rollUpUsage\.zip {2}\d+ KiB/)
    expect(run.stdout).toContain('docs/deploy.md')
  })

  it('tells who deploys where the archives are', () => {
    const state: unknown = JSON.parse(readFileSync(path.join(packaged, 'serverless-state.json'), 'utf8'))
    const artifacts = (deployed.ok ? deployed.value : []).map(({ name }) => [name, at(state, `service.functions.${name}.package.artifact`)])
    expect(artifacts).toEqual((deployed.ok ? deployed.value : []).map(({ name }) => [name, path.join(packaged, `${name}.zip`)]))
    expect(JSON.stringify(state)).not.toContain('keytrail-osls-')
  })

  it.each(deployed.ok ? deployed.value : [])('puts nothing but the bundle into the archive of $name', ({ name, bundle }) => {
    expect(unzipped(path.join(packaged, `${name}.zip`)).map((file) => file.name)).toEqual([bundle])
  })

  it.each([
    { title: 'no functions', serverless: {}, reason: 'names no functions' },
    {
      title: 'a handler outside dist',
      serverless: { functions: { count: { handler: 'functions/count.handler' } } },
      reason: 'handler of count',
    },
    { title: 'a handler that climbs out', serverless: { functions: { a: { handler: 'dist/../index.handler' } } }, reason: 'handler of a' },
    { title: 'a function without handler', serverless: { functions: { a: null } }, reason: 'handler of a' },
  ])('refuses $title', ({ serverless, reason }) => {
    expect(deployedFunctions(serverless)).toEqual({ ok: false, reason: expect.stringContaining(reason) as unknown })
  })

  const NO_SOURCES = Object.fromEntries((deployed.ok ? deployed.value : []).map(({ source: file }) => [path.basename(file), '']))

  it.each([
    { title: 'there is no source', sources: {}, says: 'functions/count-key-usage.ts (countKeyUsage)' },
    {
      title: 'a source does not compile',
      sources: { ...NO_SOURCES, 'count-key-usage.ts': 'export const handler = (' },
      says: 'functions/count-key-usage.ts cannot be bundled',
    },
    {
      title: 'the policy cannot be used',
      sources: NO_SOURCES,
      policy: 'exemptions: [{ rule: no-such-rule }]',
      says: 'keytrail.yml cannot be used. Put right:\n  keytrail.yml:1:',
    },
  ])('fails with what to do when $title', async ({ title, sources, says, policy = '' }) => {
    const root = path.join(folder, title.replaceAll(' ', '-'))
    mkdirSync(path.join(root, 'functions'), { recursive: true })
    for (const name of ['scripts', 'shared', 'serverless.yml', 'package.json'])
      cpSync(path.join(ROOT, name), path.join(root, name), { recursive: true })
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'))
    if (policy !== '') writeFileSync(path.join(root, 'keytrail.yml'), policy)
    for (const [name, text] of Object.entries(sources)) writeFileSync(path.join(root, 'functions', name), text)
    const { code, stdout, stderr } = await runProgram(process.execPath, [path.join(root, 'scripts/package.ts')], { cwd: root })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(says)
    expect(stderr).not.toContain('    at ')
  })
})

/** What AWS would put in place of a Ref: as long as it gets. */
function referred(): ReadonlyMap<string, Made> {
  return new Map([
    ...resources(stack.template).map(({ id }): [string, Made] => [
      id,
      { ref: `https://sqs.eu-central-1.amazonaws.com/111122223333/keytrail-${id}-AbCdEfGhIjKl` },
    ]),
    ['AWS::AccountId', { ref: '111122223333' }],
    ['AWS::StackId', { ref: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/keytrail/0a1b2c3d-0000-4000-8000-000000000000' }],
    ['AuditedAccounts', { ref: '' }],
  ])
}

function environmentOf({ properties }: Resource): Readonly<Record<string, string>> {
  const variables = resolved(at(properties, 'Environment.Variables'), referred())
  return Object.fromEntries(Object.entries(isJsonObject(variables) ? variables : {}).map(([name, value]) => [name, String(value)]))
}

function functionOf(handler: string): Resource {
  const found = resources(stack.template, 'AWS::Lambda::Function').find(({ properties }) => properties['Handler'] === handler)
  if (found === undefined) throw new Error(`the template has no function with the handler ${handler}`)
  return found
}

describe('the bundle in each archive', () => {
  let asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(String(request.headers['x-amz-target']))
    request.resume()
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ SecretString: 's'.repeat(64) }))
  })

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => void server.close())

  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  it('has an environment that fits into 4 KB', () => {
    const sizes = resources(stack.template, 'AWS::Lambda::Function').map((each) => JSON.stringify(environmentOf(each)).length)
    expect(Math.max(...sizes)).toBeLessThan(4096)
  })

  it.each(deployed.ok ? deployed.value : [])('of $name exports its handler, with no packages beside it', async ({ name, bundle }) => {
    asked = []
    const root = mkdtempSync(path.join(folder, 'task-'))
    for (const file of unzipped(path.join(packaged, `${name}.zip`))) {
      mkdirSync(path.dirname(path.join(root, file.name)), { recursive: true })
      writeFileSync(path.join(root, file.name), file.bytes)
    }
    const script = `import(${JSON.stringify(path.join(root, bundle))}).then(({ handler }) => process.stdout.write(typeof handler))`
    const { code, stdout, stderr } = await runProgram(process.execPath, ['-e', script], {
      cwd: root,
      env: {
        ...environmentOf(functionOf(bundle.replace('.mjs', '.handler'))),
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'none',
        AWS_SECRET_ACCESS_KEY: 'none',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      },
    })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'function', stderr: '' })
    // What it needs before the first event, it reads as it starts.
    expect(asked).toEqual(name === 'countKeyUsage' ? ['secretsmanager.GetSecretValue'] : [])
  })
})
