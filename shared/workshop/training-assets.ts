import { entropyOf, lookAtMessage } from './ciphertext-look.ts'
import { makeGrant } from './grants.ts'
import { makeAlias, makeKey } from './keys.ts'
import { needed } from './make.ts'
import type { RunFacts } from './registry.ts'
import { makeRoleSession, onceAllowed, type RoleSession } from './roles.ts'
import { type Stage, step } from './stage.ts'
import { type Seen, whenInEffect } from './taking-effect.ts'
import { makeBucket, makeFile, noteObject } from './things.ts'
import { checkTrainingAssets } from './training-assets-check.ts'
import { showTrainingJob } from './training-submission.ts'
import {
  ASSET_NAMES,
  assetObject,
  ASSETS,
  ASSETS_CONTEXT,
  ASSETS_PREFIX,
  type AssetsPlace,
  cycledName,
  encryptedAssets,
  playTrainingStep,
  stepOutcome,
  type TrainingStep,
} from './training-step.ts'
import type { UseCase } from './use-case.ts'

const SERVICE = 'sagemaker.amazonaws.com'
const DENIED = 'AccessDeniedException'

/** Assets that a training job alone may read, for as long as it may. */
export const trainingAssets: UseCase = {
  name: 'training-assets',
  title: 'A training job with encrypted static assets',
  submits: 'the training job',

  async run(stage) {
    const since = await stage.time.now()
    const keyArn = await makeKey(stage, 'key')
    const aliasName = await makeAlias(stage, keyArn)
    step(stage, 'A KMS key with an alias', `${aliasName} stands for ${keyArn}`)
    const place = { keyArn, bucket: await makeBucket(stage) }
    await storeAssets(stage, place)

    const role = await makeTrainingRole(stage, place)
    const before = await untilRefused(stage, 'KMS to know the role', role, place)
    step(
      stage,
      'Without a grant the training step is refused',
      refusedText(before.last),
      'It could download: the bucket lets it. What it has is ciphertext, and the key is not for it.',
    )
    const granted = await trainWithGrant(stage, role, place)
    const after = await untilRefused(stage, 'the grant to end everywhere', role, place)
    step(
      stage,
      'The grant is revoked, and the training step is refused again',
      refusedText(after.last),
      'What it decrypted before, it has: revoking ends what comes. A grant that stays for ever is a key that was given away.',
    )
    const job = await showTrainingJob(stage, { ...place, ...role })
    return {
      ...place,
      ...granted.facts,
      ...job,
      roleArn: role.roleArn,
      refusedBefore: stepOutcome(before.last),
      refusedAfter: stepOutcome(after.last),
      decrypts: trainedIn(before) + trainedIn(granted.seen) + trainedIn(after),
      refusals: refusedIn(before) + refusedIn(granted.seen) + refusedIn(after),
      since,
      until: await stage.time.now(),
    }
  },

  check: checkTrainingAssets,
}

async function storeAssets(stage: Stage, { keyArn, bucket }: AssetsPlace): Promise<void> {
  for (const [name, text] of Object.entries(ASSETS)) await makeFile(stage, name, Buffer.from(text))
  const messages = await encryptedAssets(stage.aws.envelopeKms, keyArn)
  const shown: string[] = []
  for (const [name, message] of messages) {
    const object = assetObject(bucket, name)
    await noteObject(stage, object)
    needed(`${name} cannot be uploaded`, await stage.aws.s3.put({ ...object, body: message, encryption: { kind: 'bucket-default' } }))
    shown.push(`${name} is s3://${bucket}/${object.key} now, ${message.length} bytes`)
  }
  step(
    stage,
    `${messages.size} static assets are encrypted here, under one data key, and uploaded`,
    ...shown,
    'The data key in clear is gone. Each object carries it encrypted; the encryption context beside it says what it is for.',
  )
  step(stage, 'What lies in the bucket says nothing', ...(await lookLines(stage, bucket)))
}

async function lookLines(stage: Stage, bucket: string): Promise<readonly string[]> {
  const shown: string[] = []
  for (const name of ASSET_NAMES) {
    const plaintext = Buffer.from(ASSETS[name] ?? '')
    const { body } = needed(`${name} cannot be downloaded`, await stage.aws.s3.get(assetObject(bucket, name)))
    const { bitsPerByte, showsPlaintext } = lookAtMessage(body, plaintext)
    const found = showsPlaintext ? 'and some of the text stands in it' : 'and no 16 bytes of the text stand in it'
    shown.push(`${name}: ${entropyOf(plaintext).toFixed(2)} bits a byte in clear, ${bitsPerByte.toFixed(2)} as stored, ${found}`)
  }
  return [...shown, 'Eight bits a byte is what chance has: nothing of the text shows.']
}

async function makeTrainingRole(stage: Stage, { bucket }: AssetsPlace): Promise<RoleSession> {
  const objects = `arn:${stage.caller.partition}:s3:::${bucket}/${ASSETS_PREFIX}/*`
  const role = await makeRoleSession(stage, [{ actions: ['s3:GetObject'], resources: [objects] }], SERVICE)
  const [first = ''] = ASSET_NAMES
  needed('the role cannot download', await onceAllowed(stage, () => role.s3.get(assetObject(bucket, first))))
  step(
    stage,
    'A role for the training',
    `${role.roleArn} may be taken on by ${SERVICE}, and by you, to play its training step here`,
    'It may download the assets. No policy lets it use any key, and no program gets credentials of yours: who takes the role on gets its own, which end by themselves.',
  )
  return role
}

/** Every refusal counts: what KMS refuses for another reason is no answer yet. */
function untilRefused(stage: Stage, what: string, role: RoleSession, place: AssetsPlace): Promise<Seen<TrainingStep>> {
  return whenInEffect(
    stage,
    what,
    () => playTrainingStep(role, place),
    (played) => stepOutcome(played) === DENIED,
  )
}

async function trainWithGrant(
  stage: Stage,
  role: RoleSession,
  place: AssetsPlace,
): Promise<{ readonly facts: RunFacts; readonly seen: Seen<TrainingStep> }> {
  const terms = { keyArn: place.keyArn, granteeArn: role.roleArn, operations: ['Decrypt'], context: ASSETS_CONTEXT }
  const { name, grantId, grantToken } = await makeGrant(stage, terms)
  step(
    stage,
    'The role gets a grant',
    `${name}: Decrypt only, and only with the encryption context of these assets`,
    'A grant is a permission on one key that a program can give and take back, without writing any policy. Its token lets the role use it at once.',
  )
  const seen = await whenInEffect(
    stage,
    'the grant to hold everywhere',
    () => playTrainingStep(role, place, [grantToken]),
    ({ kind }) => kind === 'trained',
  )
  if (seen.last.kind === 'trained') for (const [asset, bytes] of seen.last.assets) await makeFile(stage, cycledName(asset), bytes)
  step(
    stage,
    'With the grant the training step decrypts',
    seen.last.kind === 'trained' ? ASSET_NAMES.map(cycledName).join(', ') : seen.last.reason,
    `One call of KMS decrypted the data key; all ${ASSET_NAMES.length} assets are under it.`,
  )
  needed('the grant cannot be revoked', await stage.aws.kms.revokeGrant(place.keyArn, grantId))
  return { facts: { grantName: name, withGrant: stepOutcome(seen.last) }, seen }
}

function trainedIn({ all }: Seen<TrainingStep>): number {
  return all.filter(({ kind }) => kind === 'trained').length
}

function refusedIn({ all }: Seen<TrainingStep>): number {
  return all.filter(({ kind }) => kind === 'refused').length
}

function refusedText(played: TrainingStep): string {
  return played.kind === 'refused' ? played.reason : 'KMS decrypted the data key all the same'
}
