import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccountId, parseAccountId } from '../../shared/arn.ts'
import { isJsonObject } from '../../shared/json.ts'
import type { EpochS } from '../../shared/time.ts'
import { createContextDigester } from '../../shared/usage/context-digest.ts'
import { createPlainEventReader } from '../../shared/usage/plain-event.ts'
import { parseUsageEvent } from '../../shared/usage/usage-event.ts'
import { EVENT_AGE_S_MAX, readUsageMessage, type UsageMessage, usageMessageOf } from '../../shared/usage/usage-message.ts'
import { arbitraryTrail, createDice, DECOY, type Dice, type Json, writeJson } from '../support/arbitrary-trail.ts'

/** In the middle of the four hours in which the calls of a trail happen: some of them lie in the future. */
const NOW = (1_790_000_000 + 2 * 3600) as EpochS
const AUDITED = ['111122223333', '444455556666', '999999999999']
const STRANGER = '777788889999'
const reader = {
  accounts: new Set(AUDITED.map((id): AccountId | null => parseAccountId(id)).filter((id) => id !== null)),
  now: NOW,
  digestOf: createContextDigester(Buffer.from('a key for tests')),
}
const readPlainEvent = createPlainEventReader()

type Members = { readonly [name: string]: Json | undefined }

const FORGED: readonly Members[] = [
  { source: 'keytrail.test' },
  { source: 'aws.s3' },
  { source: 'aws.kms ' },
  { source: 'aws.kms.' },
  { source: '' },
  { source: undefined },
  { source: null },
  { source: 5 },
  { source: ['aws.kms'] },
  { account: STRANGER },
  { account: '11112222333' },
  { account: undefined },
  { account: 111122223333 },
  { account: { '0': '111122223333' } },
  { 'detail-type': undefined },
  { 'detail-type': 'KMS CMK Rotation' },
  { 'detail-type': 'AWS API Call via CloudTrail ' },
  { 'detail-type': ['AWS API Call via CloudTrail'] },
]
/** Members beside those of every event, some of which hold an event of their own. */
const BESIDE: readonly Members[] = [
  { note: 'é' },
  { note: '"detail":{"eventSource":"kms.amazonaws.com"}' },
  { inner: { source: 'keytrail.test', account: STRANGER, detail: { eventID: 'inner' } } },
  { resources: [{ detail: { eventID: 'inner' } }] },
  { ['__proto__']: { source: 'aws.kms', account: '111122223333' } },
  { CloudTrailEvent: '{}', Records: [], eventSource: 'kms.amazonaws.com' },
]
const DETAILS = ['null', '5', '"text"', '[]', '{}', '{"detail":{}}']

/** Writes a record, its own texts as CloudTrail writes them or as JSON allows it. */
function writeDetail(item: Json, dice: Dice): string {
  if (dice.oneIn(6)) return writeJson(item, dice)
  if (!isJsonObject(item) || dice.oneIn(2)) return JSON.stringify(item)
  const members = dice.shuffled(Object.entries(item)).flatMap(([name, value]): readonly string[] => {
    if (value === undefined) return []
    const written = typeof value === 'object' ? writeJson(value, dice) : JSON.stringify(value)
    const decoy = dice.oneIn(25) ? [`${JSON.stringify(name)}:"${DECOY}"`] : []
    return [...decoy, `${JSON.stringify(name)}:${written}`]
  })
  return `{${members.join(dice.oneIn(4) ? ' ,\n' : ',')}}`
}

/** Writes an event as EventBridge does, the detail last, or as JSON allows it. */
function writeBody(item: Json, dice: Dice): string {
  const about = { version: '0', 'detail-type': dice.pick(['AWS API Call via CloudTrail', 'AWS Service Event via CloudTrail']) }
  const from = { source: 'aws.kms', account: dice.pick(['111122223333', '444455556666']), time: '2026-10-20T06:10:00Z' }
  const changes = { ...(dice.oneIn(6) ? dice.pick(FORGED as [Members]) : {}), ...(dice.oneIn(4) ? dice.pick(BESIDE as [Members]) : {}) }
  const envelope: Members = { ...about, ...from, region: 'eu-central-1', resources: [], ...changes }
  if (dice.oneIn(4)) return writeJson({ ...envelope, detail: item }, dice, dice.oneIn(3) ? '\n' : '')
  const detail = dice.oneIn(20) ? dice.pick(DETAILS as [string]) : writeDetail(item, dice)
  const decoy = dice.oneIn(20) ? `,"detail":${dice.pick([...DETAILS, detail] as [string])}` : ''
  const behind = dice.oneIn(20) ? dice.pick([decoy, ',"more":{}', ' ', ',']) : ''
  return `${JSON.stringify(envelope).slice(0, -1)}${decoy},"detail":${detail}${behind}}`
}

const ODD = ['"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\n', '\0', '\u007f', 'é', '\ud800', '\udc00', '\ufeff', '0', '-', 'a', '\\u00']

/** A body with a piece cut out, put in, put in place of another, or put around it. */
function damaged(body: string, dice: Dice): string {
  const at = dice.below(body.length + 1)
  const odd = dice.pick(ODD as [string])
  switch (dice.below(6)) {
    case 0:
      return body.slice(0, at)
    case 1:
      return body.slice(0, at) + odd + body.slice(at)
    case 2:
      return body.slice(0, at) + odd + body.slice(at + 1)
    case 3:
      return body.slice(0, at) + body.slice(at + 1 + dice.below(30))
    case 4:
      return odd + body
    default:
      return body + odd
  }
}

/** With old calls, and those that no longer count. */
function aged(item: Json, dice: Dice): Json {
  if (!dice.oneIn(6) || !isJsonObject(item)) return item
  const second = NOW - EVENT_AGE_S_MAX - 60 + dice.below(120)
  return { ...item, eventTime: new Date(second * 1000).toISOString().replace('.000', '') }
}

/** A message with its identity copied: its bytes are valid only until the next message is read. */
function kept(message: UsageMessage) {
  if (message.kind !== 'uses') return message
  const { bytes, start, end } = message.identity
  return { ...message, identity: Buffer.from(bytes.subarray(start, end)).toString('hex') }
}

function definition(body: string): ReturnType<typeof kept> {
  return kept(usageMessageOf(parseUsageEvent(body), reader))
}

/** How often what could be read wrongly occurred, on either path. */
const seen = new Map<string, number>(
  ['uses', 'other', 'tooOld', 'malformed', 'spoofed'].flatMap((kind) => [`${kind}, plain`, `${kind}, parsed`]).map((name) => [name, 0]),
)
function see(name: string, count: number | boolean): void {
  seen.set(name, (seen.get(name) ?? 0) + Number(count))
}

function check(body: string, isDamaged: boolean): void {
  const message = kept(readUsageMessage(body, reader))
  expect(message).toEqual(definition(body))
  const isPlain = readPlainEvent(body) !== null
  see(`${message.kind}, ${isPlain ? 'plain' : 'parsed'}`, true)
  see('a damaged message whose uses count', isDamaged && message.kind === 'uses')
  if (message.kind !== 'uses' || !isPlain) return
  see('two uses of one call', message.uses.length === 2)
  see('digests of contexts', message.contextDigests.filter((digest) => digest !== null).length)
  see('characters beyond ASCII', Buffer.byteLength(body) > body.length)
  see('escapes within members', body.includes('\\u00'))
  see('members that a later one replaces', body.includes(DECOY))
  see('identities that are no UUID', message.identity.length !== 72)
}

describe('a message that is read without parsing it', () => {
  it('is what it is when it is parsed', () => {
    fc.assert(
      fc.property(arbitraryTrail, fc.nat({ max: 2 ** 31 }), (items, seed) => {
        const dice = createDice(seed)
        for (const item of items) {
          const body = writeBody(aged(item, dice), dice)
          check(body, false)
          check(damaged(body, dice), true)
          // What is remembered of it must not change it.
          check(body, false)
        }
      }),
      { numRuns: 100 },
    )
    expect([...seen].filter(([, count]) => count < 1)).toEqual([])
  })

  it.each(['', ' ', '{}', '[]', 'null', '5', '"detail":{', '{"detail":{}}', '{"detail":{', '"detail":{}', '\ud800', '{"detail":{}}}'])(
    'is malformed or spoofed where it is hardly an event: %j',
    (body) => {
      const message = kept(readUsageMessage(body, reader))
      expect(message).toEqual(definition(body))
      expect(['malformed', 'spoofed']).toContain(message.kind)
    },
  )
})

const CALL: Members = {
  eventSource: 'kms.amazonaws.com',
  eventName: 'Decrypt',
  eventID: '0a1b2c3d-0000-4000-8000-000000000000',
  eventTime: new Date((NOW - 60) * 1000).toISOString(),
  recipientAccountId: '111122223333',
  resources: [{ ARN: 'arn:aws:kms:eu-central-1:111122223333:key/a' }],
  requestParameters: { encryptionContext: { tenant: 'a' } },
}

function bodyOf(call: Members): string {
  const about = { 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.kms', account: '111122223333' }
  return JSON.stringify({ ...about, detail: call })
}

describe('a large message', () => {
  it.each([
    { name: 'of 400 KB', call: { ...CALL, note: 'a'.repeat(400_000) }, isPlain: true },
    { name: 'of 400,000 characters of three bytes', call: { ...CALL, note: '€'.repeat(400_000) }, isPlain: true },
    {
      name: 'whose context is large',
      call: { ...CALL, requestParameters: { encryptionContext: { a: 'b'.repeat(300_000) } } },
      isPlain: true,
    },
    { name: 'whose caller is large', call: { ...CALL, userIdentity: { arn: 'a'.repeat(300_000) } }, isPlain: true },
    { name: 'over 512 KiB', call: { ...CALL, note: 'a'.repeat(1 << 19) }, isPlain: false },
    { name: 'over 1 MiB', call: { ...CALL, note: '€'.repeat(1 << 20) }, isPlain: false },
    { name: 'over 3 MiB', call: { ...CALL, note: 'a'.repeat(3 << 20) }, isPlain: false },
  ])('is counted: $name', ({ call, isPlain }) => {
    const body = bodyOf(call)
    expect(readPlainEvent(body) !== null).toBe(isPlain)
    const message = kept(readUsageMessage(body, reader))
    expect(message).toEqual(definition(body))
    expect(message.kind).toBe('uses')
  })

  it.each(['[', '{"a":'])('is counted, however deep it is nested: %s', (opening) => {
    const depth = 200_000
    const deep = `${opening.repeat(depth)}1${(opening === '[' ? ']' : '}').repeat(depth)}`
    for (const call of [
      { ...CALL, deep: 'deep' },
      { ...CALL, requestParameters: { encryptionContext: { a: 'deep' } } },
    ]) {
      const body = bodyOf(call).replace('"deep"}', `${deep}}`)
      expect(body.length).toBeGreaterThan(depth)
      expect(readUsageMessage(body, reader).kind).toBe('uses')
    }
  })
})

/** The n-th of messages that have nothing in common. */
function unlike(n: number): string {
  const arn = `arn:aws:kms:eu-central-1:111122223333:key/${n}`
  const requestParameters = { encryptionContext: { n: `${n}`, more: 'b'.repeat(300) } }
  return bodyOf({ ...CALL, resources: [{ ARN: arn }], userIdentity: { arn: `arn:${n}:${'a'.repeat(300)}` }, requestParameters })
}

describe('what is remembered of messages', () => {
  it('is no digest under another key', () => {
    const other = { ...reader, digestOf: createContextDigester(Buffer.from('another key')) }
    const body = bodyOf(CALL)
    const digests = [reader, other, reader].map((one) => {
      const message = readUsageMessage(body, one)
      return message.kind === 'uses' ? message.contextDigests : []
    })
    expect(digests).toEqual([reader, other, reader].map(({ digestOf }) => [digestOf({ tenant: 'a' })]))
    expect(digests[0]).not.toEqual(digests[1])
  })

  it('never mistakes one for another, however many there are', () => {
    for (const n of [...Array.from({ length: 10_000 }).keys(), 0, 1, 4095, 4096, 4097, 9999]) {
      const message = readUsageMessage(unlike(n), reader)
      expect(message.kind === 'uses' ? message.uses.map(({ keyArn }) => keyArn) : []).toEqual([
        `arn:aws:kms:eu-central-1:111122223333:key/${n}`,
      ])
    }
  })

  it('never mixes up callers, keys and contexts, whichever come together, and however many', () => {
    const dice = createDice(1)
    // More callers, and more keys, than are remembered, beside a few that come again and again.
    const few = (n: number, many: number): number => (dice.oneIn(2) ? dice.below(n) : dice.below(many))
    const uses = new Set<string>()
    for (let n = 0; n < 20_000; n++) {
      const [role, session, key] = [few(5, 300), few(20, 30), few(20, 3000)]
      const owner = `arn:aws:kms:eu-central-1:111122223333:key/${key}`
      const requests: readonly Members[] = [
        { encryptionContext: { tenant: `${few(3, 500)}` } },
        { encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::bucket${dice.pick(['', '/object'])}` } },
        { keyId: `alias/${few(3, 30)}` },
        { sourceEncryptionContext: { a: `${few(3, 50)}` }, destinationEncryptionContext: { a: `${few(3, 50)}` } },
      ]
      const request = dice.pick(requests as [Members])
      const call = {
        ...CALL,
        eventName: 'sourceEncryptionContext' in request ? 'ReEncrypt' : dice.pick(['Decrypt', 'GenerateDataKey']),
        errorCode: dice.oneIn(8) ? dice.pick(['AccessDenied', 'DryRunOperationException']) : undefined,
        resources: dice.oneIn(8) ? undefined : [{ ARN: owner }, { ARN: `${owner}-2` }],
        requestParameters: dice.oneIn(20) ? undefined : request,
        userIdentity: {
          type: 'AssumedRole',
          arn: `arn:aws:sts::111122223333:assumed-role/role-${role}/session-${session}`,
          accountId: dice.pick(['111122223333', '444455556666']),
          invokedBy: dice.oneIn(3) ? 's3.amazonaws.com' : undefined,
        },
      }
      const message = kept(readUsageMessage(bodyOf(call), reader))
      expect(message).toEqual(definition(bodyOf(call)))
      if (message.kind === 'uses') for (const use of message.uses) uses.add(JSON.stringify(use))
    }
    expect(uses.size, 'different uses').toBeGreaterThan(8000)
  })

  it('has a limit', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heapAfter = (from: number, to: number): number => {
      for (let n = from; n < to; n++) readUsageMessage(unlike(n), reader)
      collect()
      return process.memoryUsage().heapUsed
    }
    const first = heapAfter(0, 10_000)
    // Between two times that everything was forgotten the heap may differ by as much as is remembered: 4096 calls of 2 KB.
    expect(heapAfter(10_000, 40_000) - first).toBeLessThan(10_000_000)
  })
})
