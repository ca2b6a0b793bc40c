import { CreateKeyCommand, DisableKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { expect, it } from 'vitest'
import type { Resource } from '../../../shared/rules/rule.ts'
import { readCountedUses } from '../../../shared/aws/facts/counted-use.ts'
import type { EpochS } from '../../../shared/time.ts'
import type { StoredUsage } from '../../../shared/usage/usage-store.ts'
import { openFactGround, unreadOf, valuesOf } from './fact-ground.ts'

it('uses that the stack counted in the last day are a fact of their key, by outcome', async () => {
  const ground = await openFactGround({ isDelivered: true })
  const { kms } = ground.cloud.clients
  const [KeyId = '', other = ''] = [
    (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn,
    (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn,
  ]
  const encrypt = async (key: string): Promise<unknown> => kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.from('x') }))
  for (const key of [KeyId, KeyId, KeyId, other]) await encrypt(key)
  await kms.send(new DisableKeyCommand({ KeyId }))
  for (let failing = 0; failing < 2; failing++) await encrypt(KeyId).catch(() => null)
  await ground.cloud.settle()

  const usage = ground.countedUsage()
  const hour = ground.now() - (ground.now() % 3600)
  const key: Resource<'kms_key'> = { kind: 'kms_key', arn: KeyId, accountId: '000000000000', region: ground.cloud.region }
  const read = async (arn: string): Promise<unknown> =>
    valuesOf('kms_key', await ground.read({ ...key, arn }, ['countedUse'], { usage })).countedUse
  expect(await read(KeyId)).toEqual({ countedSince: hour, succeeded: 3, failed: { DisabledException: 2 } })
  expect(await read(other)).toEqual({ countedSince: hour, succeeded: 1, failed: {} })
  ground.faultOf = (operation) => (operation === 'Query' ? { status: 400, code: 'AccessDeniedException' } : null)
  expect(unreadOf(await ground.read(key, ['countedUse', 'state'], { usage }))).toEqual({
    countedUse: 'dynamodb:Query denied AccessDeniedException',
  })
  await ground.close()
})

const NOW = 1_792_476_123
const HOUR = NOW - (NOW % 3600)

/** Hours that have a roll-up, in hours before the one that runs. */
function usageAt(hoursBefore: readonly number[], onRead: () => void = () => undefined): StoredUsage {
  return {
    async *segments() {
      // None.
    },
    markedHours: async () => [],
    rollUp: async () => ({ segmentCount: 0, parts: [] }),
    async rolledUpHours(since, until) {
      onRead()
      return new Set(hoursBefore.map((hours) => (HOUR - 3600 * hours) as EpochS).filter((hour) => hour >= since && hour < until))
    },
  }
}

it.each<readonly [hoursBefore: readonly number[], since: number | null]>([
  [[], null],
  [[25], 25],
  [[40, 48], 40],
  // Older than what is looked at.
  [[49], null],
])('is known to have been counted since the last hour before the day that has usage: %j', async (hoursBefore, since) => {
  let reads = 0
  const { countedSince } = await readCountedUses(
    usageAt(hoursBefore, () => reads++),
    NOW as EpochS,
  )
  expect(countedSince).toBe(since === null ? null : HOUR - since * 3600)
  expect(reads).toBe(2)
})
