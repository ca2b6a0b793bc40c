import { makeAlias, makeKey } from './keys.ts'
import { needed } from './make.ts'
import type { RunFacts } from './registry.ts'
import { step, type Stage } from './stage.ts'
import { inputFile, makeBucket, makeFile, noteObject } from './things.ts'
import { type CheckResult, checked, type UseCase } from './use-case.ts'
import { awaitUses, durationText } from './waiting.ts'

const PLAINTEXT = 'plaintext_u.txt'
const OBJECT = 'encrypted_e.txt'
const CYCLED = 'plaintext_cycled_u.txt'
const TEXT = 'This text was written by a workshop. S3 stores it encrypted and gives it back in clear to those who may use the key.\n'

/** Server-side encryption: S3 asks KMS for a data key, and KMS says who may read. */
export const sse: UseCase = {
  name: 'sse',
  title: 'Server-side encryption with a KMS key',

  async run(stage) {
    const since = await stage.time.now()
    const keyArn = await makeKey(stage, 'key')
    const aliasName = await makeAlias(stage, keyArn)
    step(
      stage,
      'A KMS key with an alias',
      `${aliasName} stands for ${keyArn}`,
      'Programs name the alias; the key behind it can be another one tomorrow.',
    )

    const plaintext = await inputFile(stage, PLAINTEXT, Buffer.from(TEXT))
    const bucket = await makeBucket(stage)
    const object = { bucket, key: OBJECT }
    await noteObject(stage, object)
    const put = needed(
      'the upload was refused',
      await stage.aws.s3.put({ ...object, body: plaintext, encryption: { kind: 'sse-kms', key: keyArn } }),
    )
    step(
      stage,
      `${PLAINTEXT} is uploaded as s3://${bucket}/${OBJECT}`,
      ...headerLines('header sent', put.sent),
      'It leaves here in clear, over TLS. S3 encrypts it under a new data key, and keeps with it what only KMS can open: the encrypted data key.',
    )

    const properties = needed("the object's properties could not be read", await stage.aws.s3.head(object))
    step(stage, 'The properties of the object name the key', ...headerLines('property', properties))

    const got = needed('the download was refused', await stage.aws.s3.get(object))
    await makeFile(stage, CYCLED, got.body)
    step(
      stage,
      `It is downloaded as ${CYCLED}`,
      Buffer.from(plaintext).equals(got.body) ? `the same ${got.body.length} bytes as ${PLAINTEXT}` : `NOT the same bytes as ${PLAINTEXT}`,
      'S3 had KMS decrypt the data key in your name: without kms:Decrypt you would have got nothing.',
    )
    return { keyArn, bucket, since, until: await stage.time.now() }
  },

  check: checkSse,
}

async function checkSse(stage: Stage, facts: RunFacts): Promise<CheckResult> {
  const { keyArn = '', bucket = '' } = facts
  const head = await stage.aws.s3.head({ bucket: String(bucket), key: OBJECT })
  const properties = head.ok ? head.value : {}
  const plaintext = stage.files.read(PLAINTEXT)
  const cycled = stage.files.read(CYCLED)
  const uses = await awaitUses(stage, facts, { GenerateDataKey: 1, Decrypt: 1 })
  return {
    checks: [
      checked('the object is encrypted with', 'aws:kms', properties['x-amz-server-side-encryption'] ?? (head.ok ? 'nothing' : head.code)),
      checked('under the key', keyArn, properties['x-amz-server-side-encryption-aws-kms-key-id'] ?? ''),
      checked(
        `${CYCLED} is the same as ${PLAINTEXT}`,
        'yes',
        plaintext !== null && cycled !== null && Buffer.from(plaintext).equals(cycled) ? 'yes' : 'no',
      ),
      uses.check('GenerateDataKey', 1),
      uses.check('Decrypt', 1),
      uses.checkOf('calls of them made for this object, by its ARN in the encryption context', 2, ({ scope }) => scope === 's3-object'),
    ],
    lessons: [
      {
        question: 'Who encrypted the file?',
        answer: 'S3 did, on its side, with a data key that KMS made for this one object. You sent clear text over TLS and named the key.',
      },
      {
        question: 'Where is the data key now?',
        answer: 'Beside the object, encrypted under your KMS key. In clear it existed only while S3 wrote and read.',
      },
      {
        question: 'You never called KMS. Why does CloudTrail show two calls?',
        answer: `S3 called in your name: GenerateDataKey for the upload, Decrypt for the download, each with the object's ARN as encryption context. CloudTrail had told of both after ${durationText(uses.waitedS)}.`,
      },
      {
        question: 'Anybody may read the bucket. May they read the object?',
        answer: 'Only who may also use the key for Decrypt: two locks, two policies.',
      },
    ],
  }
}

function headerLines(what: string, headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `${what} ${name}: ${value}`)
}
