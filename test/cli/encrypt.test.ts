import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { decrypt, rawAesKeyring } from '../../shared/envelope/index.ts'
import { type Ended, type Folder, KEYTRAIL, keytrail, runProgram, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'
import { startCloud } from '../support/local-cloud.ts'

const PLAINTEXT = randomBytes(200_000)
const run = (folder: Folder, ...args: readonly string[]): Promise<Ended> => keytrailHere(args, { cwd: folder.path })

function prepared(folder: Folder): void {
  folder.write('key', randomBytes(32))
  folder.write('plain', PLAINTEXT)
}

function contentOf(folder: Folder, name: string): Buffer {
  return readFileSync(path.join(folder.path, name))
}

/** Standard output as bytes: a shell writes it to a file. */
function shell(folder: Folder, command: string): Promise<Ended> {
  return runProgram('sh', ['-c', command.replaceAll('keytrail', `${process.execPath} ${KEYTRAIL}`)], { cwd: folder.path })
}

describe('encrypt and decrypt', () => {
  it.each([
    ['0578', []],
    ['0478', []],
    ['0478', ['--frame-length', '65536', '--context', 'tenant=a=b', '--context', '__proto__=c']],
    ['0578', ['--frame-length', '1000000']],
  ])('bring a file back (%s %j)', async (suite, more) => {
    using folder = temporaryFolder()
    prepared(folder)
    const fine = { code: 0, stdout: '', stderr: '' }
    expect(await run(folder, 'encrypt', 'plain', '--key', 'file:key', '--suite', suite, ...more, '--out', 'message')).toMatchObject(fine)
    const context = more.filter((text) => text !== '--frame-length' && !/^\d+$/.test(text))
    expect(await run(folder, 'decrypt', 'message', '--key', 'file:key', ...context, '--out', 'back')).toMatchObject(fine)
    expect(contentOf(folder, 'back').equals(PLAINTEXT)).toBe(true)
    expect(statSync(path.join(folder.path, 'back')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder.path).toSorted()).toEqual(['back', 'key', 'message', 'plain'])
  })

  it('work in pipes', async () => {
    using folder = temporaryFolder()
    prepared(folder)
    for (const suite of ['0478', '0578']) {
      const pipe = `keytrail encrypt --key file:key --suite ${suite} < plain | keytrail decrypt --key file:key > back-${suite}`
      expect(await shell(folder, pipe)).toMatchObject({ code: 0, stderr: '' })
      expect(contentOf(folder, `back-${suite}`).equals(PLAINTEXT)).toBe(true)
    }
  })

  it('let nothing of a signed message out before it is verified, unless told', async () => {
    using folder = temporaryFolder()
    prepared(folder)
    await run(folder, 'encrypt', 'plain', '--key', 'file:key', '--out', 'message')
    const message = contentOf(folder, 'message')
    message[message.length - 1] = (message.at(-1) ?? 0) ^ 1
    folder.write('forged', message)
    const held = await shell(folder, 'keytrail decrypt forged --key file:key > held')
    expect(held).toMatchObject({ code: 3, stderr: expect.stringContaining('signature') as string })
    expect(contentOf(folder, 'held')).toHaveLength(0)
    expect((await shell(folder, 'keytrail decrypt forged --key file:key --allow-unverified > early')).code).toBe(3)
    const early = contentOf(folder, 'early')
    expect(early.length).toBeGreaterThan(0)
    expect(early.equals(PLAINTEXT.subarray(0, early.length))).toBe(true)
    expect(early.length).toBeLessThan(PLAINTEXT.length)
    expect((await run(folder, 'decrypt', 'forged', '--key', 'file:key', '--out', 'back')).code).toBe(3)
    expect(readdirSync(folder.path).filter((name) => name.includes('back'))).toEqual([])
  })

  it.each([
    ['another key', ['--key', 'file:other'], 'none of the 1 encrypted data keys could be decrypted'],
    ['another context', ['--key', 'file:key', '--context', 'tenant=b'], 'encryption context'],
    ['a message that is cut off', ['--key', 'file:key', 'cut'], 'cut off'],
    ['what is no message', ['--key', 'file:key', 'plain'], ''],
    ['no file', ['--key', 'file:key', 'gone'], 'no such file or folder'],
  ])('with %s leave nothing behind', async (_title, args, message) => {
    using folder = temporaryFolder()
    prepared(folder)
    folder.write('other', randomBytes(32))
    await run(folder, 'encrypt', 'plain', '--key', 'file:key', '--context', 'tenant=a', '--out', 'message')
    folder.write('cut', contentOf(folder, 'message').subarray(0, -200))
    const file = args.length % 2 === 1 ? [] : ['message']
    const { code, stderr } = await run(folder, 'decrypt', ...file, ...args, '--out', 'back')
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining(message) as string })
    expect(stderr).not.toContain('tenant')
    expect(readdirSync(folder.path).toSorted()).toEqual(['cut', 'key', 'message', 'other', 'plain'])
  })

  it.each([
    [['encrypt', 'plain', '--key', 'alias/app', '--out', 'x'], 'not an alias'],
    [['encrypt', 'plain', '--key', 'file:plain', '--out', 'x'], 'holds no AES key'],
    [['encrypt', 'plain', '--key', 'file:gone', '--out', 'x'], 'cannot be read: no such file'],
    [['encrypt', 'plain', '--key', 'file:key', '--key', 'file:key', '--out', 'x'], 'stands alone'],
    [['encrypt', 'plain', '--out', 'x'], "required option '--key <key>' not specified"],
    [['encrypt', 'plain', '--key', 'file:key', '--out', 'key'], 'key exists: --force replaces it'],
    [['encrypt', 'plain', '--key', 'file:key', '--frame-length', '0', '--out', 'x'], 'Write a number of bytes'],
    [['encrypt', 'plain', '--key', 'file:key', '--context', 'tenant', '--out', 'x'], 'Write name=value.'],
    [['encrypt', 'plain', '--key', 'file:key', '--context', 'aws-crypto-a=b', '--out', 'x'], 'aws-crypto-'],
    [['encrypt', 'plain', '--key', 'file:key', '--suite', '0178', '--out', 'x'], 'Allowed choices are 0478, 0578'],
    [['encrypt', 'plain', '--key', 'file:key', '--out', 'no/folder/x'], 'cannot be written'],
  ])('%j is wrong usage', async (args, message) => {
    using folder = temporaryFolder()
    prepared(folder)
    const { code, stderr } = await run(folder, ...args)
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
    expect(existsSync(path.join(folder.path, 'x'))).toBe(false)
  })

  it('name a raw key so that other programs find it', async () => {
    using folder = temporaryFolder()
    prepared(folder)
    const named = ['--key', 'file:key', '--key-name', 'team/backups']
    await run(folder, 'encrypt', 'plain', ...named, '--out', 'message')
    const keyring = rawAesKeyring({ namespace: 'team', name: 'backups', key: contentOf(folder, 'key') })
    const { plaintext } = await decrypt(contentOf(folder, 'message'), { keyring })
    expect(PLAINTEXT.equals(plaintext)).toBe(true)
  })

  it('use a KMS key of the local cloud, and tell why KMS refuses', async () => {
    using folder = temporaryFolder()
    prepared(folder)
    await using stack = new AsyncDisposableStack()
    const cloud = await startCloud()
    stack.defer(() => cloud.close())
    const kms = new KMSClient({ endpoint: cloud.url, region: cloud.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}))
    const options = { cwd: folder.path, env: { AWS_ENDPOINT_URL: cloud.url } }
    const arn = key?.Arn ?? ''
    expect(await keytrail(['encrypt', 'plain', '--key', arn, '--out', 'message'], options)).toMatchObject({ code: 0, stderr: '' })
    expect(await keytrail(['decrypt', 'message', '--key', arn, '--out', 'back'], options)).toMatchObject({ code: 0, stderr: '' })
    expect(contentOf(folder, 'back').equals(PLAINTEXT)).toBe(true)
    await kms.send(new DisableKeyCommand({ KeyId: arn }))
    kms.destroy()
    const refused = await keytrail(['decrypt', 'message', '--key', arn, '--out', 'again'], options)
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/DisabledException/) as string })
  })
})
