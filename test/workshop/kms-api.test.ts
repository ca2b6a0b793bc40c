import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunFacts } from '../../shared/workshop/registry.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import { kmsApi } from '../../shared/workshop/kms-api.ts'
import { whenInEffect } from '../../shared/workshop/taking-effect.ts'
import type { CheckResult } from '../../shared/workshop/use-case.ts'
import { openWorkshop, type PlayedStage, type WorkshopGround } from '../support/workshop-stage.ts'

/** A whole run, on a machine that does other things too. */
const HOOK_MS = 60_000
let ground: WorkshopGround
let opened: PlayedStage
let facts: RunFacts

beforeAll(async () => {
  ground = await openWorkshop()
  opened = await ground.open('kms-api')
  await runUseCase(kmsApi, opened.stage)
  facts = (await opened.stage.registry.facts('kms-api')) ?? {}
}, HOOK_MS)
afterAll(async () => {
  await opened[Symbol.asyncDispose]()
  await ground.close()
})

async function checked(): Promise<CheckResult> {
  const result = await checkUseCase(kmsApi, opened.stage)
  if (result === null) throw new Error('the run left no facts')
  return result
}

describe('kms-api', () => {
  it('shows what KMS documents, and counts each call once', async () => {
    const { checks, tables = [] } = await checked()
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
    const [access, uses] = tables
    expect(access?.rows.slice(1)).toEqual([
      ['lets nobody use the key', 'allows nothing', 'AccessDeniedException'],
      ['names the role', 'allows nothing', 'succeeded'],
      ['leaves it to IAM', 'allows nothing', 'AccessDeniedException'],
      ['leaves it to IAM', 'allows it', 'succeeded'],
      ['lets nobody use the key', 'allows it', 'AccessDeniedException'],
    ])
    const counted = uses?.rows.slice(1).map(([key, operation, , outcome, calls]) => [key, operation, outcome, calls].join(' '))
    expect(counted).toEqual([
      'the key Decrypt InvalidCiphertextException 1',
      'the key Decrypt succeeded 5',
      'the key Encrypt DisabledException 1',
      'the key Encrypt succeeded 3',
      'the key GenerateDataKey succeeded 2',
      'the key GenerateDataKeyWithoutPlaintext succeeded 1',
      'the key ReEncryptFrom succeeded 1',
      'the second key Decrypt succeeded 1',
      'the second key ReEncryptTo succeeded 1',
      'the key for one role GenerateDataKeyWithoutPlaintext succeeded 2',
      'not named GenerateDataKeyWithoutPlaintext AccessDenied 3',
    ])
  })

  it('tells what KMS said, and shows neither plaintext nor context', () => {
    const told = opened.news.flatMap((one) => (one.kind === 'step' ? [one.title, ...one.lines] : []))
    const text = told.join('\n')
    expect(text).toContain('ValidationException')
    expect(text).toContain('because no resource-based policy allows the kms:GenerateDataKeyWithoutPlaintext action')
    expect(text).toContain('because no identity-based policy allows')
    expect(text).not.toContain('what is to be encrypted under one has to travel')
    expect(text).not.toContain('keytrail workshop kms-api')
  })

  it('fails on what differs: a call more, a text that was changed, an outcome that is not documented', async () => {
    const { stage } = opened
    await stage.aws.kms.encrypt(String(facts['keyArn']), Buffer.from('one more'), {})
    await stage.registry.writeFacts('kms-api', { ...facts, aboveLimit: 'succeeded', access5: 'succeeded', oldOpenedUnder: 'other' })
    stage.files.write('larger_text.txt', Buffer.from('another text'))
    const { checks } = await checked()
    expect(checks.filter(({ verdict }) => verdict === 'fail').map(({ what, seen }) => `${what}: ${seen}`)).toEqual([
      'Encrypt of 4097 bytes: succeeded',
      'larger_text_cycled.txt is the same as larger_text.txt: no',
      'after the rotation the old ciphertext is decrypted under the key material: other',
      'key policy lets nobody use the key, IAM policy allows it: succeeded',
      'the key: Encrypt calls that CloudTrail counts: 4',
    ])
  })
})

describe('what takes effect late', () => {
  it('is looked at again until it is seen, and told of meanwhile', async () => {
    const { stage } = opened
    const begun = await stage.time.now()
    const before = opened.news.length
    const seen = await whenInEffect(
      stage,
      'the test',
      async () => (await stage.time.now()) - begun,
      (soFarS) => soFarS >= 40,
    )
    expect(seen.last).toBeGreaterThanOrEqual(40)
    expect(seen.all.length).toBeGreaterThan(2)
    expect(seen.all.slice(0, -1).every((soFarS) => soFarS < 40)).toBe(true)
    const told = opened.news.slice(before).map((one) => (one.kind === 'waiting' ? one.what : one.title))
    expect(told).toEqual(seen.all.slice(1).map(() => 'the test'))
  })

  it('is what it is after five minutes', async () => {
    const { stage } = opened
    const begun = await stage.time.now()
    const seen = await whenInEffect(
      stage,
      'the test',
      () => Promise.resolve('never'),
      () => false,
    )
    expect(seen.last).toBe('never')
    const waitedS = (await stage.time.now()) - begun
    expect(waitedS).toBeGreaterThanOrEqual(300)
    expect(waitedS).toBeLessThan(400)
  })
})
