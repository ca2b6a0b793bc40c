import { CreateKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { type Ended, type Folder, keytrail, startKeytrail, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

type Running = { readonly url: string; readonly said: () => string; stop(): Promise<Ended> }

async function startLocal(folder: Folder, ...args: readonly string[]): Promise<Running> {
  const { child, ended } = startKeytrail(['local', '--port', '0', '--folder', 'state', '--no-audit', ...args], { cwd: folder.path })
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (piece: Buffer) => {
      said += piece.toString()
      const found = /up at (?<url>http:\/\/127\.0\.0\.1:\d+);[\s\S]*Ctrl-C ends it/.exec(said)?.groups?.['url']
      if (found !== undefined) resolve(found)
    })
    ended.then(({ code, stderr }) => reject(new Error(`it ended with ${code}: ${stderr}`)), reject)
  })
  return {
    url,
    said: () => said,
    stop() {
      child.kill('SIGINT')
      return ended
    },
  }
}

async function keysAt(url: string, make: number): Promise<readonly string[]> {
  const kms = new KMSClient({ endpoint: url, region: 'eu-central-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } })
  for (let made = 0; made < make; made++) await kms.send(new CreateKeyCommand({}))
  const { Keys = [] } = await kms.send(new ListKeysCommand({}))
  kms.destroy()
  return Keys.map(({ KeyId }) => KeyId ?? '').toSorted()
}

describe('keytrail local', () => {
  it('keeps its state and its time over a restart, and begins anew with --fresh', async () => {
    using folder = temporaryFolder()
    const first = await startLocal(folder, '--clock', '2027-03-01T12:00:00Z')
    expect(first.said()).toContain('its clock says 2027-03-01T12:00:0')
    expect(first.said()).toContain(`export AWS_ENDPOINT_URL=${first.url}`)
    const keys = await keysAt(first.url, 2)
    expect(keys).toHaveLength(2)
    const advanced = await fetch(`${first.url}/_keytrail/clock/advance`, { method: 'POST', body: '{"ms":3600000}' })
    expect(await advanced.json()).toMatchObject({ now: expect.stringMatching(/^2027-03-01T13:00:/) as string })
    expect(await first.stop()).toMatchObject({ code: 130, signal: null })

    const second = await startLocal(folder)
    expect(second.said()).toContain('its clock says 2027-03-01T13:0')
    expect(await keysAt(second.url, 0)).toEqual(keys)
    const another = await keytrail(['local', '--port', '0', '--folder', 'state'], { cwd: folder.path })
    expect(another.code).toBe(3)
    expect(another.stderr).toMatch(
      /^A local cloud already runs in .*state \(process \d+\)\. Use that one, stop it, or name another folder\.\n$/,
    )
    const taken = await keytrail(['local', '--port', second.url.split(':')[2] ?? '', '--folder', 'other'], { cwd: folder.path })
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringContaining('The port is taken: name another one with --port') as string })
    expect((await second.stop()).code).toBe(130)

    const third = await startLocal(folder, '--fresh')
    expect(await keysAt(third.url, 0)).toEqual([])
    expect((await third.stop()).code).toBe(130)
  })

  it.each([
    [['--port', '70000'], 'Write a number from 0 to 65535.'],
    [['--port', 'x'], 'Write a number from 0 to 65535.'],
    [['--clock', 'noon'], 'Write a time such as'],
    [['--delay', '600,120'], 'Write seconds'],
    [['--delay', 'x'], 'Write seconds'],
    [['--duplicates', '2'], 'Write a share from 0 to 1.'],
    [['--loss', '-1'], 'Write a share from 0 to 1.'],
    [['--folder', ''], 'the folder is empty'],
  ])('%j is wrong usage', async (args, message) => {
    using folder = temporaryFolder()
    const { code, stderr } = await keytrailHere(['local', ...args], { cwd: folder.path })
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  })
})
