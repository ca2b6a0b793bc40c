import { IAMClient } from '@aws-sdk/client-iam'
import { STSClient } from '@aws-sdk/client-sts'
import { DatabaseSync } from 'node:sqlite'
import { createIdentityServices, type IdentityServices } from '../../local/iam/identity-services.ts'
import type { SeenCall } from '../../local/json-protocol.ts'
import type { Service } from '../../local/service.ts'
import { parseAccountId } from '../../shared/arn.ts'
import { type Ground, openGround } from './ground.ts'

export const ACCOUNT = '000000000000'

export type IdentityGround = {
  readonly ground: Ground
  readonly identity: IdentityServices
  readonly iam: IAMClient
  /** As who has these credentials; as the user `local` without. */
  sts(accessKeyId?: string): STSClient
  readonly seen: readonly SeenCall[]
  /** By the clock of IAM and STS. */
  timeMs: number
  close(): Promise<void>
}

/** IAM and STS behind a real endpoint, on a clock that tests set. */
export async function openIdentity(
  options: { readonly db?: DatabaseSync; readonly services?: (identity: IdentityServices) => readonly Service[] } = {},
): Promise<IdentityGround> {
  const accountId = parseAccountId(ACCOUNT)
  if (accountId === null) throw new Error('twelve digits are an account')
  const time = { ms: Date.parse('2026-10-20T07:00:00Z') }
  const seen: SeenCall[] = []
  const faults: unknown[] = []
  const identity = createIdentityServices({ db: options.db ?? new DatabaseSync(':memory:'), accountId, nowMs: () => time.ms })
  const room = {
    nowMs: () => time.ms,
    onCall: (call: SeenCall) => void seen.push(call),
    onFault: (error: unknown) => void faults.push(error),
  }
  const ground = await openGround({
    principals: identity.principals,
    http: identity.http(room),
    services: options.services?.(identity) ?? [],
  })
  const clients: { destroy(): void }[] = []
  const kept = <Client extends { destroy(): void }>(client: Client): Client => {
    clients.push(client)
    return client
  }
  return {
    ground,
    identity,
    iam: kept(new IAMClient(ground.client)),
    sts: (accessKeyId = ground.client.credentials.accessKeyId) =>
      kept(new STSClient({ ...ground.client, credentials: { accessKeyId, secretAccessKey: 'any' } })),
    seen,
    get timeMs() {
      return time.ms
    },
    set timeMs(ms) {
      time.ms = ms
    },
    async close() {
      for (const client of clients) client.destroy()
      await ground.close()
      if (faults.length > 0) throw new AggregateError(faults)
    },
  }
}

export function policyText(...statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

/** The account, and with it whoever its policies allow. */
export const TRUST = policyText({ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' })

/** The name of the error that a call of the SDK ends in; null if it succeeds. */
export async function nameOfError(call: Promise<unknown>): Promise<string | null> {
  try {
    await call
    return null
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}
