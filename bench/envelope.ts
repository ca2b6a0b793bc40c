/**
 * `npm run bench:envelope`: how fast messages are encrypted and decrypted, beside the AWS Encryption SDK for JavaScript (the oracle), the
 * floor of the format and raw streams of the same run. With `--small`, `--bulk`, `--streams` or `--cold` just that. Exits with 1 if a
 * limit is missed.
 */
import { cpus } from 'node:os'
import { benchBulk } from './envelope-bulk.ts'
import { benchCold } from './envelope-cold.ts'
import { benchSmall } from './envelope-small.ts'
import { benchStreams } from './envelope-streams.ts'
import { say, type Verdict } from './live-say.ts'

const BENCHES = { '--cold': benchCold, '--small': benchSmall, '--bulk': benchBulk, '--streams': benchStreams }

say(`machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.versions.node}, OpenSSL ${process.versions.openssl}`)
const wanted = Object.entries(BENCHES).filter(([name]) => process.argv.includes(name))
const verdicts: Verdict[] = []
for (const [, bench] of wanted.length > 0 ? wanted : Object.entries(BENCHES)) {
  say()
  verdicts.push(...((await bench()) ?? []))
}
say()
for (const { title, text, holds } of verdicts) say(`${holds ? 'holds ' : 'MISSED'}  ${title}: ${text}`)
if (verdicts.some(({ holds }) => !holds)) process.exitCode = 1
