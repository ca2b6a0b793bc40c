import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumOf, isChecksumAlgorithm } from './checksums.ts'
import { accepted, type Checked, notHad, refuse } from './outcome.ts'
import { headerText } from './place.ts'

/** The bytes a request carries, and the checksum that came with them. */
export type Payload = { readonly bytes: Buffer; readonly checksum: Checksum | null }
export type Checksum = { readonly algorithm: ChecksumAlgorithm; readonly value: string }

const PREFIX = 'x-amz-checksum-'
/** Headers that begin like a checksum and are none. */
const NO_CHECKSUM = ['x-amz-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-checksum-type']
const STREAMING = 'STREAMING-'
const SHA256_HEX = /^[\da-f]{64}$/i
const CHUNK_SIZE = /^[\da-f]{1,8}$/i

/** Takes the frames off a body, and holds it against all that was said of it. */
export function payloadOf(headers: IncomingHttpHeaders, body: Buffer): Checked<Payload> {
  const isFramed = (headerText(headers, 'x-amz-content-sha256') ?? '').startsWith(STREAMING)
  const framed = isFramed ? withoutFrames(body) : { bytes: body, trailers: {} }
  const length = headerText(headers, 'x-amz-decoded-content-length')
  if (framed === null || (isFramed && length !== null && Number(length) !== framed.bytes.length)) {
    return refuse('IncompleteBody', 'The request body terminated unexpectedly')
  }
  const { bytes } = framed
  const refusal = digestRefusal(headers, bytes)
  if (refusal !== null) return refusal
  const sent = Object.entries({ ...headers, ...framed.trailers }).filter(([name]) => name.startsWith(PREFIX) && !NO_CHECKSUM.includes(name))
  if (sent.length > 1) {
    return refuse('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
  }
  const [[name, value] = []] = sent
  if (name === undefined) return accepted({ bytes, checksum: null })
  const algorithm = name.slice(PREFIX.length)
  if (!isChecksumAlgorithm(algorithm)) return notHad(`this checksum; it has ${CHECKSUM_ALGORITHMS.join(', ')}`)
  if (value !== checksumOf(algorithm, bytes)) {
    return refuse('BadDigest', `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`)
  }
  return accepted({ bytes, checksum: { algorithm, value } })
}

function digestRefusal(headers: IncomingHttpHeaders, bytes: Buffer): Checked<Payload> | null {
  const sha256 = headerText(headers, 'x-amz-content-sha256') ?? ''
  if (SHA256_HEX.test(sha256) && createHash('sha256').update(bytes).digest('hex') !== sha256.toLowerCase()) {
    return refuse('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.")
  }
  const md5 = headerText(headers, 'content-md5')
  if (md5 === null || md5 === checksumOf('md5', bytes)) return null
  return Buffer.from(md5, 'base64').length === 16
    ? refuse('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    : refuse('InvalidDigest', 'The Content-MD5 you specified was invalid.')
}

/**
 * The body out of its chunks (`<size in hexadecimal>[;chunk-signature=…]\r\n<bytes>\r\n`, the last of size 0, then trailing headers); null if
 * it breaks off. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
function withoutFrames(body: Buffer): { readonly bytes: Buffer; readonly trailers: Readonly<Record<string, string>> } | null {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const [size = ''] = body.toString('latin1', at, end === -1 ? at : Math.min(end, at + 128)).split(';')
    if (!CHUNK_SIZE.test(size)) return null
    const start = end + 2
    const length = Number.parseInt(size, 16)
    if (length === 0) return { bytes: Buffer.concat(chunks), trailers: trailersIn(body.toString('latin1', start)) }
    if (body.toString('latin1', start + length, start + length + 2) !== '\r\n') return null
    chunks.push(body.subarray(start, start + length))
    at = start + length + 2
  }
}

function trailersIn(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
}
