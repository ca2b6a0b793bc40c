import { needed, refusalText } from './make.ts'
import type { Context } from './ports.ts'
import type { Tried } from '../tried.ts'
import type { RunFacts } from './registry.ts'
import { type Stage, step } from './stage.ts'
import { outcomeOf, whenInEffect } from './taking-effect.ts'

/** Any number of days from 90 to 2,560. https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
export const ROTATION_PERIOD_DAYS = 180
const SHORT_ID_LENGTH = 12
/** What is encrypted here is of no interest. */
const PLAINTEXT = new TextEncoder().encode('a short text')

type Before = { readonly ciphertext: Uint8Array; readonly materialId: string | null; readonly context: Context }

/** What a rotation changes, and what it leaves: `before` was encrypted before it. */
export async function showRotation(stage: Stage, keyArn: string, before: Before): Promise<RunFacts> {
  const { kms } = stage.aws
  const { ciphertext, materialId: firstMaterial, context } = before
  needed('the rotation was refused', await kms.rotateNow(keyArn))
  await whenInEffect(
    stage,
    'KMS to rotate the key',
    () => kms.standing(keyArn),
    (standing) => standing !== null && standing.materialId !== firstMaterial,
  )
  const old = needed('Decrypt of the old ciphertext was refused', await kms.decrypt(ciphertext, context))
  const looks = await whenInEffect(
    stage,
    'KMS to encrypt under the new key material',
    async () => {
      const fresh = needed('Encrypt was refused', await kms.encrypt(keyArn, PLAINTEXT, context))
      return needed('Decrypt was refused', await kms.decrypt(fresh, context)).materialId
    },
    (materialId) => materialId !== firstMaterial,
  )
  const materials = await kms.rotations(keyArn)
  step(
    stage,
    'RotateKeyOnDemand: the key gets new key material, and keeps the old',
    ...materials.map(({ materialId, isCurrent }) => `key material ${shortId(materialId)}…${isCurrent ? ': encrypts from now on' : ''}`),
    `the ciphertext from before the rotation is still decrypted, under ${shortId(old.materialId)}…`,
    `a new ciphertext is under ${shortId(looks.last)}…`,
    'The key has the same ARN, alias and policy as before. Nothing that lies encrypted anywhere was touched, no data key either.',
  )

  needed('automatic rotation was refused', await kms.enableRotation(keyArn, ROTATION_PERIOD_DAYS))
  step(
    stage,
    'EnableKeyRotation: from now on KMS does so by itself',
    `every ${ROTATION_PERIOD_DAYS} days; a year if nothing is said, 90 days at least`,
  )
  return {
    firstMaterial: firstMaterial ?? '',
    oldOpenedUnder: old.materialId ?? '',
    newOpenedUnder: looks.last ?? '',
    materials: materials.length,
    newMaterialLooks: looks.all.length,
  }
}

/** A key that is disabled, and enabled again. */
export async function showStates(stage: Stage, keyArn: string, context: Context): Promise<RunFacts> {
  const { kms } = stage.aws
  const use = (): Promise<Tried<Uint8Array>> => kms.encrypt(keyArn, PLAINTEXT, context)
  needed('the key cannot be disabled', await kms.disable(keyArn))
  const disabled = await whenInEffect(stage, 'KMS to refuse the disabled key', use, ({ ok }) => !ok)
  step(
    stage,
    'A disabled key refuses all work',
    disabled.last.ok ? 'Encrypt still worked' : refusalText(disabled.last),
    'So does all that lies encrypted under it: disable a key before you delete it, and see who complains. This can be taken back.',
  )
  needed('the key cannot be enabled', await kms.enable(keyArn))
  const enabled = await whenInEffect(stage, 'KMS to take the enabled key', use, ({ ok }) => ok)
  step(
    stage,
    'Enabled again, it works as before',
    enabled.last.ok ? 'Encrypt works' : refusalText(enabled.last),
    'Deleting is another matter: the clean-up schedules it, KMS waits for days, and then nobody ever decrypts again what lies under the key.',
  )
  return {
    disabled: outcomeOf(disabled.last),
    enabled: outcomeOf(enabled.last),
    encryptsWhileDisabled: disabled.all.filter(({ ok }) => ok).length,
  }
}

/** Enough to tell one from another. */
function shortId(materialId: string | null): string {
  return materialId === null ? 'key material that KMS did not name' : materialId.slice(0, SHORT_ID_LENGTH)
}
