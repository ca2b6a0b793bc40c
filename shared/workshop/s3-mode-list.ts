import type { RunFacts } from './registry.ts'

export const S3_MODES = ['bucket-default', 'sse-s3', 'sse-kms', 'bucket-key', 'dsse-kms', 'sse-c', 'client-side'] as const
export type S3Mode = (typeof S3_MODES)[number]

/** Modes with a KMS key; each has one of its own, which keeps their calls apart. */
export const KMS_MODES = ['sse-kms', 'bucket-key', 'dsse-kms', 'client-side'] as const satisfies readonly S3Mode[]
export type KmsMode = (typeof KMS_MODES)[number]

export const TITLES: Readonly<Record<S3Mode, string>> = {
  'bucket-default': 'bucket default',
  'sse-s3': 'SSE-S3',
  'sse-kms': 'SSE-KMS',
  'bucket-key': 'SSE-KMS, Bucket Key',
  'dsse-kms': 'DSSE-KMS',
  'sse-c': 'SSE-C',
  'client-side': 'client-side',
}

/** How many objects are put in a mode, and read by who may: enough to see what a Bucket Key saves. */
const SEVERAL = 3

export function objectNames(mode: S3Mode): readonly string[] {
  const count = mode === 'sse-kms' || mode === 'bucket-key' ? SEVERAL : 1
  return Array.from({ length: count }, (_, index) => `${mode}-${index + 1}.txt`)
}

/** What a run saw of a mode, as text. */
export type Cells = {
  readonly sent: string
  readonly stored: string
  /** Which key the stored object names, and whose it is. */
  readonly key: string
  readonly readers: string
}
export const CELLS = ['sent', 'stored', 'key', 'readers'] as const satisfies readonly (keyof Cells)[]

export function factsOf(mode: S3Mode, cells: Cells): RunFacts {
  return Object.fromEntries(CELLS.map((cell) => [`${mode}.${cell}`, cells[cell]]))
}

export function cellIn(facts: RunFacts, mode: S3Mode, cell: keyof Cells): string {
  return String(facts[`${mode}.${cell}`] ?? 'not seen')
}

export const SSE = 'x-amz-server-side-encryption'
export const MD5_HEADER = `${SSE}-customer-key-md5`
export const KEY_HEADER = `${SSE}-aws-kms-key-id`

/** Headers as one text, the same in any order. */
export function headersText(headers: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(headers).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return sorted.length === 0 ? 'none' : sorted.map(([name, value]) => `${name}: ${value}`).join('; ')
}

/** Outcomes of reading. */
export type Reading = 'reads it' | 'gets ciphertext' | 'gets other bytes' | 'refused'
export const READERS = {
  plain: 's3:GetObject',
  decrypting: 's3:GetObject and kms:Decrypt',
  withoutKey: 's3:GetObject without the key',
  withKey: 's3:GetObject and the key',
} as const

export function readersText(readings: readonly (readonly [who: string, reading: Reading])[]): string {
  return readings.map(([who, reading]) => `${who}: ${reading}`).join('; ')
}

export const S3_OWN_KEY = "S3's own, which no header names"

/**
 * What AWS documents for a mode.
 * Headers: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * Default: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
 * Permissions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
export function documented(mode: S3Mode, facts: RunFacts): Cells {
  const keyArn = String(facts[`${mode}.keyArn`] ?? '')
  const both = readersText([
    [READERS.plain, 'reads it'],
    [READERS.decrypting, 'reads it'],
  ])
  const onlyDecrypting = readersText([
    [READERS.plain, 'refused'],
    [READERS.decrypting, 'reads it'],
  ])
  const own = { stored: headersText({ [SSE]: 'AES256' }), key: S3_OWN_KEY, readers: both }
  const underKms = (headers: Readonly<Record<string, string>>): Cells => {
    const text = headersText({ ...headers, [KEY_HEADER]: keyArn })
    return { sent: text, stored: text, key: keyArn, readers: onlyDecrypting }
  }
  switch (mode) {
    case 'bucket-default':
      return { ...own, sent: headersText({}) }
    case 'sse-s3':
      return { ...own, sent: headersText({ [SSE]: 'AES256' }) }
    case 'sse-kms':
      return underKms({ [SSE]: 'aws:kms' })
    case 'bucket-key':
      return underKms({ [SSE]: 'aws:kms', [`${SSE}-bucket-key-enabled`]: 'true' })
    case 'dsse-kms':
      return underKms({ [SSE]: 'aws:kms:dsse' })
    case 'sse-c': {
      const md5 = String(facts['sse-c.keyMd5'] ?? '')
      const text = headersText({ [`${SSE}-customer-algorithm`]: 'AES256', [MD5_HEADER]: md5 })
      const readers = readersText([
        [READERS.withoutKey, 'refused'],
        [READERS.withKey, 'reads it'],
      ])
      return { sent: text, stored: text, key: md5, readers }
    }
    case 'client-side':
      return {
        ...own,
        sent: headersText({}),
        key: keyArn,
        readers: readersText([
          [READERS.plain, 'gets ciphertext'],
          [READERS.decrypting, 'reads it'],
        ]),
      }
  }
}

/** How often CloudTrail should tell of an operation. */
export type Range = { readonly least: number; readonly most: number }
export type CallRanges = { readonly GenerateDataKey: Range; readonly Decrypt: Range }

/**
 * Each put asks for a data key, and each get for its decryption. Under a Bucket Key each requester asks "at least once":
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html. DSSE-KMS makes "additional AWS KMS API calls", nobody tells how many:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html
 */
export function documentedCalls(mode: KmsMode): CallRanges {
  const count = objectNames(mode).length
  const range = { 'sse-kms': exactly(count), 'bucket-key': { least: 1, most: count - 1 }, 'dsse-kms': { least: 1, most: Infinity } }
  const each = mode === 'client-side' ? exactly(count) : range[mode]
  return { GenerateDataKey: each, Decrypt: each }
}

function exactly(count: number): Range {
  return { least: count, most: count }
}
