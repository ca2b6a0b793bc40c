import { chmodSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  jsonLines,
  keytrail,
  KEY_ARN,
  kmsRecord,
  logFile,
  recordsBy,
  succeededBy,
  temporaryFolder,
  unreadLines,
  usage,
} from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

describe.concurrent('a bad path', () => {
  it('is reported, and the others are read', async () => {
    using folder = temporaryFolder()
    folder.write('good.json', logFile(recordsBy('good', 2)))
    mkdirSync(path.join(folder.path, 'empty'))
    mkdirSync(path.join(folder.path, 'empty.json'))
    folder.write('others/README.md', 'no trail')
    const longName = 'x'.repeat(300)
    const paths = ['gone.json', 'gone/', 'good.json/deeper.json', 'empty', 'empty.json', 'others', longName, 'good.json']
    const { code, stderr, report } = await usage(folder, paths)
    const nothing = 'no CloudTrail files (.json, .jsonl, .ndjson, gzipped or not) in this folder'
    expect(report.malformed).toEqual([
      { file: 'empty', position: 0, reason: nothing },
      { file: 'empty.json', position: 0, reason: nothing },
      { file: 'gone.json', position: 0, reason: 'no such file or folder' },
      { file: 'gone/', position: 0, reason: 'no such file or folder' },
      { file: 'good.json/deeper.json', position: 0, reason: 'a part of its path is no folder' },
      { file: 'others', position: 0, reason: nothing },
      { file: longName, position: 0, reason: 'its name is too long' },
    ])
    expect({ code, stderr, records: report.records }).toEqual({ code: 3, stderr: unreadLines(report), records: 2 })
  })

  it('without a character is not the folder where the user stands', async () => {
    using folder = temporaryFolder()
    folder.write('trail.json', logFile(recordsBy('x', 1)))
    // What a script passes on if its variable is not set.
    const { code, stdout, stderr } = await keytrailHere(['usage', '', '--format', 'csv'], { cwd: folder.path })
    expect(stdout).not.toContain(KEY_ARN)
    expect(stderr).toMatch(/^keytrail: /)
    expect([2, 3]).toContain(code)
  })

  it('is none, if it is a folder that is called like a file', async () => {
    using folder = temporaryFolder()
    folder.write('trail.json/a.json', logFile(recordsBy('a', 1)))
    folder.write('deep/trail.json.gz/b.jsonl', jsonLines(recordsBy('b', 1)))
    mkdirSync(path.join(folder.path, 'deep/empty.json'))
    const { code, report } = await usage(folder, ['trail.json', 'deep', '--by', 'caller'])
    expect({ code, calls: succeededBy(report.calls, 'caller'), malformed: report.malformed }).toEqual({
      code: 0,
      calls: { a: 1, b: 1 },
      malformed: [],
    })
  })

  it('may begin with a hyphen', async () => {
    using folder = temporaryFolder()
    folder.write('-x.json', logFile([kmsRecord('x')]))
    const [asOption, behindHyphens, inFolder] = await Promise.all(
      [['-x.json'], ['--', '-x.json'], ['./-x.json']].map((args) =>
        keytrailHere(['usage', '--format', 'csv', ...args], { cwd: folder.path }),
      ),
    )
    expect(asOption).toMatchObject({ code: 2, stdout: '' })
    expect(asOption?.stderr).toContain("unknown option '-x.json'")
    expect(behindHyphens).toEqual(inFolder)
    expect(inFolder).toMatchObject({ code: 0, stderr: '' })
  })

  it('is one that the user may not read', async (context) => {
    using folder = temporaryFolder()
    // Permissions do not bind root: it runs this as somebody else.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined
    const probe = await keytrail(['--version'], { cwd: folder.path, uid }).catch(() => null)
    if (process.platform === 'win32' || probe?.code !== 0) return context.skip('no other user can run Keytrail from here')

    for (const name of ['open.json', 'closed.json', 'closed/a.json', 'listed/b.json']) folder.write(name, logFile(recordsBy(name, 1)))
    chmodSync(path.join(folder.path, 'closed.json'), 0o000)
    chmodSync(path.join(folder.path, 'closed'), 0o000)
    chmodSync(path.join(folder.path, 'listed'), 0o444)
    // Whoever it is writes the report beside the folder.
    chmodSync(path.dirname(folder.path), 0o777)
    try {
      const { code, stderr, report } = await usage(folder, ['.'], { uid })
      expect(report.malformed).toEqual([
        { file: 'closed', position: 0, reason: 'no permission to read it' },
        { file: 'closed.json', position: 0, reason: 'no permission to read it' },
        { file: 'listed/b.json', position: 0, reason: 'no permission to read it' },
      ])
      expect({ code, stderr, records: report.records }).toEqual({ code: 3, stderr: unreadLines(report), records: 1 })
    } finally {
      // Only so can whoever is not root remove them.
      for (const name of ['closed', 'listed']) chmodSync(path.join(folder.path, name), 0o755)
    }
  })
})
