import { copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  failedCall,
  keytrail,
  KEYTRAIL,
  logFile,
  recordsBy,
  ROOT,
  type RunOptions,
  runProgram,
  startKeytrail,
  temporaryFolder,
} from '../support/cli.ts'

const MIB = 1 << 20
/** The Node.js that comes with the system, where it is one that does not run TypeScript. */
const OLD_NODE = oldNode()

describe.concurrent('a pipe', () => {
  const MANY = logFile(Array.from({ length: 2000 }, (_, index) => failedCall(`${index}`, `alias/${index} ${'x'.repeat(100)}`)))

  it.each(['table', 'json'])('that is closed early is no error: %s', async (format) => {
    using folder = temporaryFolder()
    folder.write('log.json', MANY)
    const command = `"$0" "$1" usage log.json --format ${format} | head -n 1; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await runProgram('bash', ['-c', command, process.execPath, KEYTRAIL], { cwd: folder.path })
    expect({ lines: stdout.split('\n').length, end: stdout.split('\n').at(1), stderr }).toEqual({ lines: 3, end: '0', stderr: '' })
  })

  it.each([
    { args: ['usage', 'gone.json'], wanted: 3 },
    { args: ['usage', '--nonsense'], wanted: 2 },
  ])('on standard error that is closed changes no exit code: $wanted', async ({ args, wanted }) => {
    using folder = temporaryFolder()
    const { child, ended } = startKeytrail(args, { cwd: folder.path })
    child.stderr?.destroy()
    expect((await ended).code).toBe(wanted)
  })

  it('gets all of a large answer', async () => {
    using folder = temporaryFolder()
    folder.write('log.json', MANY)
    const { code, stdout } = await keytrail(['usage', 'log.json', '--format', 'csv'], { cwd: folder.path })
    expect({ code, lines: stdout.split('\r\n').length }).toEqual({ code: 0, lines: 2002 })
  })
})

it.concurrent('says so if standard output cannot be written', async (context) => {
  if (!existsSync('/dev/full')) return context.skip('no device that is always full')
  using folder = temporaryFolder()
  folder.write('log.json', logFile(recordsBy('x', 1)))
  const command = '"$0" "$1" usage log.json > /dev/full'
  const { code, stderr } = await runProgram('bash', ['-c', command, process.execPath, KEYTRAIL], { cwd: folder.path })
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/^keytrail: .*(ENOSPC|standard output)/)
})

it.concurrent('shows no progress where no terminal is', async () => {
  using folder = temporaryFolder()
  const { child, ended } = await startReading({ cwd: folder.path })
  await new Promise((resolve) => setTimeout(resolve, 1000))
  child.stdin?.end('{"Records":[]}')
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

it.concurrent('ends with 130 if it is interrupted', async () => {
  using folder = temporaryFolder()
  const reading = await startReading({ cwd: folder.path })
  reading.child.kill('SIGINT')
  expect(await reading.ended).toEqual({ code: 130, signal: null, stdout: '', stderr: '' })
})

describe.concurrent('npm', () => {
  it('runs it where the user stands', async () => {
    using folder = temporaryFolder()
    folder.write('deep/log.json.gz', gzipSync(logFile(recordsBy('x', 2))))
    const stand = path.join(folder.path, 'deep')
    // npm runs a script in the project's root, and says where it was called.
    const fromNpm = { npm_lifecycle_event: 'keytrail', INIT_CWD: stand }
    const start = ['usage', 'log.json.gz', 'gone.json', '--by', 'caller', '--format', 'csv', '--out', 'out.csv']
    const { code, stdout, stderr } = await keytrail(start, { cwd: ROOT, env: fromNpm })
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '',
      stderr: 'keytrail: could not read gone.json: no such file or folder\n',
    })
    expect(existsSync(path.join(stand, 'out.csv'))).toBe(true)
    // INIT_CWD may stand in the environment of a shell that npm has opened.
    const leftOver = await keytrail(['usage', 'log.json.gz', '--format', 'csv'], { cwd: stand, env: { INIT_CWD: ROOT } })
    expect(leftOver.code).toBe(0)
  })
})

describe.concurrent('an older Node.js', () => {
  it('hands over to the one that the project pins', async (context) => {
    if (OLD_NODE === null || !hasPinnedNode()) return context.skip('no older Node.js here, or none that is pinned')
    using folder = temporaryFolder()
    folder.write('log.json', logFile(recordsBy('file', 1)))
    const args = ['usage', 'log.json', '-', 'gone.json', '--by', 'caller', '--format', 'csv']
    const run = await keytrail(args, { cwd: folder.path, node: OLD_NODE, input: gzipSync(logFile(recordsBy('input', 1))) })
    expect(run).toEqual({
      code: 3,
      signal: null,
      stdout: 'caller,attributed,succeeded,failed\r\nfile,yes,1,0\r\ninput,yes,1,0\r\n',
      stderr: 'keytrail: could not read gone.json: no such file or folder\n',
    })
    const wrong = await keytrail(['usge'], { cwd: folder.path, node: OLD_NODE })
    expect(wrong.code).toBe(2)
  })

  it('is interrupted like any other', async (context) => {
    if (OLD_NODE === null || !hasPinnedNode()) return context.skip('no older Node.js here, or none that is pinned')
    using folder = temporaryFolder()
    const reading = await startReading({ cwd: folder.path, node: OLD_NODE, detached: true })
    // A terminal sends the signal to all processes of the group. The shell says 130 for a process that died of it, too.
    process.kill(-(reading.child.pid ?? 0), 'SIGINT')
    const { code, signal, stderr } = await reading.ended
    expect([130, 'SIGINT']).toContain(code ?? signal)
    expect(stderr).toBe('')
  })

  it('hands signals on, and leaves nothing running', async (context) => {
    if (OLD_NODE === null || !hasPinnedNode()) return context.skip('no older Node.js here, or none that is pinned')
    using folder = temporaryFolder()
    const reading = await startReading({ cwd: folder.path, node: OLD_NODE })
    reading.child.kill('SIGINT')
    // What is left running ends with its input; its output ends with it.
    let isTooLate = false
    const tooLate = setTimeout(() => {
      isTooLate = true
      reading.child.stdin?.end()
    }, 10_000)
    const { code, signal } = await reading.ended
    clearTimeout(tooLate)
    expect({ isTooLate, end: code ?? signal }).toEqual({ isTooLate: false, end: 130 })
  })

  it('says what to do where none is pinned', async (context) => {
    if (OLD_NODE === null) return context.skip('no older Node.js here')
    using folder = temporaryFolder()
    mkdirSync(path.join(folder.path, 'cli'))
    copyFileSync(KEYTRAIL, path.join(folder.path, 'cli/keytrail.mjs'))
    const { code, stdout, stderr } = await runProgram(OLD_NODE, ['cli/keytrail.mjs', '--version'], { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^keytrail: this is Node\.js \d+\.\d+\.\d+, and Keytrail needs 24\.\n.*"npm ci".*\n$/)
  })
})

/** Starts a run that waits for more input. Comes back once it reads. */
async function startReading(options: RunOptions): Promise<ReturnType<typeof startKeytrail>> {
  const reading = startKeytrail(['usage', '-'], options)
  reading.child.stdin?.on('error', () => undefined)
  // More than a pipe holds: it is written once the other side has read of it.
  await new Promise<void>((resolve) => reading.child.stdin?.write(' '.repeat(MIB), () => resolve()))
  return reading
}

function hasPinnedNode(): boolean {
  return existsSync(path.join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`))
}

function oldNode(): string | null {
  for (const place of ['/usr/bin/node', '/usr/local/bin/node']) {
    if (!existsSync(place)) continue
    const { stdout } = spawnSync(place, ['--version'], { encoding: 'utf8' })
    if (Number(/^v(\d+)\./.exec(stdout)?.[1]) < 24) return realpathSync(place)
  }
  return null
}
