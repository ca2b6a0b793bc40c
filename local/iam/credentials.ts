import { type HttpFailure, QUERY_SERVICES } from '../http.ts'

/** What is wrong with an access key ID: its session is over, or there never was one. */
export type CredentialFault = 'expired' | 'unknown'

const EXPIRED = 'The security token included in the request is expired'
const UNKNOWN = 'The security token included in the request is invalid.'

/**
 * As each protocol names it. https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html,
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function credentialFailure(service: string, fault: CredentialFault): HttpFailure {
  const isExpired = fault === 'expired'
  if (service === 's3')
    return isExpired
      ? { code: 'ExpiredToken', message: EXPIRED, status: 400 }
      : { code: 'InvalidAccessKeyId', message: UNKNOWN, status: 403 }
  if (QUERY_SERVICES.includes(service))
    return { code: isExpired ? 'ExpiredToken' : 'InvalidClientTokenId', message: isExpired ? EXPIRED : UNKNOWN, status: 403 }
  const code = isExpired ? 'ExpiredTokenException' : 'UnrecognizedClientException'
  return { code, message: isExpired ? EXPIRED : UNKNOWN, status: 400 }
}
