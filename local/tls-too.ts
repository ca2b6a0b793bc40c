import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Certificate } from './certificate.ts'

/** The first byte of a TLS handshake, and of no HTTP request. https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const HANDSHAKE = 0x16
/** For the first byte, and for the handshake. */
const PATIENCE_MS = 60_000
/** What `s3:TlsVersion` tells of every secure call. */
const TLS_VERSION = 'TLSv1.3'

export type TlsToo = {
  /** Cuts the connections that have not shown yet what they speak. */
  closeSilent(): void
}

/** Has a plain HTTP server speak HTTPS as well, at the same port; to the server a connection over TLS is one more connection. */
export function serveTlsToo(server: Server, { key, certificate }: Certificate): TlsToo {
  /** By the caller's port: a connection is known by it before and after its handshake. */
  const silent = new Map<number | undefined, Socket>()
  const plain = server.listeners('connection')
  server.removeAllListeners('connection')
  const accept = (socket: Socket): void => {
    for (const listener of plain) listener.call(server, socket)
  }
  const secure = createServer({
    key,
    cert: certificate,
    minVersion: TLS_VERSION,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: PATIENCE_MS,
  })
  secure.on('secureConnection', (socket) => {
    silent.delete(socket.remotePort)
    accept(socket)
  })
  secure.on('tlsClientError', (_error, socket) => void socket.destroy())
  server.on('connection', (socket: Socket) => {
    const { remotePort } = socket
    silent.set(remotePort, socket)
    // A connection that breaks is the caller's business.
    socket.on('error', () => undefined)
    const lose = (): void => void socket.destroy()
    socket.setTimeout(PATIENCE_MS, lose)
    socket.once('close', () => silent.delete(remotePort))
    socket.once('data', (chunk: Buffer) => {
      socket.setTimeout(0)
      socket.off('timeout', lose)
      socket.pause()
      socket.unshift(chunk)
      if (chunk[0] === HANDSHAKE) {
        // It reads the connection by itself from here on.
        secure.emit('connection', socket)
        return
      }
      silent.delete(remotePort)
      accept(socket)
      process.nextTick(() => socket.resume())
    })
  })
  return {
    closeSilent() {
      for (const socket of silent.values()) socket.destroy()
    },
  }
}
