import { createHmac } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { THERE_ONLY } from '../../shared/aws/access.ts'
import { createKmsClient } from '../../shared/aws/kms.ts'
import { EnvelopeError, type Keyring, kmsKeyring, rawAesKeyring } from '../../shared/envelope/index.ts'
import { cappedText } from '../../shared/text.ts'
import { localEndpoint } from '../../shared/wiring.ts'
import { UsageError } from '../exit.ts'
import { shown } from '../output/shown.ts'
import type { EnvelopeOptions } from './envelope-options.ts'
import { fileError } from './file-error.ts'

/** What wraps data keys; `close` gives connections back. */
export type WrappingKey = { readonly keyring: Keyring; close(): void }

const FILE = 'file:'
const KEY_BYTES = [16, 24, 32]
/** Twice the longest key in hexadecimal digits, and a line end. */
const READ_BYTES_MAX = 66
const NAMESPACE = 'keytrail'
/** As the URL parser writes host names, whatever form they were given in. */
const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])$/
const SHOWN_BYTES_MAX = 200

/** The keyring that `--key` means. @throws UsageError if it means none */
export function wrappingKey({ key: keys, keyName, target }: EnvelopeOptions, standingFolder: string): WrappingKey {
  const [first = '', ...others] = keys
  if (first.startsWith(FILE)) {
    if (others.length > 0) throw new UsageError('a raw key stands alone: give --key once')
    return { keyring: rawKeyring(path.resolve(standingFolder, first.slice(FILE.length)), keyName), close: () => undefined }
  }
  if (others.some((key) => key.startsWith(FILE))) throw new UsageError('a raw key stands alone: give --key once')
  if (keyName !== undefined) throw new UsageError('--key-name is for raw keys: KMS keys are named by their ARN')
  const client = createKmsClient(target === 'aws' ? {} : localConfig())
  const keyring = orUsageError(() => kmsKeyring({ client, keyArn: first, furtherKeyArns: others }))
  if (target === 'aws') {
    for (const arn of keys)
      process.stderr.write(`keytrail: AWS, account ${shown(arn.split(':')[4] ?? '')}, Region ${shown(arn.split(':')[3] ?? '')}\n`)
  }
  return { keyring, close: () => client.close() }
}

/** Of this machine only. @throws UsageError if the endpoint is elsewhere */
function localConfig(): NonNullable<Parameters<typeof createKmsClient>[0]> {
  const endpoint = localEndpoint()
  if (!isLoopback(endpoint)) {
    throw new UsageError(
      `AWS_ENDPOINT_URL leads away from this machine (${cappedText(endpoint, SHOWN_BYTES_MAX)}): unset it, or name AWS with --target aws`,
    )
  }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return { endpoint, credentials, ...THERE_ONLY }
}

function isLoopback(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false
  const { protocol, hostname } = new URL(endpoint)
  return (protocol === 'http:' || protocol === 'https:') && LOOPBACK.test(hostname)
}

/** What a keyring refuses before it is used stands on the command line. */
function orUsageError(make: () => Keyring): Keyring {
  try {
    return make()
  } catch (error) {
    throw error instanceof EnvelopeError ? new UsageError(`--key: ${error.message}`) : error
  }
}

function rawKeyring(file: string, keyName: EnvelopeOptions['keyName']): Keyring {
  const key = readKey(file)
  try {
    // Whoever has the key finds it by this name, wherever its file lies.
    const name = createHmac('sha256', key).update('keytrail key name').digest('hex').slice(0, 16)
    return orUsageError(() => rawAesKeyring({ ...(keyName ?? { namespace: NAMESPACE, name }), key }))
  } finally {
    key.fill(0)
  }
}

function readKey(file: string): Buffer {
  const bytes = Buffer.alloc(READ_BYTES_MAX + 1)
  try {
    const handle = openSync(file, 'r')
    try {
      const length = readSync(handle, bytes)
      if (KEY_BYTES.includes(length)) return Buffer.from(bytes.subarray(0, length))
      const digits = bytes.toString('latin1', 0, length).trim()
      if (/^[0-9a-f]+$/i.test(digits) && KEY_BYTES.includes(digits.length / 2)) return Buffer.from(digits, 'hex')
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    throw new UsageError(`the key file ${file} cannot be read: ${fileError(error)}`)
  } finally {
    bytes.fill(0)
  }
  throw new UsageError(`${file} holds no AES key: 16, 24 or 32 bytes, or as many in hexadecimal digits (head -c 32 /dev/urandom > key)`)
}
