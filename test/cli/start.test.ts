import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openState } from '../../local/state.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import { type Folder, keytrail, kmsRecord, logFile, ROOT, runProgram, temporaryFolder } from '../support/cli.ts'
import { keytrailHere } from '../support/here.ts'

function checksThatPass(count: number): readonly string[] {
  return Array.from({ length: count }, () => 'pass')
}

function lastRun(folder: Folder): RunReport {
  return JSON.parse(readFileSync(path.join(folder.path, '.keytrail/last-run.json'), 'utf8')) as RunReport
}

/** Of the time of the sample events. */
const RECENT = { eventTime: '2026-10-20T12:00:00Z' }
const EVENTS = path.join(ROOT, 'events')
/** `paths`: what `keytrail usage` counts of what is played; `own`: the uses of the key of the run itself. */
const RUNS = [
  {
    by: 'key,operation',
    own: [
      ['Decrypt', 4],
      ['Encrypt', 1],
      ['GenerateDataKey', 3],
      ['GenerateDataKeyWithoutPlaintext', 1],
    ],
    paths: [EVENTS],
    start: [],
    code: 0,
    stderr: '',
    leftOut: 0,
  },
  {
    by: 'key',
    own: [[undefined, 9]],
    paths: [EVENTS, 'recent'],
    start: ['--', EVENTS, 'recent', 'old', 'bad', '--by', 'key'],
    code: 3,
    stderr: 'keytrail: could not read bad/bad.json, record 1: no CloudTrail record: eventName is missing\n',
    leftOut: 1,
  },
] as const

/** What was weakened is put right, once; a person takes the bucket's change back, and it stays so. One key is retired, one is saved. */
function expectChanges({ audit, changes, retirements, notices, useCases }: RunReport): void {
  // Two of one second stand in no order.
  const ofBucket = changes
    .filter(({ arn }) => arn === `arn:aws:s3:::${audit.bucket}`)
    .toSorted((one, other) => Number(one.undoes !== null) - Number(other.undoes !== null))
  const ofKey = changes.filter(({ arn }) => arn === audit.keyArn)
  expect(ofKey).toMatchObject([{ before: 'automatic rotation is off', after: 'automatic rotation is on, every 365 days', state: 'done' }])
  const [done, undo] = ofBucket
  expect(ofBucket).toMatchObject([
    { by: 'keytrail-enforce', state: 'undone', undoes: null, after: expect.stringContaining(`aws:kms, under ${audit.keyArn}`) as unknown },
    { by: expect.stringContaining(':user/local') as unknown, state: 'done', undoes: done?.id },
  ])
  expect([undo?.before, undo?.after]).toEqual([done?.after, done?.before])
  expect(retirements.map(({ keyArn }) => keyArn)).toEqual(useCases.map(({ keyArn }) => keyArn))
  const [unwanted, wanted] = retirements.map(({ stood }) => stood.map(({ stage, state }) => `${state}, ${stage ?? ''}`))
  expect(unwanted).toEqual(['Disabled, watching', 'Disabled, watching', 'PendingDeletion, scheduled', 'deleted, deleted'])
  expect(wanted).toEqual(['Disabled, watching', 'Enabled, saved', 'Enabled, saved', 'Enabled, saved'])
  expect(notices.length).toBeGreaterThan(3)
}

describe('npm start', () => {
  it('plays the sample events twice in a row, the own trail among them, and ends by itself with the table that keytrail usage tells', async () => {
    using folder = temporaryFolder()
    const env = { npm_config_cache: folder.beside('npm'), npm_config_update_notifier: 'false' }
    folder.write('recent/log.json', logFile([kmsRecord('one', RECENT), kmsRecord('one', RECENT), kmsRecord('two', RECENT)]))
    folder.write('old/log.json', logFile([kmsRecord('old', { eventTime: '2026-08-01T12:00:00Z' })]))
    folder.write('bad/bad.json', '{"Records":[{"eventSource":"kms.amazonaws.com"}]}')
    for (const { by, own, paths, start, code, stderr, leftOut } of RUNS) {
      const usage = await keytrailHere(['usage', ...paths, '--by', by, '--format', 'json'], { cwd: folder.path })
      const counted = JSON.parse(usage.stdout) as RunReport['usage']
      const run = await runProgram('npm', ['--prefix', ROOT, '--silent', 'start', ...start], { cwd: folder.path, env })
      const { stdout } = run
      expect(run).toMatchObject({ code, stderr })
      expect(stdout).toMatch(/^1\. A local cloud is up at http:\/\/127\.0\.0\.1:\d+, /)
      expect(stdout).toContain('state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS: it delivers')
      expect(stdout).toContain('a forged KMS event with source keytrail.test: matches no rule')
      expect(stdout).toContain('a forged KMS event with source aws.kms: refused, NotAuthorizedForSourceException')
      expect(stdout).toMatch(
        by === 'key' ? /\nKMS calls\nKMS key +succeeded {2}failed\narn:/ : /\nKMS calls\nKMS key +operation +succeeded {2}failed\narn:/,
      )
      const { calls, usage: told, folded, arrived, parked, played, useCases, audit, agreesWithUsage, format } = lastRun(folder)
      expect({ agreesWithUsage, format }).toEqual({ agreesWithUsage: true, format: 'keytrail.run/1' })
      expect(folded.messages).toBe(arrived.inQueue + 1)
      expect(folded.messages).toBe(folded.uses + folded.other + folded.tooOld + folded.malformed + folded.spoofed)
      expect(folded).toMatchObject({ malformed: 2, spoofed: 1, failed: 0 })
      expect(parked.map(({ kind }) => kind)).toEqual(['malformed', 'malformed', 'spoofed'])
      expect(played.repeats).toBeGreaterThan(10)
      expect(played.leftOut).toBe(leftOut)
      expect(stdout.includes('1 left out, being too many or too old for the live path')).toBe(leftOut === 1)
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
      expectChanges(lastRun(folder))
      const ofTheKey = told.calls.filter(({ keyArn }) => keyArn === calls.keyArn)
      expect(ofTheKey.map(({ operation, succeeded }) => [operation, succeeded])).toEqual(own)
      const ofTheRun = [calls.keyArn, audit.keyArn, ...useCases.map(({ keyArn }) => keyArn)]
      const others = told.calls.filter(({ keyArn }) => !ofTheRun.includes(String(keyArn)))
      expect(others).toEqual(counted.calls)
      expect(told.unattributed).toEqual(counted.unattributed)
    }
    // Two whole runs, with a thread for each function: on a busy machine that takes its time.
  }, 120_000)

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
