import type { IncomingMessage } from 'node:http'
import { type HttpAnswer, jsonAnswer } from './http.ts'

export type GateOptions = {
  /** What the header Host may say. */
  readonly hosts: readonly string[]
  readonly bodyBytesMax: number
}

/** How much is thrown away of a body that is too large, so that its sender, who reads no answer before it has sent all, hears why. */
const DISCARDED_BYTES_MAX = 64 * 1024 * 1024

/**
 * Refuses what no SDK sends but a web page can: any page may have a browser call this port, under a name of its own that it lets point to
 * 127.0.0.1 (Host), or from its own address (Origin). https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin
 */
export function refusedAtGate(request: IncomingMessage, gate: GateOptions): HttpAnswer | null {
  const { host, origin } = request.headers
  if (origin !== undefined) return jsonAnswer(403, { message: 'The local cloud does not answer web pages.' })
  if (host === undefined || !gate.hosts.includes(host.toLowerCase())) {
    return jsonAnswer(403, { message: `The local cloud answers as ${gate.hosts.join(' and ')} only.` })
  }
  return null
}

/** The body; null if it is larger than allowed. Rejected if the connection breaks. */
export async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else if (bytes > bytesMax + DISCARDED_BYTES_MAX) return null
    else chunks.length = 0
  }
  return bytes > bytesMax ? null : Buffer.concat(chunks)
}
