import { createHash, randomBytes } from 'node:crypto'
import { makeAlias, makeKey } from './keys.ts'
import { needed, refusalText } from './make.ts'
import type { StoredObject } from './ports.ts'
import type { Tried } from '../tried.ts'
import { makeRoleSession } from './roles.ts'
import { checkS3Modes } from './s3-mode-check.ts'
import { factsOf, KMS_MODES, type KmsMode, S3_MODES, TITLES } from './s3-mode-list.ts'
import { playMode, type S3Scene } from './s3-mode-play.ts'
import type { RunFacts } from './registry.ts'
import { type Stage, step } from './stage.ts'
import { inputFile, makeBucket, noteObject } from './things.ts'
import type { UseCase } from './use-case.ts'

const PLAINTEXT = 'plaintext_u.txt'
const TEXT = 'This text is stored in every way that S3 has to encrypt it.\n'
const CUSTOMER_KEY_BYTES = 32
const NEVER_DATA = Buffer.from('no data\n')

/** The ways S3 encrypts one file, and the one in which S3 never sees it. */
export const s3Modes: UseCase = {
  name: 's3-modes',
  title: 'The encryption modes of S3 side by side',

  async run(stage) {
    const since = await stage.time.now()
    const { scene, facts: made } = await setScene(stage)
    const seen: Record<string, string | number> = {}
    for (const mode of S3_MODES) {
      if (mode === 'sse-c') Object.assign(seen, await unblocked(stage, scene))
      Object.assign(seen, factsOf(mode, await playMode(stage, scene, mode)))
      if (mode === 'sse-c') Object.assign(seen, await triedInClear(stage, scene))
    }
    scene.customerKey.fill(0)
    step(
      stage,
      'The key of SSE-C is thrown away',
      'S3 never kept it: that object can be read by nobody any more, AWS included.',
      'An object of SSE-C lives as long as somebody keeps its key.',
    )
    return { ...made, ...seen, since, until: await stage.time.now() }
  },

  check: checkS3Modes,
}

async function setScene(stage: Stage): Promise<{ readonly scene: S3Scene; readonly facts: RunFacts }> {
  const keyArns = {
    'sse-kms': await makeKey(stage, TITLES['sse-kms']),
    'bucket-key': await makeKey(stage, TITLES['bucket-key']),
    'dsse-kms': await makeKey(stage, TITLES['dsse-kms']),
    'client-side': await makeKey(stage, TITLES['client-side']),
  } satisfies Record<KmsMode, string>
  const aliasName = await makeAlias(stage, keyArns['sse-kms'])
  const plaintext = await inputFile(stage, PLAINTEXT, Buffer.from(TEXT))
  const bucket = await makeBucket(stage)
  const objects = [`arn:${stage.caller.partition}:s3:::${bucket}/*`]
  const keys = Object.values(keyArns)
  const gets = { actions: ['s3:GetObject'], resources: objects }
  const scene = {
    bucket,
    plaintext,
    keyArns,
    customerKey: randomBytes(CUSTOMER_KEY_BYTES),
    writer: await makeRoleSession(stage, [
      { actions: ['s3:PutObject'], resources: objects },
      { actions: ['kms:GenerateDataKey'], resources: keys },
    ]),
    reader: await makeRoleSession(stage, [gets]),
    decrypter: await makeRoleSession(stage, [gets, { actions: ['kms:Decrypt'], resources: keys }]),
  }
  step(
    stage,
    'Four KMS keys, a bucket and three roles',
    `a key for each mode that needs one, so that their calls can be told apart; ${aliasName} stands for the one of ${TITLES['sse-kms']}`,
    'one role may put objects and ask KMS for data keys',
    'one may get objects (s3:GetObject) and nothing else; one may also have KMS decrypt (kms:Decrypt)',
  )
  const facts = {
    ...Object.fromEntries(KMS_MODES.map((mode) => [`${mode}.keyArn`, keyArns[mode]])),
    'sse-c.keyMd5': createHash('md5').update(scene.customerKey).digest('base64'),
    writer: scene.writer.roleArn,
    reader: scene.reader.roleArn,
    decrypter: scene.decrypter.roleArn,
  }
  return { scene, facts }
}

/** A new bucket takes no SSE-C; this one does from now on. */
async function unblocked(stage: Stage, scene: S3Scene): Promise<RunFacts> {
  const refused = await putUnderThrowaway(stage, scene, 'sse-c-blocked.txt', false)
  needed('the bucket could not be told to take SSE-C', await stage.aws.s3.allowCustomerKeys(scene.bucket, true))
  step(stage, 'A new bucket takes no SSE-C', `the upload: ${outcomeText(refused)}`, 'The bucket is told to take it.')
  return { 'sse-c.whileBlocked': outcome(refused) }
}

/** The bucket has taken SSE-C over TLS by now: what it refuses is the way. */
async function triedInClear(stage: Stage, scene: S3Scene): Promise<RunFacts> {
  const refused = await putUnderThrowaway(stage, scene, 'sse-c-http.txt', true)
  step(
    stage,
    'SSE-C over plain HTTP',
    `the upload: ${outcomeText(refused)}`,
    'S3 refused it after the key had crossed the network in clear: this one was never used for anything.',
  )
  return { 'sse-c.overHttp': outcome(refused) }
}

/** An upload that is to be refused, with a key of its own. */
async function putUnderThrowaway(
  stage: Stage,
  { bucket, writer }: S3Scene,
  key: string,
  overPlainHttp: boolean,
): Promise<Tried<StoredObject>> {
  const throwaway = randomBytes(CUSTOMER_KEY_BYTES)
  await noteObject(stage, { bucket, key })
  const put = await writer.s3.put({ bucket, key, body: NEVER_DATA, encryption: { kind: 'sse-c', key: throwaway }, overPlainHttp })
  throwaway.fill(0)
  return put
}

function outcome(tried: Tried<unknown>): string {
  return tried.ok ? 'stored' : 'refused'
}

function outcomeText(tried: Tried<unknown>): string {
  return tried.ok ? 'it was stored' : `refused (${refusalText(tried)})`
}
