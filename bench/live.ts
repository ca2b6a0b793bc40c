/**
 * `npm run bench:live`: how fast KMS events are counted, what it costs and how long a roll-up takes, beside the limits and the peers of
 * the same run. With `--handler`, `--units` or `--roll-up` just that. Exits with 1 if a limit is missed.
 */
import { cpus } from 'node:os'
import { benchHandler } from './live-handler.ts'
import { benchRollUp } from './live-roll-up.ts'
import { say, type Verdict } from './live-say.ts'
import { benchUnits } from './live-units.ts'

const BENCHES = { '--handler': benchHandler, '--units': benchUnits, '--roll-up': benchRollUp }

say(`machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.versions.node}`)
const wanted = Object.entries(BENCHES).filter(([name]) => process.argv.includes(name))
const verdicts: Verdict[] = []
for (const [, bench] of wanted.length > 0 ? wanted : Object.entries(BENCHES)) {
  say()
  verdicts.push(...(await bench()))
}
say()
for (const { title, text, holds } of verdicts) say(`${holds ? 'holds ' : 'MISSED'}  ${title}: ${text}`)
if (verdicts.some(({ holds }) => !holds)) process.exitCode = 1
