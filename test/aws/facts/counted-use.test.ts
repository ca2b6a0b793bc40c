import { CreateKeyCommand, DisableKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { expect, it } from 'vitest'
import type { Resource } from '../../../shared/rules/rule.ts'
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
  const key: Resource<'kms_key'> = { kind: 'kms_key', arn: KeyId, accountId: '000000000000', region: ground.cloud.region }
  const read = async (arn: string): Promise<unknown> =>
    valuesOf('kms_key', await ground.read({ ...key, arn }, ['countedUse'], { usage })).countedUse
  expect(await read(KeyId)).toEqual({ succeeded: 3, failed: { DisabledException: 2 } })
  expect(await read(other)).toEqual({ succeeded: 1, failed: {} })
  ground.faultOf = (operation) => (operation === 'Query' ? { status: 400, code: 'AccessDeniedException' } : null)
  expect(unreadOf(await ground.read(key, ['countedUse', 'state'], { usage }))).toEqual({
    countedUse: 'dynamodb:Query denied AccessDeniedException',
  })
  await ground.close()
})
