import { decrypt, encrypt, kmsKeyring } from '../envelope/index.ts'
import { checkKmsApi } from './kms-api-check.ts'
import { LARGER, LARGER_CYCLED, PLAINTEXT_BYTES_MAX } from './kms-api-files.ts'
import { showRotation, showStates } from './key-life.ts'
import { makeAlias, makeKey } from './keys.ts'
import { needed, refusalText } from './make.ts'
import type { RunFacts } from './registry.ts'
import { type Stage, step } from './stage.ts'
import { outcomeOf } from './taking-effect.ts'
import { makeFile } from './things.ts'
import type { UseCase } from './use-case.ts'
import { showWhoMayUse } from './who-may-use.ts'

const LARGER_ENCRYPTED = 'larger_text_encrypted.bin'
const SENTENCE = 'KMS keeps its keys to itself: what is to be encrypted under one has to travel to it, and comes back encrypted.\n'
const CONTEXT = { whatfor: 'keytrail workshop kms-api' }
const CHANGED_CONTEXT = { whatfor: 'anything else' }

type Keys = { readonly keyArn: string; readonly secondKeyArn: string }

/** The calls of KMS one after the other: what each does, where it ends, and who may make it. */
export const kmsApi: UseCase = {
  name: 'kms-api',
  title: 'What the KMS API does, and who may call it',

  async run(stage) {
    const since = await stage.time.now()
    const keyArn = await makeKey(stage, 'key')
    const secondKeyArn = await makeKey(stage, 'second key')
    const aliasName = await makeAlias(stage, keyArn)
    const keys = { keyArn, secondKeyArn }
    step(
      stage,
      'Two KMS keys, and an alias for the first',
      `${aliasName} stands for ${keyArn}`,
      `the second: ${secondKeyArn}`,
      'Neither ever leaves KMS: all you hold is a name, and the right to ask.',
    )
    const { ciphertext, facts: sizes } = await showSizes(stage, keyArn)
    const { materialId, facts: decrypts } = await showDecrypt(stage, ciphertext)
    const moved = await showReEncrypt(stage, ciphertext, keys)
    const dataKeys = await showDataKeys(stage, keyArn)
    const rotation = await showRotation(stage, keyArn, { ciphertext, materialId, context: CONTEXT })
    const states = await showStates(stage, keyArn, CONTEXT)
    const access = await showWhoMayUse(stage)
    const facts = { ...sizes, ...decrypts, ...moved, ...dataKeys, ...rotation, ...states, ...access }
    return { ...keys, ...facts, since, until: await stage.time.now() }
  },

  check: checkKmsApi,
}

async function showSizes(stage: Stage, keyArn: string): Promise<{ readonly ciphertext: Uint8Array; readonly facts: RunFacts }> {
  const { kms, envelopeKms } = stage.aws
  const larger = Buffer.alloc(PLAINTEXT_BYTES_MAX + 1, SENTENCE)
  await makeFile(stage, LARGER, larger)
  const fitting = larger.subarray(0, PLAINTEXT_BYTES_MAX)
  const atLimit = await kms.encrypt(keyArn, fitting, CONTEXT)
  const ciphertext = needed('Encrypt was refused', atLimit)
  step(
    stage,
    `Encrypt takes ${PLAINTEXT_BYTES_MAX} bytes`,
    `${fitting.length} bytes went to KMS, ${ciphertext.length} came back: ciphertext that names its key, inside.`,
  )

  const above = await kms.encrypt(keyArn, larger, CONTEXT)
  step(
    stage,
    `One byte more is refused`,
    above.ok ? `Encrypt took ${larger.length} bytes` : refusalText(above),
    'Encrypt is for small secrets, such as passwords and data keys. It is no way to encrypt files.',
  )

  const keyring = kmsKeyring({ client: envelopeKms, keyArn })
  const { message } = await encrypt(larger, { keyring, encryptionContext: CONTEXT })
  await makeFile(stage, LARGER_ENCRYPTED, message)
  const { plaintext } = await decrypt(message, { keyring, encryptionContext: CONTEXT })
  await makeFile(stage, LARGER_CYCLED, plaintext)
  step(
    stage,
    'Envelope encryption has no such limit',
    `${LARGER} (${larger.length} bytes) is ${LARGER_ENCRYPTED} now (${message.length} bytes), and back again ${LARGER_CYCLED}`,
    'KMS gave a data key, in clear and encrypted. The text was encrypted here, under the data key in clear, which is forgotten; the encrypted data key lies in the message. Of the text nothing travelled.',
  )
  return { ciphertext, facts: { atLimit: outcomeOf(atLimit), aboveLimit: outcomeOf(above) } }
}

async function showDecrypt(
  stage: Stage,
  ciphertext: Uint8Array,
): Promise<{ readonly materialId: string | null; readonly facts: RunFacts }> {
  const { kms } = stage.aws
  const { keyArn, materialId, plaintext } = needed('Decrypt was refused', await kms.decrypt(ciphertext, CONTEXT))
  step(
    stage,
    'Decrypt finds the key by itself',
    `No key was named; KMS answered with ${plaintext.length} bytes and the key: ${keyArn}`,
    'Name it all the same where you know it: then nobody can give you a ciphertext under a key of theirs.',
  )

  const changed = await kms.decrypt(ciphertext, CHANGED_CONTEXT)
  step(
    stage,
    'A changed encryption context is refused',
    changed.ok ? 'Decrypt took it' : refusalText(changed),
    'The context is no secret, and CloudTrail shows it. It is authenticated: who decrypts must say the same as who encrypted, so a ciphertext cannot be passed off as that of something else.',
  )
  return { materialId, facts: { unnamedKey: keyArn, changedContext: outcomeOf(changed) } }
}

async function showReEncrypt(stage: Stage, ciphertext: Uint8Array, { secondKeyArn }: Keys): Promise<RunFacts> {
  const { kms } = stage.aws
  const moved = needed('ReEncrypt was refused', await kms.reEncrypt(ciphertext, secondKeyArn, CONTEXT))
  const opened = needed('Decrypt was refused', await kms.decrypt(moved.ciphertext, CONTEXT))
  step(
    stage,
    'ReEncrypt moves a ciphertext to another key',
    `from ${moved.sourceKeyArn}`,
    `to ${moved.keyArn}`,
    `${ciphertext.length} bytes went in and ${moved.ciphertext.length} came out, both encrypted: no plaintext left KMS. Decrypt opens it under the second key.`,
  )
  return { reEncryptedUnder: opened.keyArn }
}

async function showDataKeys(stage: Stage, keyArn: string): Promise<RunFacts> {
  const { kms } = stage.aws
  const both = needed('GenerateDataKey was refused', await kms.dataKey(keyArn, CONTEXT))
  const dataKeyBytes = both.plaintext.length
  both.plaintext.fill(0)
  step(
    stage,
    'GenerateDataKey gives a data key twice: in clear and encrypted',
    `${dataKeyBytes} bytes in clear, to encrypt with now and to forget; ${both.ciphertext.length} bytes encrypted, to keep beside the data`,
  )

  const encrypted = needed('GenerateDataKeyWithoutPlaintext was refused', await kms.dataKeyWithoutPlaintext(keyArn, CONTEXT))
  const later = needed('Decrypt was refused', await kms.decrypt(encrypted, CONTEXT))
  const laterBytes = later.plaintext.length
  later.plaintext.fill(0)
  step(
    stage,
    'GenerateDataKeyWithoutPlaintext gives it encrypted only',
    `${encrypted.length} bytes; Decrypt made ${laterBytes} bytes in clear of them`,
    'Whoever prepares keys for others, one for each volume or customer, never sees one in clear, and cannot lose what it never had. Only who encrypts with it asks for Decrypt.',
  )
  return { dataKeyBytes, laterBytes }
}
