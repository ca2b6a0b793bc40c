import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { failedCall, type Folder, logFile, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

/** What moves a cursor, breaks a line or turns the writing direction. */
const ALARMING = [
  ['\u{1b}[31mred\u{1b}[0m', '\u{1b}]0;title\u{7}', '\u{9b}31m', '\b\b\b\bdone', '\u{7f}', '\u{85}', 'tab\tbed'],
  ['\u{202e}gnp.exe', '\u{2066}isolate', '\u{200f}mark', '\u{61c}mark', '\u{200b}zero', '\u{feff}bom', '\u{e0041}tag', '\u{ad}soft'],
  ['\u{2028}line', '\u{2029}paragraph', 'first\nsecond', 'first\rsecond', 'first\r\nsecond', 'first\n=1+1', 'first\narn:aws:kms:forged'],
].flat()
const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '=cmd|"/c calc"!A1', '=HYPERLINK("http://x","y")']
const MARKUP = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '"quoted", and more']
const TEXTS = [...ALARMING, ...FORMULAS, ...MARKUP]
const BY = ['--by', 'key,caller,service,errorCode']

function writeTrail(folder: Folder): void {
  const calls = ['alias/', ''].flatMap((prefix) =>
    TEXTS.map((text, index) =>
      failedCall(`${prefix}${index}`, `${prefix}${text}`, {
        errorCode: text,
        userIdentity: { type: 'IAMUser', arn: text, invokedBy: text },
      }),
    ),
  )
  folder.write('trail.json', logFile(calls))
}

describe.concurrent('what a stranger wrote is inert', () => {
  it('in a table', async () => {
    using folder = temporaryFolder()
    writeTrail(folder)
    const { code, stdout, stderr } = await keytrailHere(['usage', 'trail.json', ...BY], { cwd: folder.path })
    expect({ code, stderr, alarming: alarmingIn(stdout) }).toEqual({ code: 0, stderr: '', alarming: [] })
    // One line a call, between headings and totals: none was broken.
    const rows = stdout.split('\n').filter((line) => / 0 +1$/.test(line))
    expect(rows).toHaveLength(2 * TEXTS.length)
    expect(stdout.split('\n')).toHaveLength(2 * TEXTS.length + 10)
    expect(stdout).toContain(String.raw`alias/\u{1b}[31mred\u{1b}[0m`)
    expect(stdout).toContain(String.raw`\u{202e}gnp.exe`)
  })

  it('in CSV', async () => {
    using folder = temporaryFolder()
    writeTrail(folder)
    const { code, stdout, stderr } = await keytrailHere(['usage', 'trail.json', ...BY, '--format', 'csv'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    // A line each, even for readers that know no quotes, and none that begins with a formula.
    const lines = stdout.split(/\r\n|[\r\n\u{85}\u{2028}\u{2029}]/u)
    expect(lines.filter((line) => /^"?[=+@＝]/.test(line))).toEqual([])
    expect(lines).toHaveLength(2 * TEXTS.length + 2)
    const rows = csvRows(stdout)
    expect(rows).toHaveLength(2 * TEXTS.length + 1)
    expect(rows.filter((row) => row.length !== 8)).toEqual([])
    expect(rows.flat().filter((cell) => /^[=+\-@＝＋－＠\t\r\n]/.test(cell))).toEqual([])
    expect(rows.flat()).toEqual(expect.arrayContaining(["'=1+1", "'+1", "'-1", "'@SUM(A1)", ...MARKUP]))
    expect(alarmingIn(stdout.replaceAll('\r\n', ''))).toEqual([])
  })

  it('on standard error, even as the name of a file', async () => {
    using folder = temporaryFolder()
    const names = TEXTS.map((text) => `${text.replaceAll('/', '_')}.json`)
    for (const name of names) folder.write(path.join('bad', name), 'oops')
    // Twenty places are shown at a time.
    for (let start = 0; start < names.length; start += 20) {
      const part = names.slice(start, start + 20).map((name) => path.join('bad', name))
      const { code, stderr } = await keytrailHere(['usage', '--format', 'csv', ...part], { cwd: folder.path })
      expect({ code, alarming: alarmingIn(stderr) }).toEqual({ code: 3, alarming: [] })
      expect(stderr.split('\n')).toHaveLength(part.length + 1)
    }
  })

  it('on standard error as an argument', async () => {
    using folder = temporaryFolder()
    const text = '\u{1b}[31m\u{202e}x'
    const calls = [[text], ['usage', text], ['usage', '.', `--${text}`], ['usage', '.', '--by', text], ['usage', '.', '--since', text]]
    const runs = await Promise.all([...calls, ['usage', '.', '--out', `${text}/x`]].map((args) => keytrailHere(args, { cwd: folder.path })))
    expect(runs.map(({ stderr }) => alarmingIn(stderr))).toEqual(runs.map(() => []))
    expect(runs.map(({ code, stderr }) => code === 2 || (code === 3 && stderr.includes(String.raw`\u{1b}[31m\u{202e}x`)))).not.toContain(
      false,
    )
  })
})

/** The line feed is how lines end. */
function alarmingIn(text: string): readonly string[] {
  return [...text.matchAll(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/gu)].map(([character]) => JSON.stringify(character))
}

/** The cells of CSV (RFC 4180), read without the library that wrote it. */
function csvRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\r|\n)/g)) {
    row.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}
