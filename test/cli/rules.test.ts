import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { nearest } from '../../shared/nearest.ts'
import { type Ended, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

const IDS = ALL_RULES.map(({ id }) => id).toSorted()

async function run(...args: readonly string[]): Promise<Ended> {
  using folder = temporaryFolder()
  return await keytrailHere(args, { cwd: folder.path })
}

describe.concurrent('keytrail rules', () => {
  it('lists every rule, a line each', async () => {
    const { code, stdout, stderr } = await run('rules')
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^rule +severity +judges +what$/)
    expect(lines.map((line) => line.split(' ', 1)[0])).toEqual(IDS)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('tells programs all of it, sorted', async () => {
    const { code, stdout } = await run('rules', '--format', 'json')
    const catalogue = JSON.parse(stdout) as { readonly format: string; readonly rules: readonly { readonly id: string }[] }
    expect(catalogue.format).toBe('keytrail.rules/1')
    expect(catalogue.rules.map(({ id }) => id)).toEqual(IDS)
    expect(catalogue.rules.find(({ id }) => id === 'kms-key-rotation-enabled')).toMatchObject({
      severity: 'medium',
      kind: 'kms_key',
      watches: { 'kms.amazonaws.com': expect.arrayContaining(['DisableKeyRotation', 'RotateKey']) as unknown },
      remediation: { writes: ['kms:EnableKeyRotation'] },
    })
    expect(code).toBe(0)
  })

  it('replaces a file only if told to', async () => {
    using folder = temporaryFolder()
    folder.write('rules.json', 'mine')
    const refused = await keytrailHere(['rules', '--out', 'rules.json'], { cwd: folder.path })
    expect(refused).toMatchObject({ code: 2, stderr: 'keytrail: rules.json exists: --force replaces it\n' })
    expect(await keytrailHere(['rules', '--out', 'rules.json', '--force'], { cwd: folder.path })).toMatchObject({ code: 0, stdout: '' })
    expect(readFileSync(`${folder.path}/rules.json`, 'utf8')).toContain(IDS[0])
  })
})

describe.concurrent('keytrail explain', () => {
  it('tells what there is to say of a rule', async () => {
    const { code, stdout } = await run('explain', 'kms-key-rotation-enabled')
    expect(code).toBe(0)
    for (const words of [
      'KMS key rotates automatically.',
      'Out of scope',
      'rotation: kms:GetKeyRotationStatus',
      'RotateKey',
      'CIS AWS',
      'kms:EnableKeyRotation',
    ]) {
      expect(stdout).toContain(words)
    }
  })

  it.each([
    ['two letters in the wrong order', 'kms-key-rotation-enabeld', 'did you mean kms-key-rotation-enabled?'],
    ['nothing', 'x\u{1b}[2J', 'keytrail rules lists them'],
  ])('suggests what may be meant by %s', async (_, id, words) => {
    const { code, stderr } = await run('explain', id)
    expect(code).toBe(2)
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('\u{1b}')
  })
})

describe('the nearest word', () => {
  it.each([
    ['exemption', 'exemptions'],
    ['rulse', 'rules'],
    ['Owners', 'owners'],
    ['onwers', 'owners'],
    ['expectaions', 'expectations'],
    ['policy', null],
    ['', null],
    ['RULES', 'rules'],
    ['x'.repeat(5000), null],
  ])('is found: case %#', (written, word) => {
    expect(nearest(written, ['expectations', 'rules', 'exemptions', 'owners'])).toBe(word)
  })
})
