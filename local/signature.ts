import type { IncomingHttpHeaders } from 'node:http'

/** What a Signature Version 4 tells besides the signature, which nobody checks here. */
export type CredentialScope = {
  readonly accessKeyId: string
  readonly region: string
  /** The service's signing name, such as `kms`. */
  readonly service: string
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html */
const CREDENTIAL = /^(?<accessKeyId>\w{1,128})\/\d{8}\/(?<region>[a-z\d-]{1,64})\/(?<service>[a-z\d-]{1,64})\/aws4_request$/
const HEADER = /^AWS4-HMAC-SHA256 [^=]{0,64}Credential=(?<credential>[^,\s]+)/

/** The scope a call was signed in: from the header, or from the query of a presigned URL. `malformed` if there is one that says nothing. */
export function scopeOf(headers: IncomingHttpHeaders, target: string): CredentialScope | 'missing' | 'malformed' {
  const { authorization } = headers
  const credential =
    authorization === undefined ? credentialOfQuery(target) : (HEADER.exec(authorization)?.groups?.['credential'] ?? 'malformed')
  if (credential === null) return 'missing'
  const { accessKeyId, region, service } = CREDENTIAL.exec(credential)?.groups ?? {}
  if (accessKeyId === undefined || region === undefined || service === undefined) return 'malformed'
  return { accessKeyId, region, service }
}

function credentialOfQuery(target: string): string | null {
  const start = target.indexOf('?')
  return start === -1 ? null : new URLSearchParams(target.slice(start + 1)).get('X-Amz-Credential')
}
