/**
 * One stream of 1 GiB in a process of its own: `envelope-stream-child.ts <what> <file> [tag]`, fed from memory, its output dropped.
 * `write` makes the message that is read later. Prints JSON.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { closeSync, createWriteStream, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { Readable, type Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decryptStream, encryptStream, rawAesKeyring } from '../shared/envelope/index.ts'

export type StreamResult = {
  readonly ms: number
  readonly bytes: number
  readonly residentBeforeBytes: number
  readonly residentMaxBytes: number
}

const MIB = 2 ** 20
const BYTES = 1024 * MIB
const CHUNK_BYTES = 64 * 1024
const FRAME_LENGTH = 256 * 1024
/** More than the second-level cache holds: nothing is read twice from there. */
const LAP_BYTES = 64 * MIB
const CIPHER = 'aes-256-gcm'
const KEY = digestOf('key')
const IV = digestOf('iv').subarray(0, 12)

function digestOf(text: string): Buffer {
  return createHash('sha256').update(`keytrail bench ${text}`).digest()
}

/** The same bytes again and again, up to 1 GiB. */
function laps(): { readonly source: Buffer; readonly bytes: number } {
  const source = createCipheriv('aes-256-ctr', KEY, Buffer.alloc(16)).update(Buffer.alloc(LAP_BYTES))
  return { source, bytes: BYTES }
}

function held(file: string): { readonly source: Buffer; readonly bytes: number } {
  const bytes = statSync(file).size
  const source = Buffer.alloc(bytes)
  const descriptor = openSync(file, 'r')
  for (let at = 0; at < bytes;) at += readSync(descriptor, source, at, Math.min(bytes - at, LAP_BYTES), at)
  closeSync(descriptor)
  return { source, bytes }
}

function feed({ source, bytes }: { readonly source: Buffer; readonly bytes: number }): Readable {
  let at = 0
  return new Readable({
    read() {
      const from = at % source.length
      const end = Math.min(from + CHUNK_BYTES, source.length, from + bytes - at)
      at += end - from
      this.push(end === from ? null : source.subarray(from, end))
    },
  })
}

function encryption(): Transform {
  return encryptStream({ keyring: keyring(), suite: '0478', frameLength: FRAME_LENGTH })
}

function keyring(): ReturnType<typeof rawAesKeyring> {
  return rawAesKeyring({ namespace: 'keytrail bench', name: 'stream', key: KEY })
}

/** Bytes of a line in what Linux says of this process. `ru_maxrss` would tell of the parent, too. */
function residentBytes(line: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return 1024 * Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1])
}

async function streamed(input: { readonly source: Buffer; readonly bytes: number }, transform: Transform): Promise<StreamResult> {
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done()
    },
  })
  globalThis.gc?.()
  // From here on, the highest mark counts anew.
  writeFileSync('/proc/self/clear_refs', '5')
  const residentBeforeBytes = residentBytes('VmRSS')
  const begun = performance.now()
  await pipeline(feed(input), transform, sink)
  const ms = performance.now() - begun
  return { ms, bytes, residentBeforeBytes, residentMaxBytes: residentBytes('VmHWM') }
}

/** Writes a message, and tells the tag that makes its bytes a raw ciphertext: both readers can then read the very same bytes. */
async function write(file: string): Promise<string> {
  await pipeline(feed(laps()), encryption(), createWriteStream(file))
  const message = held(file)
  const decipher = createDecipheriv(CIPHER, KEY, IV)
  const cipher = createCipheriv(CIPHER, KEY, IV)
  for (let at = 0; at < message.bytes; at += CHUNK_BYTES) cipher.update(decipher.update(message.source.subarray(at, at + CHUNK_BYTES)))
  cipher.final()
  return cipher.getAuthTag().toString('hex')
}

const [what = '', file = '', tag = ''] = process.argv.slice(2)
const RUN: Readonly<Record<string, () => Promise<StreamResult | string>>> = {
  write: () => write(file),
  encrypt: () => streamed(laps(), encryption()),
  rawEncrypt: () => streamed(laps(), createCipheriv(CIPHER, KEY, IV)),
  decrypt: () => streamed(held(file), decryptStream({ keyring: keyring() })),
  rawDecrypt: () => streamed(held(file), createDecipheriv(CIPHER, KEY, IV).setAuthTag(Buffer.from(tag, 'hex'))),
}
if (import.meta.main) process.stdout.write(JSON.stringify(await RUN[what]?.()))
