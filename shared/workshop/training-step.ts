import { createDataKeyCache } from '../cache/index.ts'
import { cachingMaterials, decrypt, encrypt, EnvelopeError, type KmsClient, kmsKeyring, type MaterialsSource } from '../envelope/index.ts'
import { needed } from './make.ts'
import type { ObjectName } from './ports.ts'
import type { RoleSession } from './roles.ts'

export const ASSETS_PREFIX = 'assets'
/** In clear, in CloudTrail too: it says what the data is for, and the grant asks for it. */
export const ASSETS_CONTEXT = { whatfor: 'keytrail workshop training-assets' }
const LINES = 120

/** What the training needs and nobody else is to read: a few thousand bytes each, the same in each run. */
export const ASSETS: Readonly<Record<string, string>> = {
  'vocabulary.txt': lines((number) => `word ${number}: a word that the model has to know before it begins`),
  'labels.csv': lines((number) => `${number},label of class ${number},a description of what belongs to class ${number}`),
  'weights.json': JSON.stringify({ format: 1, weights: Array.from({ length: 8 * LINES }, (_, index) => (index % 17) / 16) }),
}
export const ASSET_NAMES = Object.keys(ASSETS)

/** The file of what the training step made of it. */
export function cycledName(name: string): string {
  return `cycled_${name}`
}

export type AssetsPlace = { readonly keyArn: string; readonly bucket: string }
export type TrainingStep =
  | { readonly kind: 'trained'; readonly assets: ReadonlyMap<string, Uint8Array> }
  /** KMS did not decrypt the data key. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }

export function assetObject(bucket: string, name: string): ObjectName {
  return { bucket, key: `${ASSETS_PREFIX}/${name}.encrypted` }
}

/** All assets, encrypted here under one data key. */
export async function encryptedAssets(client: KmsClient, keyArn: string): Promise<ReadonlyMap<string, Uint8Array>> {
  return withOneDataKey(client, keyArn, [], async (materials) => {
    const messages = new Map<string, Uint8Array>()
    for (const [name, text] of Object.entries(ASSETS)) {
      const { message } = await encrypt(Buffer.from(text), { materials, encryptionContext: ASSETS_CONTEXT })
      messages.set(name, message)
    }
    return messages
  })
}

/** What a training container does first: download, have KMS decrypt the one data key, decrypt. @throws WorkshopObstacle if S3 refuses */
export async function playTrainingStep(
  { s3, envelopeKms }: Pick<RoleSession, 's3' | 'envelopeKms'>,
  { keyArn, bucket }: AssetsPlace,
  grantTokens: readonly string[] = [],
): Promise<TrainingStep> {
  return withOneDataKey(envelopeKms, keyArn, grantTokens, async (materials) => {
    const assets = new Map<string, Uint8Array>()
    for (const name of ASSET_NAMES) {
      const { body } = needed(`the role cannot download ${name}`, await s3.get(assetObject(bucket, name)))
      try {
        const { plaintext } = await decrypt(body, { materials, encryptionContext: ASSETS_CONTEXT })
        assets.set(name, plaintext)
      } catch (error) {
        const refused = refusalOf(error)
        if (refused === null) throw error
        return refused
      }
    }
    return { kind: 'trained', assets }
  })
}

/** In a word: `succeeded`, or the code of KMS's refusal. */
export function stepOutcome(step: TrainingStep): string {
  return step.kind === 'trained' ? 'succeeded' : step.code
}

async function withOneDataKey<Result>(
  client: KmsClient,
  keyArn: string,
  grantTokens: readonly string[],
  work: (materials: MaterialsSource) => Promise<Result>,
): Promise<Result> {
  const cache = createDataKeyCache({ capacity: 1 })
  const limits = { maxAgeMs: 5 * 60_000, maxMessages: ASSET_NAMES.length }
  try {
    return await work(cachingMaterials({ keyring: kmsKeyring({ client, keyArn, grantTokens }), cache, ...limits }))
  } finally {
    cache.clear()
  }
}

function refusalOf(error: unknown): TrainingStep | null {
  if (!(error instanceof EnvelopeError) || error.rule !== 'decrypt-data-key') return null
  const [failure] = error.failures
  if (failure === undefined) return null
  const [code = ''] = failure.reason.split(':')
  return code.endsWith('Exception') ? { kind: 'refused', code, reason: failure.reason } : null
}

function lines(line: (number: number) => string): string {
  return Array.from({ length: LINES }, (_, index) => `${line(index + 1)}\n`).join('')
}
