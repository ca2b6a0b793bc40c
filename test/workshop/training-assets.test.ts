import {
  CreateTrainingJobRequest$,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobCommandOutput,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import { ListGrantsCommand } from '@aws-sdk/client-kms'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encrypt, rawAesKeyring } from '../../shared/envelope/index.ts'
import { clientConfig } from '../../shared/aws/access.ts'
import { createTrainingJob } from '../../shared/aws/workshop/training-port.ts'
import { isJsonObject } from '../../shared/json.ts'
import { looksLikeCiphertext, lookAtMessage } from '../../shared/workshop/ciphertext-look.ts'
import { cleanUp } from '../../shared/workshop/clean-up.ts'
import { makeGrant } from '../../shared/workshop/grants.ts'
import type { Stage } from '../../shared/workshop/stage.ts'
import { checkUseCase, runUseCase } from '../../shared/workshop/run-use-case.ts'
import { trainingAssets } from '../../shared/workshop/training-assets.ts'
import { trainingJob } from '../../shared/workshop/training-job.ts'
import type { Check } from '../../shared/workshop/use-case.ts'
import { keytrailHere } from '../support/here.ts'
import { openWorkshop, type PlayedStage, type WorkshopGround } from '../support/workshop-stage.ts'

/** A whole run, on a machine that does other things too. */
const HOOK_MS = 60_000
let ground: WorkshopGround
let opened: PlayedStage
let sageMaker: SageMakerClient

beforeAll(async () => {
  ground = await openWorkshop()
  opened = await ground.open('training-assets')
  const { url: endpoint, region } = ground.cloud
  sageMaker = new SageMakerClient(clientConfig({ endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }))
  await runUseCase(trainingAssets, opened.stage)
}, HOOK_MS)
afterAll(async () => {
  sageMaker.destroy()
  await opened[Symbol.asyncDispose]()
  await ground.close()
})

async function fact(name: string): Promise<string> {
  return String((await opened.stage.registry.facts('training-assets'))?.[name])
}

async function notPassed(stage: Stage = opened.stage): Promise<readonly Check[]> {
  const result = await checkUseCase(trainingAssets, stage)
  if (result === null) throw new Error('the run left no facts')
  return result.checks.filter(({ verdict }) => verdict !== 'pass')
}

async function described(jobName: string): Promise<DescribeTrainingJobCommandOutput> {
  return sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }))
}

function fileOf(name: string): string {
  return path.join(opened.stage.files.folder, name)
}

describe('training-assets', () => {
  it('lets the role decrypt once, between two refusals', async () => {
    expect(await notPassed()).toEqual([])
    const result = await checkUseCase(trainingAssets, opened.stage)
    const roleArn = await fact('roleArn')
    expect(result?.tables?.[0]?.rows.slice(1)).toEqual([
      ['the key', 'Decrypt', roleArn, 'succeeded', '1'],
      ['the key', 'GenerateDataKey', opened.stage.caller.arn, 'succeeded', '1'],
      ['not named', 'Decrypt', roleArn, 'AccessDenied', '2'],
    ])
    const text = opened.news.flatMap((one) => (one.kind === 'step' ? one.lines : [])).join('\n')
    expect(text.match(/AccessDeniedException: .* not authorized to perform: kms:Decrypt/g)).toHaveLength(2)
  })

  it('submits nothing unless told to', async () => {
    await expect(described(await fact('jobName'))).rejects.toMatchObject({ name: 'ValidationException' })
    expect(await fact('submitted')).toBe('not asked for')
  })

  it('makes grants that allow Decrypt for the encryption context of the assets only', async () => {
    const keyArn = await fact('keyArn')
    const context = { whatfor: 'a test' }
    const grant = await makeGrant(opened.stage, { keyArn, granteeArn: await fact('roleArn'), operations: ['Decrypt'], context })
    const { Grants = [] } = await ground.cloud.clients.kms.send(new ListGrantsCommand({ KeyId: keyArn, GrantId: grant.grantId }))
    expect(Grants).toMatchObject([{ Name: grant.name, Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: context } }])
    expect(await opened.stage.aws.kms.revokeGrant(keyArn, grant.grantId)).toMatchObject({ ok: true })
  })

  it('notices an object in clear, a file that was changed, credentials in the request', async () => {
    const { s3 } = opened.stage.aws
    const bucket = await fact('bucket')
    const plain = opened.stage.files.read('labels.csv') ?? new Uint8Array()
    const header = (await s3.get({ bucket, key: 'assets/labels.csv.encrypted' })) as { readonly value: { readonly body: Uint8Array } }
    const leaking = Buffer.concat([header.value.body, plain])
    await s3.put({ bucket, key: 'assets/labels.csv.encrypted', body: leaking, encryption: { kind: 'bucket-default' } })
    writeFileSync(fileOf('cycled_vocabulary.txt'), 'changed')
    writeFileSync(fileOf('training-job.json'), JSON.stringify({ HyperParameters: { key: `AKIA${'A'.repeat(16)}` } }))
    expect((await notPassed()).map(({ what, seen }) => `${what.replace(bucket, 'bucket')}: ${seen}`)).toEqual([
      'cycled_vocabulary.txt is the same as vocabulary.txt: no',
      's3://bucket/assets/labels.csv.encrypted is ciphertext: no',
      'the training job encrypts its volumes under: undefined',
      'and its output under: undefined',
      'and what its machines tell each other: undefined',
      'credentials in its hyperparameters: some',
    ])
    for (const name of ['cycled_vocabulary.txt', 'training-job.json']) writeFileSync(fileOf(name), '')
  })
})

describe('the training job', () => {
  it('is submitted on request, with a grant of its own, and stopped by the clean-up', async () => {
    await using again = await ground.open('training-assets-submitted')
    const stage = { ...again.stage, submits: true }
    await runUseCase({ ...trainingAssets, name: stage.useCase }, stage)
    const facts = (await stage.registry.facts(stage.useCase)) ?? {}
    expect(facts['submitted']).toBe('succeeded')
    const jobName = String(facts['jobName'])
    const keyArn = String(facts['keyArn'])
    const shown: unknown = JSON.parse(Buffer.from(stage.files.read('training-job.json') ?? []).toString('utf8'))
    expect(await described(jobName)).toMatchObject({ ...(isJsonObject(shown) ? shown : {}), TrainingJobStatus: 'InProgress' })
    const { Grants = [] } = await ground.cloud.clients.kms.send(new ListGrantsCommand({ KeyId: keyArn }))
    expect(Grants).toHaveLength(1)
    const { checks = [] } = (await checkUseCase({ ...trainingAssets, name: stage.useCase }, stage)) ?? {}
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
    expect(checks.map(({ what }) => what)).toContain('its submission')

    const cleaned = await cleanUp(stage)
    expect(cleaned.filter(({ isLeft }) => isLeft)).toEqual([])
    expect(await described(jobName)).toMatchObject({ TrainingJobStatus: 'Stopped' })
    const { Grants: left = [] } = await ground.cloud.clients.kms.send(new ListGrantsCommand({ KeyId: keyArn }))
    expect(left).toEqual([])
  })

  it("has members of the SDK's model only, and all that it requires", () => {
    const job = trainingJob({
      caller: { arn: 'arn:aws:iam::111122223333:user/u', accountId: '111122223333', region: 'eu-central-1', partition: 'aws' },
      jobName: 'job',
      roleArn: 'arn:aws:iam::111122223333:role/r',
      keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321',
      bucket: 'bucket',
      assetsPrefix: 'assets',
    })
    expect(strayMembers(CreateTrainingJobRequest$, { ...createTrainingJob(job).input })).toEqual([])
    expect(strayMembers(CreateTrainingJobRequest$, { ...job, ResourceConfig: { Volumes: 1 }, OutputDataConfig: {} })).toEqual([
      'OutputDataConfig.S3OutputPath is missing',
      'ResourceConfig.Volumes is unknown',
    ])
  })

  it('is submitted by nobody who has none', async () => {
    const runs = [
      ['sse', 'run'],
      ['training-assets', 'check'],
    ]
    for (const [useCase = '', action = ''] of runs) {
      const { code, stderr } = await keytrailHere(['workshop', useCase, action, '--submit'], { cwd: ground.files.path })
      expect(code).toBe(2)
      expect(stderr).toContain(`${useCase} ${action} has nothing`)
    }
  })
})

describe('what looks like ciphertext', () => {
  const plaintext = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(200))
  const keyring = rawAesKeyring({ namespace: 'test', name: 'key', key: randomBytes(32) })

  it('is an envelope message, and not one with a line of the plaintext in it', async () => {
    const { message } = await encrypt(plaintext, { keyring, suite: '0478' })
    expect(looksLikeCiphertext(lookAtMessage(message, plaintext))).toBe(true)
    const line = Buffer.concat([message, plaintext.subarray(5, 21)])
    expect(lookAtMessage(line, plaintext).showsPlaintext).toBe(true)
    expect(looksLikeCiphertext(lookAtMessage(line, plaintext))).toBe(false)
    expect(lookAtMessage(Buffer.concat([message, plaintext.subarray(5, 20)]), plaintext).showsPlaintext).toBe(false)
  })

  it('has eight bits a byte, and text has not', async () => {
    const { message } = await encrypt(plaintext, { keyring, suite: '0478' })
    const padded = Buffer.concat([message, Buffer.alloc(9000, 'e')])
    expect(lookAtMessage(padded, plaintext)).toMatchObject({ showsPlaintext: false })
    expect(looksLikeCiphertext(lookAtMessage(padded, plaintext))).toBe(false)
  })
})

/** Static schemas of the SDK: names of members, their schemas, and how many of the first are required. */
function strayMembers(schema: unknown, value: Readonly<Record<string, unknown>>, at = ''): readonly string[] {
  const [, , , , names, schemas, required = 0] = schema as readonly [unknown, unknown, unknown, unknown, string[], unknown[], number?]
  const missing = names
    .slice(0, required)
    .filter((name) => value[name] === undefined)
    .map((name) => `${at}${name} is missing`)
  const strays = Object.entries(value).flatMap(([name, member]) => {
    const index = names.indexOf(name)
    if (index === -1) return [`${at}${name} is unknown`]
    const inner: unknown = typeof schemas[index] === 'function' ? (schemas[index] as () => unknown)() : null
    const isStructure = Array.isArray(inner) && inner[0] === 3
    return isStructure && isJsonObject(member) ? strayMembers(inner, member, `${at}${name}.`) : []
  })
  return [...missing, ...strays].toSorted()
}
