import { DecryptCommand, DescribeKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import type { LocalCloud } from '../cloud.ts'
import type { RunChanges } from './changes.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

type Tell = (title: string, ...lines: readonly string[]) => void
type Stood = RunReport['retirements'][number]['stood'][number]

/** A key that a use case made, and its alias. */
type DemoKey = { readonly alias: string; readonly keyArn: string }

/**
 * Lets the time pass in which demo keys are retired: both are disabled when nobody wanted them for a week; somebody wants the second, which
 * is given back; the first loses its alias and goes.
 */
export async function retireDemoKeys(
  cloud: LocalCloud,
  run: RunChanges,
  [unwanted, wanted]: readonly [unwanted: DemoKey, wanted: DemoKey],
  tell: Tell,
): Promise<RunReport['retirements']> {
  const stood = new Map<DemoKey, Stood[]>([unwanted, wanted].map((key) => [key, []]))
  const look = async (): Promise<readonly string[]> => {
    const lines: string[] = []
    for (const [key, all] of stood) {
      const now = await standing(cloud, run, key.keyArn)
      all.push(now)
      lines.push(`the key of ${key.alias}: ${shown(now)}`)
    }
    return lines
  }
  const ciphertext = await cloud.clients.kms.send(new EncryptCommand({ KeyId: wanted.keyArn, Plaintext: Buffer.from('wanted') }))
  const decrypt = () => cloud.clients.kms.send(new DecryptCommand({ CiphertextBlob: ciphertext.CiphertextBlob }))

  await pass(cloud, 8 * DAY_MS)
  tell('A week goes by in which nobody uses the demo keys: clean-up, run by its schedule, disables them and watches', ...(await look()))

  const refusal = await decrypt().then(
    () => 'not refused',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  )
  await pass(cloud, HOUR_MS)
  tell(
    `Somebody needs the second after all: Decrypt ends with ${refusal}, CloudTrail tells, and clean-up gives the key back`,
    ...(await look()),
  )

  await pass(cloud, 3 * DAY_MS)
  tell('Three days later nobody has missed the first: its alias is taken away, and its deletion is scheduled', ...(await look()))

  await pass(cloud, 3 * DAY_MS)
  await decrypt()
  await pass(cloud, 5 * DAY_MS)
  tell('Another week later KMS has deleted it; the second, which is used, stays', ...(await look()))
  return [...stood].map(([{ keyArn }, all]) => ({ keyArn, stood: all }))
}

/** Events arrive, are counted, and clean-up runs as often as a key may take steps. */
async function pass(cloud: LocalCloud, ms: number): Promise<void> {
  await cloud.skip(ms)
  await cloud.settle()
  for (let runs = 0; runs < RUNS_AFTER; runs++) {
    await cloud.skip(HOUR_MS)
    await cloud.settle()
  }
}

/** After each call of KMS a run waits for what it did to be seen. */
const RUNS_AFTER = 2

async function standing({ clients: { kms } }: LocalCloud, { changes }: RunChanges, keyArn: string): Promise<Stood> {
  const retirement = await changes.retirements.find(keyArn)
  const state = await kms.send(new DescribeKeyCommand({ KeyId: keyArn })).then(
    ({ KeyMetadata }) => KeyMetadata?.KeyState ?? '',
    (error: unknown) => {
      if (error instanceof Error && error.name === 'NotFoundException') return 'deleted'
      throw error
    },
  )
  return { stage: retirement?.stage ?? null, state, reason: retirement?.reason ?? '' }
}

function shown({ stage, state, reason }: Stood): string {
  return `${state}${stage === null ? '' : `, ${stage}`}${reason === '' ? '' : `: ${reason}`}`
}
