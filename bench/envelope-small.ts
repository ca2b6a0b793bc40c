/** Many small messages under cached data keys. */
import { randomBytes } from 'node:crypto'
import { formatFloor } from './envelope-floor.ts'
import { type Contender, timed, timesAsFast, type Timing } from './envelope-rounds.ts'
import {
  CONTEXT,
  headerBytesOf,
  keytrail,
  messageOf,
  oracle,
  requireAgreement,
  type Side,
  type SuiteId,
  type Write,
} from './envelope-sides.ts'
import { say, type Verdict, within } from './live-say.ts'

const BYTES = 1024
const FRAME_LENGTH = 4096
const TAG_BYTES = 16
/** Distinct messages that are read in turn. */
const MESSAGES = 64
/** Many, and each short enough to fit between two things that a busy machine does. */
const ROUNDS = { rounds: 301, warmUps: 30, isCollected: false }
const OPERATIONS = { '0478': { own: 100, oracle: 15 }, '0578': { own: 2, oracle: 2 } } as const

export async function benchSmall(): Promise<readonly Verdict[]> {
  const verdicts = await benchSuite('0478')
  await benchSuite('0578')
  await benchContexts()
  return verdicts
}

async function benchSuite(suite: SuiteId): Promise<readonly Verdict[]> {
  const plaintext = randomBytes(BYTES)
  const write: Write = { suite, frameLength: FRAME_LENGTH, encryptionContext: CONTEXT }
  const sides = { own: keytrail(), oracle: oracle() }
  const messages = { own: await written(sides.own, plaintext, write), oracle: await written(sides.oracle, plaintext, write) }
  const headerBytes = headerBytesOf(messages.own[0] ?? plaintext) - TAG_BYTES
  const operations = OPERATIONS[suite]
  const floor = formatFloor(operations.own, headerBytes, plaintext)
  const own = {
    encrypt: encrypting(sides.own, operations.own, plaintext, [write]),
    decrypt: decrypting(sides.own, operations.own, messages.own),
  }
  // First without the oracle, which leaves neither the processor's caches nor the heap as they were.
  const bare = await timed({ ...own, floorEncrypt: floor.encrypt, floorDecrypt: floor.decrypt }, ROUNDS)
  await requireAgreement([sides.own, sides.oracle], plaintext, write)
  const results = await timed(
    {
      ...own,
      oracleEncrypt: encrypting(sides.oracle, operations.oracle, plaintext, [write]),
      oracleDecrypt: decrypting(sides.oracle, operations.oracle, messages.oracle),
    },
    { ...ROUNDS, rounds: 151 },
  )
  const isSigned = suite === '0578'
  say(`1 KiB, suite ${suite}, data keys cached, two pairs of context (${headerBytes} bytes of header); µs: best (median)`)
  say(
    `             Keytrail           oracle              ×  best (median)${isSigned ? '' : '    floor of the format, and Keytrail beside it'}`,
  )
  const rows = [
    ['encrypt', results.encrypt, results.oracleEncrypt, bare.encrypt, bare.floorEncrypt],
    ['decrypt', results.decrypt, results.oracleDecrypt, bare.decrypt, bare.floorDecrypt],
  ] as const
  return rows.flatMap(([what, beforePeer, peer, beforeFloor, least]) => {
    const faster = timesAsFast(peer, beforePeer)
    const overFloor = timesAsFast(beforeFloor, least)
    const beside = isSigned ? '' : `      ${micros(least)}   ${micros(beforeFloor)} is ${shown(overFloor)} × it`
    say(`  ${what}    ${micros(beforePeer)}    ${micros(peer)}    ${shown(faster)}${beside}`)
    if (isSigned) return []
    return [
      within(`1 KiB ${what}, × the oracle`, faster.best, { least: 10 }),
      within(`1 KiB ${what}, × the floor of the format`, overFloor.best, { most: 1.4 }),
    ]
  })
}

/** Nobody's second message has the context of the first: nothing that was remembered of the last one helps. */
async function benchContexts(): Promise<void> {
  const plaintext = randomBytes(BYTES)
  const writes = Array.from({ length: 16 }, (_, tenant): Write => {
    return { suite: '0478', frameLength: FRAME_LENGTH, encryptionContext: { ...CONTEXT, tenant: `tenant-${tenant}` } }
  })
  const sides = { own: keytrail(), oracle: oracle() }
  const messages = { own: [] as Buffer[], oracle: [] as Buffer[] }
  for (const write of writes) {
    messages.own.push(await messageOf(sides.own, plaintext, write))
    messages.oracle.push(await messageOf(sides.oracle, plaintext, write))
  }
  const operations = OPERATIONS['0478']
  const results = await timed(
    {
      encrypt: encrypting(sides.own, operations.own, plaintext, writes),
      decrypt: decrypting(sides.own, operations.own, messages.own),
      oracleEncrypt: encrypting(sides.oracle, operations.oracle, plaintext, writes),
      oracleDecrypt: decrypting(sides.oracle, operations.oracle, messages.oracle),
    },
    { ...ROUNDS, rounds: 101 },
  )
  say('the same with suite 0478 and 16 contexts in turn, a cached data key for each')
  say(
    `  encrypt    ${micros(results.encrypt)}    ${micros(results.oracleEncrypt)}    ${shown(timesAsFast(results.oracleEncrypt, results.encrypt))}`,
  )
  say(
    `  decrypt    ${micros(results.decrypt)}    ${micros(results.oracleDecrypt)}    ${shown(timesAsFast(results.oracleDecrypt, results.decrypt))}`,
  )
}

async function written(side: Side, plaintext: Buffer, write: Write): Promise<readonly Buffer[]> {
  const messages: Buffer[] = []
  for (let message = 0; message < MESSAGES; message++) messages.push(await messageOf(side, plaintext, write))
  return messages
}

function encrypting(side: Side, operations: number, plaintext: Buffer, writes: readonly Write[]): Contender {
  const writers = writes.map((write) => side.writer(write))
  return inTurn(operations, writers, (writer) => writer(plaintext))
}

function decrypting(side: Side, operations: number, messages: readonly Buffer[]): Contender {
  return inTurn(operations, messages, side.reader())
}

function inTurn<Value>(operations: number, values: readonly Value[], operate: (value: Value) => Promise<unknown>): Contender {
  return {
    operations,
    async run(count) {
      for (let at = 0; at < count; at++) {
        const value = values[at % values.length]
        if (value !== undefined) await operate(value)
      }
    },
  }
}

function micros({ bestUs, medianUs }: Timing): string {
  return `${bestUs.toFixed(1)} (${medianUs.toFixed(1)})`.padEnd(16)
}

function shown({ best, median }: { readonly best: number; readonly median: number }): string {
  return `${best.toFixed(2)} (${median.toFixed(2)})`
}
