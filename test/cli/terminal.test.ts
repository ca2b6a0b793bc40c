import { spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { KEYTRAIL, logFile, recordsBy, runProgram, temporaryFolder } from '../support/cli.ts'

/** Of util-linux: runs a command at a terminal of its own; what is shown there comes to its standard output. */
const SCRIPT = '/usr/bin/script'
const HAS_TERMINAL = /util-linux/.test(spawnSync(SCRIPT, ['--version'], { encoding: 'utf8' }).stdout ?? '')

async function atTerminal(command: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  using folder = temporaryFolder()
  folder.write('log.json', logFile(recordsBy('x', 2)))
  const words = { NODE: process.execPath, KEYTRAIL }
  const { stdout } = await runProgram(SCRIPT, ['-qec', `stty cols 100; ${command}`, '/dev/null'], {
    cwd: folder.path,
    env: { ...env, ...words },
  })
  return stdout.replaceAll('\r\n', '\n')
}

const TABLE = '"$NODE" "$KEYTRAIL" usage log.json'
/** Reads for three seconds: what comes first is more than a pipe holds, so that the second begins when it reads. */
const SLOW = '(printf "{\\"Records\\":["; printf "%300000s" ""; sleep 3; printf "]}") | "$NODE" "$KEYTRAIL" usage -'
const BOLD = '\u{1b}[1mKMS calls\u{1b}[22m'
const ERASE_LINE = '\r\u{1b}[K'
const PROGRESS = /reading: [\d.]+ MB · [\d.]+ MB\/s/

describe.concurrent('at a terminal', () => {
  it('a table has colours, unless the user wants none', async (context) => {
    if (!HAS_TERMINAL) return context.skip('no `script` of util-linux here')
    const [colored, plain, dumb, toFile] = await Promise.all([
      atTerminal(TABLE),
      atTerminal(TABLE, { NO_COLOR: '1' }),
      atTerminal(TABLE, { TERM: 'dumb' }),
      atTerminal(`${TABLE} --out out.txt; cat out.txt`),
    ])
    expect(colored).toContain(BOLD)
    for (const text of [plain, dumb, toFile]) {
      expect(text).toContain('KMS calls\n')
      expect(text).not.toContain('\u{1b}[1m')
      expect(text).not.toContain('\u{1b}[2m')
    }
    // Colours change nothing of what is said.
    expect(stripVTControlCharacters(colored)).toBe(stripVTControlCharacters(plain))
  })

  it('progress is shown while it reads for long, and gone afterwards', async (context) => {
    if (!HAS_TERMINAL) return context.skip('no `script` of util-linux here')
    const [shown, quiet, toFile] = await Promise.all([
      atTerminal(SLOW),
      atTerminal(`${SLOW} --quiet`),
      atTerminal(`${SLOW} --format json > out.json; cat out.json`),
    ])
    expect(shown).toMatch(PROGRESS)
    expect(shown.slice(shown.lastIndexOf('MB/s'))).toContain(`MB/s${ERASE_LINE}${BOLD}`)
    expect(quiet).not.toMatch(PROGRESS)
    expect(quiet).not.toContain('\r')
    // It goes to standard error: what standard output holds is whole.
    expect(toFile).toMatch(PROGRESS)
    expect(() => JSON.parse(toFile.slice(toFile.lastIndexOf(ERASE_LINE) + ERASE_LINE.length)) as unknown).not.toThrow()
  })
})
