import { isJsonObject, memberOf, parsedJson } from '../json.ts'
import { looksLikeCiphertext, lookAtMessage } from './ciphertext-look.ts'
import type { RunFacts } from './registry.ts'
import type { Stage } from './stage.ts'
import { SUCCEEDED } from './taking-effect.ts'
import { isSameFile } from './things.ts'
import { JOB_FILE, NOT_ASKED_FOR } from './training-submission.ts'
import { ASSET_NAMES, assetObject, ASSETS, cycledName } from './training-step.ts'
import { type Check, type CheckResult, checked, type Lesson } from './use-case.ts'
import { usesTable } from './uses-table.ts'
import { type Awaited, awaitUses } from './waiting.ts'

const DENIED = 'AccessDeniedException'
/** Access key IDs, and names of what is secret. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
const CREDENTIAL = /\bA(?:KIA|SIA)[A-Z0-9]{12,}|secret|password|session.?token|access.?key/i

export async function checkTrainingAssets(stage: Stage, facts: RunFacts): Promise<CheckResult> {
  const decrypts = Number(facts['decrypts'])
  const keyArn = text(facts, 'keyArn')
  const assets = await assetChecks(stage, text(facts, 'bucket'))
  const grants = await stage.aws.kms.grantsNamed(keyArn, text(facts, 'grantName'))
  const uses = await awaitUses(stage, facts, { GenerateDataKey: 1, Decrypt: decrypts })
  return {
    tables: [await usesTable(stage, facts, { 'the key': keyArn }, text(facts, 'roleArn'))],
    checks: [
      ...assets,
      checked('the training step without a grant', DENIED, text(facts, 'refusedBefore')),
      checked('the training step with the grant', SUCCEEDED, text(facts, 'withGrant')),
      checked('the training step once the grant was revoked', DENIED, text(facts, 'refusedAfter')),
      checked('grants of that name that stand', 0, grants.length),
      ...jobChecks(stage, facts),
      ...useChecks(facts, uses),
    ],
    lessons: lessons(decrypts, Number(facts['refusals'])),
  }
}

/** A job that was submitted decrypts the assets too, and its volumes and output use the key: then only the least is known. */
function useChecks(facts: RunFacts, uses: Awaited): readonly Check[] {
  const decrypts = Number(facts['decrypts'])
  const ofRole = uses.tallies.filter(({ use }) => use.operation === 'Decrypt' && use.caller === text(facts, 'roleArn'))
  const byRole = ofRole.reduce((sum, { count }) => sum + count, 0)
  if (text(facts, 'submitted') === SUCCEEDED) {
    const seen = uses.isComplete ? yesOrNo(byRole >= decrypts) : 'not delivered, or not in time'
    const check = checked(`at least ${decrypts} Decrypt calls by the training role, and more by the job`, 'yes', seen)
    return [uses.isComplete ? check : { ...check, verdict: 'unknown' }]
  }
  return [
    uses.check('GenerateDataKey', 1),
    uses.check('Decrypt', decrypts),
    uses.checkOf('Decrypt calls of them by the training role', decrypts, ({ operation, caller }) => {
      return operation === 'Decrypt' && caller === text(facts, 'roleArn')
    }),
  ]
}

async function assetChecks(stage: Stage, bucket: string): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const name of ASSET_NAMES) {
    const object = assetObject(bucket, name)
    const got = await stage.aws.s3.get(object)
    const isCiphertext = got.ok && looksLikeCiphertext(lookAtMessage(got.value.body, Buffer.from(ASSETS[name] ?? '')))
    checks.push(
      checked(`s3://${bucket}/${object.key} is ciphertext`, 'yes', got.ok ? yesOrNo(isCiphertext) : got.code),
      checked(`${cycledName(name)} is the same as ${name}`, 'yes', yesOrNo(isSameFile(stage, name, cycledName(name)))),
    )
  }
  return checks
}

function jobChecks(stage: Stage, facts: RunFacts): readonly Check[] {
  const bytes = stage.files.read(JOB_FILE)
  const job = bytes === null ? null : parsedJson(Buffer.from(bytes).toString('utf8'))
  const at = (...path: readonly string[]): unknown =>
    path.reduce<unknown>((found, name) => (isJsonObject(found) ? memberOf(found, name) : undefined), job)
  const keyArn = text(facts, 'keyArn')
  const submitted = text(facts, 'submitted')
  return [
    checked('the training job encrypts its volumes under', keyArn, String(at('ResourceConfig', 'VolumeKmsKeyId'))),
    checked('and its output under', keyArn, String(at('OutputDataConfig', 'KmsKeyId'))),
    checked('and what its machines tell each other', 'true', String(at('EnableInterContainerTrafficEncryption'))),
    checked(
      'credentials in its hyperparameters',
      'none',
      job === null ? 'not seen' : CREDENTIAL.test(JSON.stringify(at('HyperParameters'))) ? 'some' : 'none',
    ),
    ...(submitted === NOT_ASKED_FOR ? [] : [checked('its submission', SUCCEEDED, submitted)]),
  ]
}

function lessons(decrypts: number, refusals: number): readonly Lesson[] {
  return [
    {
      question: 'The role may read the bucket. What is the encryption for?',
      answer:
        'For everybody else who may read it, today and later: whoever administers the bucket, whoever gets a copy. They have ciphertext. To read is to ask KMS, which asks its own policies and leaves a trace.',
    },
    {
      question: 'Why a grant, and no policy?',
      answer:
        'A grant is for as long as a job takes: a program gives it to one role, for one key, one operation and one encryption context, and takes it back. Policies are for what stays. A grant that nobody takes back stays too: the notebook this comes from never retired its own.',
    },
    {
      question: `${ASSET_NAMES.length} assets were decrypted. Why did the role call KMS only ${decrypts === 1 ? 'once' : `${decrypts} times`}?`,
      answer: `All assets are under one data key: one GenerateDataKey to encrypt them, one Decrypt to train with them.${decrypts === 1 ? '' : ' The rest were tries while the revoked grant had not ended everywhere.'} The ${refusals} calls that KMS refused are no uses of the key: they stand apart in the table, as far as CloudTrail tells of them.`,
    },
    {
      question: 'How does the container get its credentials?',
      answer:
        'From SageMaker, which takes on the role for it; they end by themselves. The notebook gave the keys of an IAM user to docker build as arguments: there they stay, in the layers of the image, for everybody who may pull it, and until somebody deletes that user. An image, a hyperparameter, an environment variable of a job are all places that others read.',
    },
    {
      question: 'Why does the request name the key twice?',
      answer:
        'Because decrypted assets are written down again: on the volumes of the machines, and in what the job makes of them. The notebook set neither VolumeKmsKeyId nor OutputDataConfig.KmsKeyId, so that those were encrypted under keys which its own key policy says nothing of.',
    },
    {
      question: 'Why is the container not isolated from the network?',
      answer:
        'An isolated container has no credentials and no way out, so it cannot ask KMS. Isolation goes with assets that SageMaker brings in itself, as an input channel under SSE-KMS. Where the container decrypts, give it subnets without a way to the internet, and endpoints of S3 and KMS.',
    },
  ]
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no'
}

function text(facts: RunFacts, name: string): string {
  return String(facts[name] ?? 'not seen')
}
