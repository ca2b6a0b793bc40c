import { CreateKeyCommand, EnableKeyRotationCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, type Folder, keytrail, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'
import { startCloud, type WatchedCloud } from '../support/local-cloud.ts'

type Row = {
  readonly rule: string
  readonly status: string
  readonly arn: string
  readonly reason: string
  readonly denied: readonly string[]
}
type Report = {
  readonly format: string
  readonly accountId: string
  readonly policyDigest: string
  readonly resources: Readonly<Record<string, number>>
  readonly findings: readonly Row[]
  readonly unread: readonly { readonly action: string; readonly because: string }[]
  readonly unmatchedExemptions: readonly { readonly resource: string }[]
}

function report({ stdout }: Ended): Report {
  return JSON.parse(stdout) as Report
}

const ROTATION = 'kms-key-rotation-enabled'

describe('keytrail audit on a local cloud', () => {
  let cloud: WatchedCloud
  let folder: Folder
  const keys = { rotated: '', unrotated: '', closed: '' }

  beforeAll(async () => {
    cloud = await startCloud()
    folder = temporaryFolder()
    folder.write('.keytrail/endpoint.json', JSON.stringify({ url: cloud.url, region: cloud.region, now: '' }))
    const { kms, s3 } = cloud.clients
    for (const name of ['rotated', 'unrotated', 'closed'] as const) {
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: name }))
      keys[name] = KeyMetadata?.Arn ?? ''
    }
    await kms.send(new EnableKeyRotationCommand({ KeyId: keys.rotated }))
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: keys.closed, Policy: closedPolicy(cloud.accountId), BypassPolicyLockoutSafetyCheck: true }),
    )
    await s3.send(
      new CreateBucketCommand({ Bucket: 'keytrail-audit-test', CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
    )
  })

  afterAll(async () => {
    folder[Symbol.dispose]()
    await cloud.close()
  })

  const audit = (...args: readonly string[]): Promise<Ended> => keytrailHere(['audit', ...args], { cwd: folder.path })

  it('judges what is there, and tells what it may not read from what fails', async () => {
    const ended = await audit('--rule', ROTATION, '--format', 'json')
    const { format, accountId, resources, findings, unread } = report(ended)
    expect({ format, accountId, resources }).toEqual({ format: 'keytrail.audit/1', accountId: cloud.accountId, resources: { kms_key: 3 } })
    expect(findings.map(({ rule, status, arn, denied }) => ({ rule, status, arn, denied }))).toEqual(
      [
        { rule: ROTATION, status: 'failing', arn: keys.unrotated, denied: [] },
        { rule: ROTATION, status: 'unknown', arn: keys.closed, denied: ['kms:GetKeyRotationStatus'] },
      ].toSorted((a, b) => (a.arn < b.arn ? -1 : 1)),
    )
    expect(unread).toEqual([expect.objectContaining({ action: 'kms:GetKeyRotationStatus', because: 'denied' })])
    expect(ended.code).toBe(3)
    expect(await audit('--rule', ROTATION, '--format', 'json')).toEqual(ended)
  })

  it('says how to let it read the rest', async () => {
    const { stdout, stderr } = await audit('--rule', ROTATION)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^MEDIUM {2}KMS key rotates automatically/)
    expect(stdout).toContain(`  ${keys.unrotated}: automatic rotation is off`)
    expect(stdout).toContain('kms:GetKeyRotationStatus is denied (AccessDeniedException): 1 resource')
    expect(stdout).toContain(`"Resource": "arn:aws:kms:eu-central-1:${cloud.accountId}:key/*"`)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 failing, 1 unknown, 0 exempt, 1 passing, 0 not applicable.')
  })

  it('looks at every kind unless told', async () => {
    const everything = report(await audit('--format', 'json'))
    expect(everything.resources).toMatchObject({
      cloudtrail_trail: 1,
      keytrail_stack: 1,
      kms_key: 3,
      s3_bucket: expect.any(Number) as unknown,
    })
    const buckets = report(await audit('--format', 'json', '--kind', 's3_bucket'))
    expect(Object.keys(buckets.resources)).toEqual(['s3_bucket'])
    expect(buckets.findings.some(({ arn }) => arn === 'arn:aws:s3:::keytrail-audit-test')).toBe(true)
  })

  it('judges by the policy file, which stands on every report', async () => {
    const exemption = (resource: string): string =>
      `  - { rule: ${ROTATION}, resource: '${resource}', reason: later, approver: me, until: 2026-12-01 }\n`
    folder.write(
      'policy.yml',
      `rules:\n  ${ROTATION}: { severity: high }\nexemptions:\n${exemption(keys.unrotated)}${exemption('arn:aws:kms:*:key/none')}`,
    )
    const { findings, policyDigest, unmatchedExemptions } = report(
      await audit('--rule', ROTATION, '--format', 'json', '--policy', 'policy.yml'),
    )
    expect(findings.find(({ arn }) => arn === keys.unrotated)).toMatchObject({
      status: 'exempt',
      severity: 'high',
      reason: 'automatic rotation is off; exempt until 2026-12-01, approved by me: later',
    })
    expect(policyDigest).toMatch(/^[0-9a-f]{64}$/)
    expect(unmatchedExemptions.map(({ resource }) => resource)).toEqual(['arn:aws:kms:*:key/none'])
  })

  it('lists every problem of a policy file, and judges nothing', async () => {
    folder.write('keytrail.yml', 'rulez: {}\nexpectations:\n  unusedDays: "\u{1b}[2J"\n')
    const { code, stdout, stderr } = await audit('--rule', ROTATION)
    folder.write('keytrail.yml', '')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toBe('keytrail: keytrail.yml:1:1: "rulez" is unknown here: did you mean rules?')
    expect(lines[1]).toMatch(/^keytrail: keytrail\.yml:3:15: /)
    expect(stderr).not.toContain('\u{1b}')
  })

  it('writes what Security Hub and other programs take', async () => {
    const asff = JSON.parse((await audit('--rule', ROTATION, '--format', 'asff')).stdout) as readonly { readonly SchemaVersion: string }[]
    expect(asff.map(({ SchemaVersion }) => SchemaVersion)).toEqual(['2018-10-08', '2018-10-08'])
    const out = await audit('--rule', ROTATION, '--format', 'ocsf', '--out', 'findings.jsonl', '--quiet')
    expect(out).toMatchObject({ code: 3, stdout: '', stderr: '' })
    const lines = readFileSync(`${folder.path}/findings.jsonl`, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { readonly class_uid: number }).class_uid)).toEqual([2003, 2003])
  })

  it.each([
    ['no credentials', { AWS_REGION: 'eu-central-1' }, 'CredentialsProviderError'],
    ['no Region', {}, 'Region is missing'],
  ])('reads nothing of AWS where there are %s', async (_, settings, words) => {
    const env = { ...settings, HOME: folder.path, AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }
    const { code, stdout, stderr } = await keytrail(['audit', '--target', 'aws'], { cwd: folder.path, env })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(words)
  })

  it.each([
    [['--rule', 'kms-key-rotation-enabeld'], 'did you mean kms-key-rotation-enabled?'],
    [['--kind', 'key'], 'There is no kind "key"'],
    [['--kind', 's3_bucket', '--rule', ROTATION], 'none of the rules of --rule'],
    [['--policy', 'none.yml'], 'none.yml: no such file or folder'],
  ])('refuses %j', async (args, words) => {
    const { code, stdout, stderr } = await audit(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
  })
})

/** Everybody of the account may do everything but look at rotation. */
function closedPolicy(accountId: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${accountId}:root` }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Deny', Principal: '*', Action: 'kms:GetKeyRotationStatus', Resource: '*' },
    ],
  })
}
