import type { KMSClientConfig } from '@aws-sdk/client-kms'
import { Agent } from 'node:https'

type Config = Pick<
  KMSClientConfig,
  'region' | 'endpoint' | 'credentials' | 'maxAttempts' | 'requestHandler' | 'useFipsEndpoint' | 'useDualstackEndpoint' | 'defaultsMode'
>

/** How AWS, or what stands in for it, is reached. Left out: as the SDK finds it in the environment and the files of the machine. */
export type AwsAccess = {
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: NonNullable<Config['credentials']>
  /** Where the endpoint speaks TLS, and the one certificate (PEM) that is trusted there. */
  readonly secure?: { readonly endpoint: string; readonly certificate: string }
  /** Sees every request. */
  readonly requestHandler?: NonNullable<Config['requestHandler']>
}

const CONNECTION_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 30_000
const ATTEMPTS_MAX = 3

/** For any client of the SDK. */
export function clientConfig(access: AwsAccess): Config {
  return { ...configOf(access), requestHandler: access.requestHandler ?? handlerOptions() }
}

/** The same over TLS. */
export function secureClientConfig(access: AwsAccess): Config {
  if (access.secure === undefined) return clientConfig(access)
  const { endpoint, certificate } = access.secure
  const requestHandler = access.requestHandler ?? { ...handlerOptions(), httpsAgent: new Agent({ ca: certificate, keepAlive: true }) }
  return { ...configOf({ ...access, endpoint }), requestHandler }
}

function handlerOptions(): { readonly connectionTimeout: number; readonly requestTimeout: number } {
  return { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS }
}

/**
 * Settings of the machine that choose another endpoint must not reach past the one that was given, nor have the SDK ask the metadata service
 * of EC2 where it is, as AWS_DEFAULTS_MODE=auto does. https://docs.aws.amazon.com/sdkref/latest/guide/feature-smart-config-defaults.html
 */
export const THERE_ONLY = { useFipsEndpoint: false, useDualstackEndpoint: false, defaultsMode: 'legacy' } as const satisfies Config

function configOf({ region, endpoint, credentials }: AwsAccess): Config {
  return {
    maxAttempts: ATTEMPTS_MAX,
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(endpoint === undefined ? {} : { endpoint, ...THERE_ONLY }),
  }
}
