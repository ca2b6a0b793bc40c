import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import { connect as secureConnect, type SecureVersion } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureCertificate } from '../../local/certificate.ts'
import { type Ground, openGround, temporaryFolder } from './ground.ts'
import { trusting } from './s3-ground.ts'

const DAY_MS = 86_400_000
let place: ReturnType<typeof temporaryFolder>

beforeEach(() => {
  place = temporaryFolder()
})

afterEach(() => place.remove())

describe('the certificate', () => {
  it('is kept in the folder, its key for the owner only', async () => {
    const made = await ensureCertificate({ folder: place.folder })
    const modes = ['certificate.pem', 'certificate-key.pem'].map((name) => statSync(path.join(place.folder, name)).mode & 0o777)
    expect(modes).toEqual([0o644, 0o600])
    const kept = await ensureCertificate({ folder: place.folder })
    expect(kept.certificate.trim()).toBe(made.certificate.trim())
    const x509 = new X509Certificate(made.certificate)
    expect([x509.subjectAltName, x509.ca]).toEqual(['DNS:localhost, IP Address:127.0.0.1', false])
    expect([x509.checkIP('127.0.0.1'), x509.checkHost('localhost'), x509.checkHost('example.com')]).toEqual([
      '127.0.0.1',
      'localhost',
      undefined,
    ])
  })

  it.each<readonly [string, (folder: string) => number]>([
    ['it is about to end', () => Date.now() + 340 * DAY_MS],
    ['it has ended', () => Date.now() + 500 * DAY_MS],
    ['it has not begun', () => Date.now() - 10 * DAY_MS],
    ['it is none', (folder) => damage(folder, 'certificate.pem')],
    ['it has no key', (folder) => damage(folder, 'certificate-key.pem')],
  ])('is made anew if %s', async (_title, prepare) => {
    const before = await ensureCertificate({ folder: place.folder })
    const nowMs = prepare(place.folder)
    const after = await ensureCertificate({ folder: place.folder }, nowMs)
    expect(after.certificate).not.toBe(before.certificate)
    expect(Date.parse(new X509Certificate(after.certificate).validTo)).toBeGreaterThan(nowMs + 300 * DAY_MS)
    expect(readFileSync(path.join(place.folder, 'certificate.pem'), 'utf8').trim()).toBe(after.certificate.trim())
    expect(statSync(path.join(place.folder, 'certificate-key.pem')).mode & 0o777).toBe(0o600)
  })

  it('is nowhere without a folder', async () => {
    const [one, other] = await Promise.all([ensureCertificate({ folder: null }), ensureCertificate({ folder: null })])
    expect(one.certificate).not.toBe(other.certificate)
  })
})

function damage(folder: string, name: string): number {
  writeFileSync(path.join(folder, name), 'nothing')
  return Date.now()
}

let ground: Ground

const ask = (headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    const { port } = ground.endpoint
    request({ host: '127.0.0.1', servername: 'localhost', port, headers, ca: ground.certificate ?? '', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

describe('the port of the endpoint', () => {
  beforeEach(async () => {
    ground = await openGround({ isSecure: true })
  })

  afterEach(() => ground.close())

  it('speaks HTTP and HTTPS, and services know which', async () => {
    const plain = new KMSClient(ground.client)
    const secure = new KMSClient({ ...ground.client, endpoint: ground.endpoint.secureUrl, ...trusting(ground.certificate ?? '') })
    const s3 = new S3Client({ ...ground.client, endpoint: ground.endpoint.secureUrl, ...trusting(ground.certificate ?? '') })
    await Promise.all([plain, secure, plain, secure].map((client) => client.send(new ListKeysCommand({}))))
    await s3.send(new ListBucketsCommand({}))
    const secured = ground.seen.map(({ call }) => `${call.operation} ${call.isSecure ? 'TLS' : 'HTTP'}`)
    expect(secured.toSorted()).toEqual(['ListBuckets TLS', 'ListKeys HTTP', 'ListKeys HTTP', 'ListKeys TLS', 'ListKeys TLS'])
    for (const client of [plain, secure, s3]) client.destroy()
  })

  it('is trusted by nobody who was not given its certificate', async () => {
    const others = await ensureCertificate({ folder: null })
    for (const config of [{}, trusting(others.certificate)]) {
      const client = new KMSClient({ ...ground.client, endpoint: ground.endpoint.secureUrl, ...config })
      await expect(client.send(new ListKeysCommand({}))).rejects.toThrow(/self-signed certificate|unable to verify/)
      client.destroy()
    }
  })

  it('answers no web page and to no other name over TLS either', async () => {
    expect(await ask({ origin: 'https://example.com' })).toBe(403)
    expect(await ask({ host: 'example.com' })).toBe(403)
    // Not signed.
    expect(await ask({})).toBe(403)
  })

  it.each<readonly [SecureVersion, boolean]>([
    ['TLSv1.3', true],
    ['TLSv1.2', false],
  ])('speaks %s: %s', async (maxVersion, isSpoken) => {
    const { port } = ground.endpoint
    const protocol = await new Promise<string | null>((resolve) => {
      const socket = secureConnect({ host: '127.0.0.1', port, ca: ground.certificate ?? '', maxVersion }, () => {
        resolve(socket.getProtocol())
        socket.destroy()
      })
      socket.on('error', () => resolve(null))
    })
    expect(protocol).toBe(isSpoken ? 'TLSv1.3' : null)
  })

  it('closes though some say nothing, or break off a handshake', async () => {
    const { port } = ground.endpoint
    const sockets = ['', '\u{16}', '\u{16}\u{3}\u{1}', '\u{16}nonsense'.repeat(20)].map((text) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => undefined)
      socket.write(Buffer.from(text, 'latin1'))
      return new Promise<void>((resolve) => void socket.on('close', () => resolve()))
    })
    const client = new KMSClient(ground.client)
    await client.send(new ListKeysCommand({}))
    await ground.endpoint.close()
    await Promise.all(sockets)
    expect(ground.faults).toEqual([])
    client.destroy()
  })
})

it('the endpoint speaks no TLS without a certificate', async () => {
  const plain = await openGround()
  const client = new KMSClient({ ...plain.client, endpoint: plain.endpoint.secureUrl })
  await expect(client.send(new ListKeysCommand({}))).rejects.toThrow(/wrong version number|packet length|socket|ECONNRESET/i)
  client.destroy()
  await plain.close()
})
