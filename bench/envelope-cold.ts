/** What a cold cache costs: calls of KMS for encrypts that all come at once. */
import { createDataKeyCache } from '../shared/cache/index.ts'
import { cachingMaterials, encrypt, kmsKeyring } from '../shared/envelope/index.ts'
import { createFakeKms, type FakeKms, KEY_ARN } from '../test/support/envelope-kms.ts'
import { oracleKmsKeyring } from '../test/support/envelope-oracle.ts'
import { CACHE, CONTEXT, oracleOver, type Write } from './envelope-sides.ts'
import { say } from './live-say.ts'

const PARALLEL = 200
const WRITE: Write = { suite: '0478', frameLength: 4096, encryptionContext: CONTEXT }

/** KMS in this process: it answers at once. */
export async function benchCold(): Promise<void> {
  const plaintext = Buffer.alloc(1024)
  const own = createFakeKms()
  const peer = createFakeKms()
  const materials = cachingMaterials({
    keyring: kmsKeyring({ client: own, keyArn: KEY_ARN }),
    cache: createDataKeyCache({ capacity: CACHE.capacity }),
    maxAgeMs: CACHE.maxAgeMs,
  })
  const oracleEncrypt = oracleOver(oracleKmsKeyring(peer, KEY_ARN, [])).writer(WRITE)
  const ownMs = await elapsedMs(() => encrypt(plaintext, { materials, ...WRITE }))
  const peerMs = await elapsedMs(() => oracleEncrypt(plaintext))
  say(`${PARALLEL} encrypts at once, cache cold, KMS in this process (one pass, nothing warmed up)`)
  say(`  Keytrail    ${callsOf(own)}, ${ownMs.toFixed(0)} ms`)
  say(`  oracle      ${callsOf(peer)}, ${peerMs.toFixed(0)} ms`)
}

async function elapsedMs(operation: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await Promise.all(Array.from({ length: PARALLEL }, operation))
  return performance.now() - begun
}

function callsOf({ calls }: FakeKms): string {
  return `GenerateDataKey called ${calls.filter(({ operation }) => operation === 'GenerateDataKey').length} times`
}
