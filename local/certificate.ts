import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeOwnFile } from './own-files.ts'
import { CERTIFICATE_FILE } from '../shared/local-order.ts'
import { CERTIFICATE_KEY_FILE, type LocalState } from './state.ts'

/** What the endpoint shows over TLS, and its private key; both PEM. */
export type Certificate = { readonly certificate: string; readonly key: string }

const DAY_MS = 86_400_000
const VALID_DAYS = 365
/** One that ends within a run would break it. */
const RENEWED_DAYS_BEFORE = 30
const OWN_MODE = 0o600
const PUBLIC_MODE = 0o644

/**
 * The certificate kept in the state's folder, made anew before it ends. It is for 127.0.0.1 and localhost, can sign no other, and is trusted
 * by nobody but who is given it. TLS goes by real time, whatever the local clock says.
 */
export async function ensureCertificate({ folder }: Pick<LocalState, 'folder'>, nowMs = Date.now()): Promise<Certificate> {
  const kept = folder === null ? null : readCertificate(folder)
  if (kept !== null && isGood(kept, nowMs)) return kept
  const made = await makeCertificate(nowMs)
  if (folder !== null) {
    writeWhole(path.join(folder, CERTIFICATE_KEY_FILE), made.key, OWN_MODE)
    writeWhole(path.join(folder, CERTIFICATE_FILE), made.certificate, PUBLIC_MODE)
  }
  return made
}

function readCertificate(folder: string): Certificate | null {
  try {
    const [certificate, key] = [CERTIFICATE_FILE, CERTIFICATE_KEY_FILE].map((name) => readFileSync(path.join(folder, name), 'utf8'))
    return certificate === undefined || key === undefined ? null : { certificate, key }
  } catch {
    return null
  }
}

/** It has its own key, and some time to live. */
function isGood({ certificate, key }: Certificate, nowMs: number): boolean {
  try {
    const x509 = new X509Certificate(certificate)
    const isInTime = Date.parse(x509.validFrom) <= nowMs && Date.parse(x509.validTo) > nowMs + RENEWED_DAYS_BEFORE * DAY_MS
    return isInTime && x509.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

async function makeCertificate(nowMs: number): Promise<Certificate> {
  // It brings a whole toolbox of ASN.1, which a start that has its certificate can do without.
  const { generate } = await import('selfsigned')
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'Keytrail local cloud' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    // Clocks of clients may be a little behind.
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { certificate: cert, key }
}

/** All of it or nothing, never for a moment readable by others than it shall be. */
function writeWhole(file: string, text: string, mode: number): void {
  const fresh = `${file}.new`
  makeOwnFile(fresh)
  writeFileSync(fresh, `${text.trim()}\n`)
  chmodSync(fresh, mode)
  renameSync(fresh, file)
}
