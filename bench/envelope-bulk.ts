/** One large message, in buffers. */
import { randomBytes } from 'node:crypto'
import { type Contender, timed, timesAsFast, type Timing } from './envelope-rounds.ts'
import { CONTEXT, keytrail, messageOf, oracle, requireAgreement, type Write } from './envelope-sides.ts'
import { say, type Verdict, within } from './live-say.ts'

const MIB = 2 ** 20
const BYTES = 64 * MIB
/** More than a message has beside its plaintext, in frames of 4 KiB. */
const MESSAGE_BYTES_MAX = BYTES + MIB

export async function benchBulk(): Promise<readonly Verdict[]> {
  const verdicts = await benchFrames(256 * 1024, { rounds: 15, warmUps: 2, isCollected: true })
  await benchFrames(4096, { rounds: 5, warmUps: 1, isCollected: true })
  return verdicts
}

async function benchFrames(frameLength: number, rounds: Parameters<typeof timed>[1]): Promise<readonly Verdict[]> {
  const plaintext = randomBytes(BYTES)
  const write: Write = { suite: '0478', frameLength, encryptionContext: CONTEXT }
  const sides = { own: keytrail(), oracle: oracle() }
  await requireAgreement([sides.own, sides.oracle], plaintext, write)
  const message = await messageOf(sides.own, plaintext, write)
  const into = Buffer.alloc(MESSAGE_BYTES_MAX)
  const results = await timed(
    {
      encrypt: once(sides.own.writer(write), plaintext),
      encryptInto: once(sides.own.writer(write, into), plaintext),
      decrypt: once(sides.own.reader(), message),
      decryptInto: once(sides.own.reader(into), message),
      oracleEncrypt: once(sides.oracle.writer(write), plaintext),
      oracleDecrypt: once(sides.oracle.reader(), message),
    },
    rounds,
  )
  const rows = [
    { what: 'encrypt, fresh output', own: results.encrypt, peer: results.oracleEncrypt, least: 1 },
    { what: 'encrypt, into        ', own: results.encryptInto, peer: results.oracleEncrypt, least: 1.8 },
    { what: 'decrypt, fresh output', own: results.decrypt, peer: results.oracleDecrypt, least: 1.5 },
    { what: 'decrypt, into        ', own: results.decryptInto, peer: results.oracleDecrypt, least: null },
  ] as const
  const isJudged = frameLength > 4096
  say(`64 MiB, suite 0478, frames of ${frameLength / 1024} KiB; ms and MiB/s of the best round (median)`)
  say('                           Keytrail                    oracle                      ×  best (median)')
  return rows.flatMap(({ what, own, peer, least }) => {
    const { best, median } = timesAsFast(peer, own)
    say(`  ${what}    ${rate(own)}  ${rate(peer)}  ${best.toFixed(2)} (${median.toFixed(2)})`)
    return isJudged && least !== null ? [within(`64 MiB ${what.trim()}, × the oracle`, best, { least })] : []
  })
}

function once(operate: (bytes: Buffer) => Promise<unknown>, bytes: Buffer): Contender {
  return { operations: 1, run: async () => void (await operate(bytes)) }
}

function rate({ bestUs, medianUs }: Timing): string {
  return `${(bestUs / 1000).toFixed(1)} (${(medianUs / 1000).toFixed(1)}), ${((1e6 * BYTES) / MIB / bestUs).toFixed(0)} MiB/s`.padEnd(26)
}
