import { LARGER, LARGER_CYCLED, PLAINTEXT_BYTES_MAX } from './kms-api-files.ts'
import { kmsApiLessons } from './kms-api-lessons.ts'
import { ROTATION_PERIOD_DAYS } from './key-life.ts'
import type { RunFacts } from './registry.ts'
import type { Stage } from './stage.ts'
import { SUCCEEDED } from './taking-effect.ts'
import { isSameFile } from './things.ts'
import { type Check, type CheckResult, checked, type Table } from './use-case.ts'
import { usesTable } from './uses-table.ts'
import { awaitUses, type Counts } from './waiting.ts'
import { ACCESS_CASES, KEY_POLICY_TEXTS } from './who-may-use.ts'

/** A data key of AES-256. */
const DATA_KEY_BYTES = 32

export async function checkKmsApi(stage: Stage, facts: RunFacts): Promise<CheckResult> {
  const useChecks: Check[] = []
  const keys: Record<string, string> = {}
  for (const { name, keyArn, expected } of expectedUses(facts)) {
    const counted = await awaitUses(stage, { ...facts, keyArn }, expected)
    keys[name] = keyArn
    for (const [operation, count] of Object.entries(expected)) {
      const check = counted.check(operation, count)
      useChecks.push({ ...check, what: `${name}: ${check.what}` })
    }
  }
  return {
    tables: [accessTable(facts), await usesTable(stage, facts, keys, text(facts, 'accessRoleArn'))],
    checks: [...sizeChecks(stage, facts), ...(await keyChecks(stage, facts)), ...accessChecks(facts), ...useChecks],
    lessons: kmsApiLessons(facts),
  }
}

/** What the run asked for, and asked again while a change had not taken effect. Refused calls use no key. */
function expectedUses(facts: RunFacts): readonly { readonly name: string; readonly keyArn: string; readonly expected: Counts }[] {
  const again = Number(facts['newMaterialLooks'])
  return [
    {
      name: 'the key',
      keyArn: text(facts, 'keyArn'),
      expected: {
        Encrypt: 2 + again + Number(facts['encryptsWhileDisabled']),
        Decrypt: 4 + again,
        GenerateDataKey: 2,
        GenerateDataKeyWithoutPlaintext: 1,
        ReEncryptFrom: 1,
      },
    },
    { name: 'the second key', keyArn: text(facts, 'secondKeyArn'), expected: { ReEncryptTo: 1, Decrypt: 1 } },
    {
      name: 'the key for one role',
      keyArn: text(facts, 'policyKeyArn'),
      expected: { GenerateDataKeyWithoutPlaintext: Number(facts['accessSucceeded']) },
    },
  ]
}

function sizeChecks(stage: Stage, facts: RunFacts): readonly Check[] {
  return [
    checked(`Encrypt of ${PLAINTEXT_BYTES_MAX} bytes`, SUCCEEDED, text(facts, 'atLimit')),
    checked(`Encrypt of ${PLAINTEXT_BYTES_MAX + 1} bytes`, 'ValidationException', text(facts, 'aboveLimit')),
    checked(`${LARGER_CYCLED} is the same as ${LARGER}`, 'yes', isSameFile(stage, LARGER, LARGER_CYCLED) ? 'yes' : 'no'),
    checked('Decrypt without a key was done under', text(facts, 'keyArn'), text(facts, 'unnamedKey')),
    checked('Decrypt under another encryption context', 'InvalidCiphertextException', text(facts, 'changedContext')),
    checked('what ReEncrypt gave is decrypted under', text(facts, 'secondKeyArn'), text(facts, 'reEncryptedUnder')),
    checked('bytes of a data key', DATA_KEY_BYTES, Number(facts['dataKeyBytes'])),
    checked('bytes of one that was encrypted only, once decrypted', DATA_KEY_BYTES, Number(facts['laterBytes'])),
  ]
}

/** What the run saw, and how the key stands now. */
async function keyChecks(stage: Stage, facts: RunFacts): Promise<readonly Check[]> {
  const { kms } = stage.aws
  const keyArn = text(facts, 'keyArn')
  const standing = await kms.standing(keyArn)
  const first = text(facts, 'firstMaterial')
  const renewed = text(facts, 'newOpenedUnder')
  return [
    checked('after the rotation the old ciphertext is decrypted under the key material', first, text(facts, 'oldOpenedUnder')),
    checked('a new ciphertext is under other key material', 'yes', renewed !== '' && renewed !== first ? 'yes' : 'no'),
    checked('the key material that the key has now', renewed, standing?.materialId ?? ''),
    checked(
      'days between automatic rotations',
      ROTATION_PERIOD_DAYS,
      standing === null ? 'no key' : ((await kms.rotationPeriod(keyArn)) ?? 'none'),
    ),
    checked('Encrypt under the disabled key', 'DisabledException', text(facts, 'disabled')),
    checked('Encrypt once it was enabled again', SUCCEEDED, text(facts, 'enabled')),
    checked('the state of the key now', 'Enabled', standing?.state ?? 'no key'),
  ]
}

function accessChecks(facts: RunFacts): readonly Check[] {
  return ACCESS_CASES.map(({ fact, keyPolicy, isInIam, expected }) =>
    checked(`key policy ${KEY_POLICY_TEXTS[keyPolicy]}, IAM policy ${iamText(isInIam)}`, expected, text(facts, fact)),
  )
}

function accessTable(facts: RunFacts): Table {
  return {
    title: 'Who decides: the same call of one role, under one policy after the other',
    rows: [
      ['key policy', 'IAM policy of the role', 'what KMS said'],
      ...ACCESS_CASES.map(({ fact, keyPolicy, isInIam }) => [KEY_POLICY_TEXTS[keyPolicy], iamText(isInIam), text(facts, fact)]),
    ],
  }
}

function iamText(isInIam: boolean): string {
  return isInIam ? 'allows it' : 'allows nothing'
}

function text(facts: RunFacts, name: string): string {
  return String(facts[name] ?? 'not seen')
}
