import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, type Folder, keytrail, ROOT, startKeytrail, temporaryFolder } from '../support/cli.ts'
import { startDecoy } from '../support/decoy.ts'
import { keytrailHere } from '../support/here.ts'

type Running = { readonly folder: Folder; readonly url: string; stop(): Promise<Ended> }

/** `keytrail local` in a folder of its own, where `keytrail workshop` finds it. */
async function startLocal(...args: readonly string[]): Promise<Running> {
  const folder = temporaryFolder()
  const { child, ended } = startKeytrail(['local', '--port', '0', '--no-audit', ...args], { cwd: folder.path })
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (piece: Buffer) => {
      said += piece.toString()
      const found = /up at (?<url>http:\/\/127\.0\.0\.1:\d+);/.exec(said)?.groups?.['url']
      if (found !== undefined) resolve(found)
    })
    ended.then(({ code, stderr }) => reject(new Error(`it ended with ${code}: ${stderr}`)), reject)
  })
  return {
    folder,
    url,
    async stop() {
      child.kill('SIGINT')
      const end = await ended
      folder[Symbol.dispose]()
      return end
    },
  }
}

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let local: Running
beforeAll(async () => {
  local = await startLocal()
}, HOOK_MS)
afterAll(() => local.stop())

function workshop(...args: readonly string[]): Promise<Ended> {
  return keytrailHere(['workshop', ...args], { cwd: local.folder.path })
}

/** What is another one each time. */
function constant(text: string): string {
  return text
    .replaceAll(local.folder.path, '<folder>')
    .replaceAll(local.url, '<url>')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<key ID>')
    .replaceAll(/(keytrail-demo-[a-z]+-)[\da-f]{12}/g, '$1<ID>')
    .replaceAll(/on 20\d\d-\d\d-\d\d/g, 'on <day>')
    .replaceAll(/after (?:\d+ min )?\d+ s\b/g, 'after <time>')
}

function golden(name: string): string {
  return readFileSync(path.join(ROOT, 'test/golden', name), 'utf8')
}

describe('keytrail workshop', () => {
  it('tells people what it does, sees and takes away', async () => {
    const told: string[] = []
    for (const action of ['run', 'check', 'clean-up', 'clean-up']) {
      const { code, stdout, stderr } = await workshop('sse', action)
      // How long CloudTrail is waited for is told beside it.
      expect({ code, stderr: stderr.replaceAll(/^waiting for CloudTrail .*\n/gm, '') }).toEqual({ code: 0, stderr: '' })
      told.push(`$ keytrail workshop sse ${action}\n${constant(stdout)}`)
    }
    expect(told.join('\n')).toBe(golden('workshop.txt'))
  })

  it('tells programs the same in JSON', async () => {
    const told: unknown[] = []
    for (const action of ['run', 'check', 'clean-up']) {
      const { code, stdout } = await workshop('sse', action, '--format', 'json')
      expect(code).toBe(0)
      told.push(JSON.parse(constant(stdout)))
    }
    expect(`${JSON.stringify(told, null, 2)}\n`).toBe(golden('workshop.json'))
  })

  it('uses the local cloud that runs in the folder', async () => {
    const { stdout } = await workshop('caching', 'run')
    expect(stdout).toMatch(new RegExp(`^On the local cloud in .*, which runs at ${local.url}\\.\n`))
    expect((await workshop('caching', 'clean-up')).code).toBe(0)
  })

  it('has an exit code for each way it can end', async () => {
    const early = await workshop('caching', 'check')
    expect(early).toMatchObject({ code: 2, stderr: 'keytrail: there is nothing to check yet: keytrail workshop caching run comes first\n' })
    await workshop('sse', 'run', '--format', 'json')
    writeFileSync(path.join(local.folder.path, 'keytrail-workshop/sse/plaintext_cycled_u.txt'), 'changed')
    const failed = await workshop('sse', 'check')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('FAILED  plaintext_cycled_u.txt is the same as plaintext_u.txt: no (expected yes)')

    const inTheWay = await workshop('sse', 'run')
    expect(inTheWay).toMatchObject({ code: 3, stderr: expect.stringContaining('is in the way') as string })
    const run = JSON.parse((await workshop('sse', 'run', '--files', 'other', '--format', 'json')).stdout) as {
      readonly steps: readonly { readonly lines: readonly string[] }[]
    }
    const bucket = /s3:\/\/(?<bucket>keytrail-demo-sse-[\da-f]{12})\//.exec(JSON.stringify(run))?.groups?.['bucket'] ?? ''
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const s3 = new S3Client({ endpoint: local.url, region: 'eu-central-1', credentials, forcePathStyle: true })
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'mine', Body: 'mine' }))
    const left = await workshop('sse', 'clean-up', '--files', 'other')
    expect(left.code).toBe(1)
    expect(left.stdout).toContain(`s3-bucket ${bucket}: left: it holds objects that the use case did not put there`)
    s3.destroy()
  })

  it('does not call unknown what it could not see in time a pass', async () => {
    const lossy = await startLocal('--loss', '1')
    const options = { cwd: lossy.folder.path }
    expect((await keytrailHere(['workshop', 'caching', 'run'], options)).code).toBe(0)
    const { code, stdout, stderr } = await keytrailHere(['workshop', 'caching', 'check'], options)
    expect(code).toBe(3)
    expect(stdout).toMatch(
      /unknown GenerateDataKey calls that CloudTrail counts: 0, 20 min \d+ s after the calls: not delivered, or not in time/,
    )
    // One line a minute, where there is no terminal.
    expect(stderr.split('\n').filter((line) => line.startsWith('waiting for CloudTrail')).length).toBeLessThan(30)
    await lossy.stop()
  })

  it('asks nobody on AWS before somebody agreed', async () => {
    using folder = temporaryFolder()
    await using decoy = await startDecoy(folder)
    const env = { ...decoy.environment, AWS_USE_FIPS_ENDPOINT: 'false', AWS_USE_DUALSTACK_ENDPOINT: 'false' }
    for (const action of ['run', 'check', 'clean-up']) {
      const ended = await keytrail(['workshop', 'sse', action, '--target', 'aws'], { cwd: folder.path, env })
      expect(ended).toMatchObject({
        code: 2,
        stdout: '',
        stderr: 'keytrail: --target aws asks before it acts, and there is no terminal: add --yes\n',
      })
    }
    expect(decoy.seen()).toEqual([])
  })

  it('writes out what hostile names would do to a terminal', async () => {
    const files = 'a\u001b[2J\u202eb'
    expect((await workshop('caching', 'run', '--files', files)).code).toBe(0)
    const { code, stdout, stderr } = await workshop('caching', 'clean-up', '--files', files)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('a\\u{1b}[2J\\u{202e}b/encrypted_e_1.txt: deleted')
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character)
    const { stderr: refused } = await workshop('ss\u001be', 'run')
    expect(refused).toContain("'ss\\u{1b}e' is invalid for argument 'use case'")
    expect(refused).not.toContain('\u001b')
  })

  it.each([
    [['ssse', 'run'], /^keytrail: .*'ssse' is invalid for argument 'use case'\. Allowed choices are sse, caching/],
    [['sse', 'walk'], /^keytrail: .*'walk' is invalid for argument 'action'\. Allowed choices are run, check, clean-up\./],
    [['sse'], /^keytrail: missing required argument 'action'/],
    [['sse', 'run', '--folder', ''], /^keytrail: a folder is empty: name one/],
    [['sse', 'run', '--files', ''], /^keytrail: a folder is empty: name one/],
    [['sse', 'run', '--target', 'azure'], /^keytrail: .*Allowed choices are local, aws\./],
    [['sse', 'run', '--ye'], /^keytrail: unknown option '--ye'\n\(Did you mean --yes\?\)/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stdout, stderr } = await workshop(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
