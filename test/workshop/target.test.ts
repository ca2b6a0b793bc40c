import { expect, it } from 'vitest'
import { keytrail, temporaryFolder } from '../support/cli.ts'
import { startDecoy } from '../support/decoy.ts'

const KEY_ARN = 'arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000'

it('a use case reaches nothing but the local cloud, whatever the environment says', async () => {
  using folder = temporaryFolder()
  await using decoy = await startDecoy(folder)
  const env = { ...decoy.environment, HOME: folder.path }
  const ended = await keytrail(['workshop', 's3-modes', 'run', '--format', 'json'], { cwd: folder.path, env })
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(JSON.parse(ended.stdout)).toMatchObject({ target: { kind: 'local', accountId: '000000000000' } })
  expect(decoy.seen()).toEqual([])
})

it('the decoy sees who listens to the environment', async () => {
  using folder = temporaryFolder()
  await using decoy = await startDecoy(folder)
  const env = { ...decoy.environment, HOME: folder.path, AWS_USE_FIPS_ENDPOINT: 'false', AWS_USE_DUALSTACK_ENDPOINT: 'false' }
  const ended = await keytrail(['workshop', 'sse', 'run', '--target', 'aws', '--yes'], { cwd: folder.path, env })
  expect(ended.code).not.toBe(0)
  expect(decoy.seen().length).toBeGreaterThan(0)
})

it.each([
  'http://kms.example.com',
  'http://127.0.0.1.example.com:4566',
  'http://127.0.0.1@kms.example.com',
  'http://169.254.169.254',
  'http://[::2]:4566',
  'http://0.0.0.0:4566',
  'ftp://127.0.0.1',
  '127.0.0.1:4566',
  '//127.0.0.1',
])('encrypt and decrypt go to no local cloud at %s', async (endpoint) => {
  using folder = temporaryFolder()
  folder.write('plain', 'text')
  const env = { AWS_ENDPOINT_URL: endpoint }
  const ended = await keytrail(['encrypt', 'plain', '--key', KEY_ARN, '--out', 'message'], { cwd: folder.path, env })
  expect(ended).toMatchObject({ code: 2, stdout: '' })
  expect(ended.stderr).toBe(
    `keytrail: AWS_ENDPOINT_URL leads away from this machine (${endpoint}): unset it, or name AWS with --target aws\n`,
  )
})

it.each(['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1', 'http://127.1:1'])('but to %s they do', async (endpoint) => {
  using folder = temporaryFolder()
  folder.write('plain', 'text')
  const env = { AWS_ENDPOINT_URL: endpoint, AWS_USE_FIPS_ENDPOINT: 'true' }
  const ended = await keytrail(['encrypt', 'plain', '--key', KEY_ARN, '--out', 'message'], { cwd: folder.path, env })
  expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('ECONNREFUSED') as string })
})
