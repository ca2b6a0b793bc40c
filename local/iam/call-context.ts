import type { ServiceCall } from '../service.ts'
import type { AccessRequest } from './access.ts'

/** What every call tells policies. A service that calls in somebody's name does so over TLS, as AWS's own do. */
export function contextOfCall({ isSecure, region, via }: Pick<ServiceCall, 'isSecure' | 'region' | 'via'>): AccessRequest['context'] {
  return {
    'aws:SecureTransport': String(isSecure || via !== null),
    'aws:RequestedRegion': region,
    'aws:ViaAWSService': String(via !== null),
  }
}
