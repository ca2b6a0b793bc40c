import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { Folder } from './cli.ts'

/** Where a program goes that listens to the wrong settings. */
export type Decoy = AsyncDisposable & {
  /** Settings of a machine that lead to it, in every way that the AWS SDKs and Node.js know. */
  readonly environment: Readonly<Record<string, string>>
  /** What came: connections, and whether its program for credentials was run. */
  seen(): readonly string[]
}

const SERVICES = ['S3', 'KMS', 'IAM', 'STS', 'DYNAMODB', 'CLOUDFORMATION', 'SAGEMAKER']

/** A server that notes every connection, and settings that lead there. */
export async function startDecoy(folder: Folder): Promise<Decoy> {
  const connections: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes) => {
      connections.push(bytes.toString('latin1').split('\r\n', 1)[0] ?? '')
      socket.end('HTTP/1.1 503 Decoy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ran = folder.beside('credential-process-ran')
  const profile = [`region = us-west-2`, `endpoint_url = ${url}`, `credential_process = touch ${ran}`, 'use_fips_endpoint = true', '']
  const config = folder.beside('aws-config')
  const credentials = folder.beside('aws-credentials')
  writeFileSync(config, ['[profile decoy]', ...profile, '[default]', ...profile].join('\n'))
  writeFileSync(credentials, ['[decoy]', ...profile, '[default]', ...profile].join('\n'))
  return {
    environment: {
      AWS_ENDPOINT_URL: url,
      ...Object.fromEntries(SERVICES.map((service) => [`AWS_ENDPOINT_URL_${service}`, url])),
      AWS_PROFILE: 'decoy',
      AWS_ACCESS_KEY_ID: 'AKIADECOYDECOYDECOY0',
      AWS_SECRET_ACCESS_KEY: 'decoy',
      AWS_SESSION_TOKEN: 'decoy',
      AWS_REGION: 'us-west-2',
      AWS_CONFIG_FILE: config,
      AWS_SHARED_CREDENTIALS_FILE: credentials,
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_CA_BUNDLE: folder.beside('no-certificate.pem'),
      AWS_DEFAULTS_MODE: 'auto',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      http_proxy: url,
      https_proxy: url,
      NODE_USE_ENV_PROXY: '1',
    },
    seen: () => [...connections, ...(existsSync(ran) ? ['credential_process'] : [])],
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}
