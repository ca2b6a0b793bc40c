import { afterAll, beforeAll, expect, it } from 'vitest'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import type { RunFacts } from '../../shared/workshop/registry.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import { s3Modes } from '../../shared/workshop/s3-modes.ts'
import type { CheckResult } from '../../shared/workshop/use-case.ts'
import { openWorkshop, type PlayedStage, type Wire, type WorkshopGround } from '../support/workshop-stage.ts'

const CUSTOMER_KEY = 'x-amz-server-side-encryption-customer-key'
type KeySent = { readonly key: string; readonly isSecure: boolean; readonly status: number }
const keysSent: KeySent[] = []
/** Notes the keys of SSE-C that leave here. */
const noting: Wire = (handle) => async (request, options) => {
  const { headers, protocol } = request as { readonly headers: Readonly<Record<string, string>>; readonly protocol: string }
  const answer = await handle(request, options)
  const { statusCode: status } = answer.response as { readonly statusCode: number }
  const key = headers[CUSTOMER_KEY]
  if (key !== undefined) keysSent.push({ key, isSecure: protocol === 'https:', status })
  return answer
}

/** As long as a test may take: other files run beside this one. */
const HOOK_MS = 60_000
let ground: WorkshopGround
let played: PlayedStage
let facts: RunFacts
beforeAll(async () => {
  ground = await openWorkshop()
  played = await ground.open(s3Modes.name, { wire: noting })
  await runUseCase(s3Modes, played.stage)
  facts = (await played.stage.registry.facts(s3Modes.name)) ?? {}
}, HOOK_MS)
afterAll(async () => {
  await cleanUp(played.stage)
  await played[Symbol.asyncDispose]()
  await ground.close()
})

async function checkOf(changed: RunFacts = facts): Promise<CheckResult> {
  return s3Modes.check(played.stage, changed)
}

it('shows each mode beside the others', async () => {
  const { tables = [] } = await checkOf()
  const [head, ...rows] = tables[0]?.rows ?? []
  expect(head).toEqual(['mode', 'headers sent', 'headers stored', 'key', 'who can read', 'KMS calls'])
  const all = 's3:GetObject: reads it; s3:GetObject and kms:Decrypt: reads it'
  const decrypting = 's3:GetObject: refused; s3:GetObject and kms:Decrypt: reads it'
  const s3Key = "S3's own, which no header names"
  const kms = '…: aws:kms; …-aws-kms-key-id: its KMS key'
  const bucketKey = `${kms}; …-bucket-key-enabled: true`
  const dsse = kms.replace('aws:kms;', 'aws:kms:dsse;')
  const customer = '…-customer-algorithm: AES256; …-customer-key-md5: MD5 of your key'
  const withKey = 's3:GetObject without the key: refused; s3:GetObject and the key: reads it'
  const ciphertext = 's3:GetObject: gets ciphertext; s3:GetObject and kms:Decrypt: reads it'
  expect(rows).toEqual([
    ['bucket default', 'none', '…: AES256', s3Key, all, 'none'],
    ['SSE-S3', '…: AES256', '…: AES256', s3Key, all, 'none'],
    ['SSE-KMS', kms, kms, 'its KMS key', decrypting, '3 GenerateDataKey, 3 Decrypt'],
    ['SSE-KMS, Bucket Key', bucketKey, bucketKey, 'its KMS key', decrypting, '1 GenerateDataKey, 1 Decrypt'],
    ['DSSE-KMS', dsse, dsse, 'its KMS key', decrypting, '1 GenerateDataKey, 1 Decrypt'],
    ['SSE-C', customer, customer, 'MD5 of your key', withKey, 'none'],
    ['client-side', 'none', '…: AES256', 'its KMS key', ciphertext, '1 GenerateDataKey, 1 Decrypt'],
  ])
})

it('compares every cell, and what SSE-C was refused', async () => {
  const other = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      /\.(?:sent|stored|key|readers|whileBlocked|overHttp)$/.test(name) ? 'other' : value,
    ]),
  )
  const { checks } = await checkOf(other)
  const verdicts = (verdict: string): readonly string[] => checks.filter((check) => check.verdict === verdict).map(({ what }) => what)
  expect(verdicts('fail').length).toBe(7 * 4 + 2)
  expect(verdicts('pass').filter((what) => !/KMS calls|encryption context/.test(what))).toEqual([])
  expect(verdicts('unknown')).toEqual([])
})

it('sees calls that should not be', async () => {
  const { kms } = played.stage.aws
  const context = { 'aws:s3:arn': 'arn:aws:s3:::bucket/object' }
  const { keyArn: foreign } = await kms.createKey({ description: '', tags: {} })
  await kms.dataKey(foreign, context)
  for (let call = 0; call < 2; call++) await kms.dataKey(String(facts['bucket-key.keyArn']), context)
  // As if the caller had been the role that puts.
  const { checks } = await checkOf({ ...facts, writer: played.stage.caller.arn })
  expect(checks.filter(({ verdict }) => verdict !== 'pass').map(({ what, seen }) => [what, seen])).toEqual([
    ['bucket default, KMS calls', '1 GenerateDataKey'],
    ['SSE-S3, KMS calls', '1 GenerateDataKey'],
    ['SSE-KMS, Bucket Key, KMS calls', '3 GenerateDataKey, 1 Decrypt'],
    ['SSE-C, KMS calls', '1 GenerateDataKey'],
    ['SSE-KMS, Bucket Key, the ARN in the encryption context', "s3-object, the bucket's"],
  ])
})

it('sends a key of SSE-C that encrypts data over TLS alone, and keeps none', async () => {
  const inClear = keysSent.filter(({ isSecure }) => !isSecure)
  expect(inClear).toMatchObject([{ status: 400 }])
  const blocked = keysSent.filter(({ status }) => status === 403)
  expect(blocked).toMatchObject([{ isSecure: true }])
  const used = keysSent.filter(({ status }) => status === 200)
  expect(new Set(used.map(({ key }) => key)).size).toBe(1)
  expect(new Set(keysSent.map(({ key }) => key)).size).toBe(3)
  const told = JSON.stringify([
    played.news,
    facts,
    await played.stage.registry.entries(s3Modes.name),
    await checkUseCase(s3Modes, played.stage),
  ])
  for (const { key } of keysSent) {
    for (const form of [key, Buffer.from(key, 'base64').toString('hex'), JSON.stringify(key).slice(1, -1)]) expect(told).not.toContain(form)
  }
})
