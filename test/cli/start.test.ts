import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openState } from '../../local/state.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import { type Folder, keytrail, KEY_ARN, kmsRecord, logFile, ROOT, runProgram, temporaryFolder } from '../support/cli.ts'

function checksThatPass(count: number): readonly string[] {
  return Array.from({ length: count }, () => 'pass')
}

function lastRun(folder: Folder): RunReport {
  return JSON.parse(readFileSync(path.join(folder.path, '.keytrail/last-run.json'), 'utf8')) as RunReport
}

describe('npm start', () => {
  it('plays the sample events twice in a row, and ends by itself with the table that keytrail usage tells', async () => {
    using folder = temporaryFolder()
    const env = { npm_config_cache: folder.beside('npm'), npm_config_update_notifier: 'false' }
    const usage = await keytrail(['usage', path.join(ROOT, 'events'), '--format', 'json'], { cwd: folder.path })
    const counted = JSON.parse(usage.stdout) as RunReport['usage']
    for (let run = 0; run < 2; run++) {
      const { code, stdout, stderr } = await runProgram('npm', ['--prefix', ROOT, '--silent', 'start'], { cwd: folder.path, env })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^1\. A local cloud is up at http:\/\/127\.0\.0\.1:\d+, /)
      expect(stdout).toContain('state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS: it delivers')
      expect(stdout).toContain('a forged KMS event with source keytrail.test: matches no rule')
      expect(stdout).toContain('a forged KMS event with source aws.kms: refused, NotAuthorizedForSourceException')
      expect(stdout).toMatch(/\nKMS calls\nKMS key +operation +succeeded {2}failed\narn:/)
      const { calls, usage: told, folded, arrived, parked, played, useCases, audit, agreesWithUsage, format } = lastRun(folder)
      expect({ agreesWithUsage, format }).toEqual({ agreesWithUsage: true, format: 'keytrail.run/1' })
      expect(folded.messages).toBe(arrived.inQueue + 1)
      expect(folded.messages).toBe(folded.uses + folded.other + folded.tooOld + folded.malformed + folded.spoofed)
      expect(folded).toMatchObject({ malformed: 2, spoofed: 1, failed: 0 })
      expect(parked.map(({ kind }) => kind)).toEqual(['malformed', 'malformed', 'spoofed'])
      expect(played.repeats).toBeGreaterThan(10)
      expect(useCases.map(({ name, checks }) => [name, checks.map(({ verdict }) => verdict)])).toEqual([
        ['sse', checksThatPass(6)],
        ['caching', checksThatPass(4)],
      ])
      expect(stdout).toContain('GenerateDataKey calls that CloudTrail counts: 1')
      expect(audit.findings).toMatchObject([
        { ruleId: 's3-bucket-encryption-not-weakened', status: 'failing', arn: `arn:aws:s3:::${audit.bucket}` },
        { ruleId: 'kms-key-rotation-enabled', status: 'failing', arn: audit.keyArn, reason: 'automatic rotation is off' },
      ])
      for (const { ruleId, reason } of audit.findings) {
        expect(stdout).toContain(`${ruleId}: failing, ${reason}`)
        expect(audit.mails.map(({ body }) => body).join('\n')).toContain(reason)
      }
      expect(stdout).toContain('a mail to security@example.com: [Keytrail] ')
      const own = told.calls.filter(({ keyArn }) => keyArn === calls.keyArn)
      expect(own.map(({ operation, succeeded }) => [operation, succeeded])).toEqual([
        ['Decrypt', 4],
        ['Encrypt', 1],
        ['GenerateDataKey', 3],
        ['GenerateDataKeyWithoutPlaintext', 1],
      ])
      const ofTheRun = [calls.keyArn, audit.keyArn, ...useCases.map(({ keyArn }) => keyArn)]
      const others = told.calls.filter(({ keyArn }) => !ofTheRun.includes(String(keyArn)))
      expect(others).toEqual(counted.calls)
      expect(told.unattributed).toEqual(counted.unattributed)
    }
    // Two whole runs, with a thread for each function: on a busy machine that takes its time.
  }, 120_000)

  it('plays the own trail, without what is too old for the live path', async () => {
    using folder = temporaryFolder()
    const old = kmsRecord('old', { eventTime: '2026-08-01T12:00:00Z' })
    folder.write('trail/log.json', logFile([kmsRecord('one'), kmsRecord('one'), kmsRecord('two'), old]))
    folder.write('trail/bad.json', '{"Records":[{"eventSource":"kms.amazonaws.com"}]}')
    const { code, stderr, stdout } = await keytrail(['start', 'trail', '--by', 'key'], { cwd: folder.path })
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'keytrail: could not read trail/bad.json, record 1: no CloudTrail record: eventName is missing\n',
    })
    expect(stdout).toContain('1 left out, being too many or too old for the live path')
    expect(stdout).toMatch(new RegExp(`${KEY_ARN} +2 +0\n`))
    expect(lastRun(folder)).toMatchObject({ played: { records: 3, leftOut: 1 }, agreesWithUsage: true })
  })

  it('says what is in its way where another run goes on', async () => {
    using folder = temporaryFolder()
    const held = await openState(path.join(folder.path, '.keytrail/run'), { fresh: false })
    const { code, stderr } = await keytrail(['start'], { cwd: folder.path })
    held.close()
    const reason = /^keytrail: the run could not be finished\.\nA local cloud already runs in .*\.keytrail\/run \(process \d+\)/
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(reason) as string })
  })

  it('refuses a folder that cannot be used', async () => {
    using folder = temporaryFolder()
    writeFileSync(path.join(folder.path, '.keytrail'), 'no folder')
    const { code, stderr } = await keytrail(['start'], { cwd: folder.path })
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining('.keytrail') as string })
  })
})
