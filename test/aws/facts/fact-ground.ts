import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { createServer, type IncomingMessage, request as sendRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { failed } from '../../../local/http.ts'
import { LOCAL_CREDENTIALS } from '../../../local/clients.ts'
import { createLambdaControl } from '../../../local/lambda-control.ts'
import type { ControlledFunction } from '../../../local/lambda/deployed.ts'
import { scopeOf } from '../../../local/signature.ts'
import type { AwsAccess } from '../../../shared/aws/access.ts'
import { createFactClients, type FactClients } from '../../../shared/aws/facts/clients.ts'
import type { FactParts } from '../../../shared/aws/facts/fact-parts.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_ROLES, OWN_RULES } from '../../../shared/aws/facts/own-stack.ts'
import { createFactReader } from '../../../shared/aws/facts/read-facts.ts'
import { createSeenTable } from '../../../shared/aws/facts/seen-table.ts'
import { createTable } from '../../../shared/aws/table.ts'
import { createUsageTable } from '../../../shared/aws/usage-table.ts'
import { FACT_ACTIONS, type FactsOf, type ResourceKind } from '../../../shared/rules/facts.ts'
import type { AnyFacts, Resource } from '../../../shared/rules/rule.ts'
import { epochS, type EpochS } from '../../../shared/time.ts'
import { openGround } from '../../local/ground.ts'
import { policyText, TRUST } from '../../local/identity-ground.ts'
import type { UsageStore } from '../../../shared/usage/usage-store.ts'
import { startCloud, refOf, type WatchedCloud } from '../../support/local-cloud.ts'
import { createMemoryUsageStore } from '../../support/memory-usage-store.ts'

/** Nothing waits here: the quotas are AWS's. */
const QUOTA_SHARE = 1000

/** As long as a test may take: a cloud begins with the whole stack. */
export const START_MS_MAX = 60_000

/** What becomes of a call on its way, at every try; null: it goes through. */
export type Fault = { readonly status: number; readonly code: string } | 'broken' | null

export type FactGround = {
  readonly cloud: WatchedCloud
  readonly access: AwsAccess
  /** What Lambda tells of functions. */
  functions: readonly ControlledFunction[]
  /** Decides by the operation. */
  faultOf: (operation: string) => Fault
  /** Operations that were called since this was last asked, each once whatever its tries, in their order. */
  calls(): readonly string[]
  now(): EpochS
  parts(changes?: Partial<FactParts>): FactParts
  /** Usage as the stack counts it; `parts` has none. */
  countedUsage(): UsageStore
  /** All facts of a resource, or some. */
  read(resource: Resource, names?: readonly string[], changes?: Partial<FactParts>): Promise<AnyFacts | 'gone' | 'unready'>
  clientsAs(credentials: AwsAccess['credentials']): FactClients
  /** Credentials of somebody who may do all but one thing. */
  allowedAllBut(action: string): Promise<NonNullable<AwsAccess['credentials']>>
  close(): Promise<void>
}

/** A local cloud behind a way that tells who called what and that can break. No event reaches the stack unless events are delivered. */
export async function openFactGround({ isDelivered = false } = {}): Promise<FactGround> {
  const delivery = { delayMs: { p50: 0, p99: 0 }, duplicateShare: 0, lossShare: isDelivered ? 0 : 1 }
  const cloud = await startCloud({ delivery })
  const state: Pick<FactGround, 'functions' | 'faultOf'> = { functions: [], faultOf: () => null }
  const room = { nowMs: () => cloud.clock.nowMs(), onCall: () => undefined, onFault: () => undefined }
  const lambda = await openGround({
    http: { lambda: createLambdaControl({ functions: { all: () => state.functions, put: () => undefined }, room }) },
  })
  const calls = new Map<string, string>()
  const seenSince = { from: 0 }

  function faultFor(request: IncomingMessage, body: Buffer): Fault {
    const id = String(request.headers['amz-sdk-invocation-id'])
    if (!calls.has(id)) calls.set(id, operationOf(request, body))
    return state.faultOf(calls.get(id) ?? '')
  }
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray())
    const scope = scopeOf(request.headers, request.url ?? '')
    const service = typeof scope === 'string' ? '' : scope.service
    const fault = faultFor(request, body)
    if (fault === 'broken') return void response.destroy()
    if (fault !== null) {
      const { status, headers, body: text } = failed(service, { ...fault, message: 'as the test wants it' }, 'request')
      return void response.writeHead(status, { ...headers } as Record<string, string>).end(text)
    }
    const { host, hostname, port } = new URL(service === 'lambda' ? lambda.endpoint.url : cloud.url)
    const options = { hostname, port, method: request.method, path: request.url, headers: { ...request.headers, host } }
    const onward = sendRequest(options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    onward.end(body)
  }

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const access = { endpoint, region: cloud.region, credentials: LOCAL_CREDENTIALS }
  const opened: { destroy(): void }[] = []
  const clientsAs: FactGround['clientsAs'] = (credentials = LOCAL_CREDENTIALS) => {
    const clients = createFactClients({ ...access, credentials }, { attemptsMax: 1, quotaShare: QUOTA_SHARE })
    opened.push(clients)
    return clients
  }
  const clients = clientsAs(LOCAL_CREDENTIALS)
  const dynamodb = new DynamoDBClient({ ...access, maxAttempts: 1 })
  opened.push(dynamodb)
  const now = (): EpochS => epochS(cloud.clock.nowMs()) ?? (0 as EpochS)
  const parts = (changes: Partial<FactParts> = {}): FactParts => ({
    clients,
    usage: createMemoryUsageStore(),
    seen: createSeenTable(createTable(dynamodb, refOf(cloud, 'ControlTable'))),
    ownStack: {
      rules: OWN_RULES,
      queues: OWN_QUEUES,
      functions: OWN_FUNCTIONS,
      queueUrls: new Map(OWN_QUEUES.map(({ logicalId }) => [logicalId, refOf(cloud, logicalId)])),
      roleNames: new Map(OWN_ROLES.map((logicalId) => [logicalId, refOf(cloud, logicalId)])),
    },
    now: now(),
    extent: 'event',
    madeAt: null,
    ...changes,
  })

  return {
    cloud,
    access,
    get functions() {
      return state.functions
    },
    set functions(functions) {
      state.functions = functions
    },
    get faultOf() {
      return state.faultOf
    },
    set faultOf(faultOf) {
      state.faultOf = faultOf
    },
    calls() {
      const told = [...calls.values()].slice(seenSince.from)
      seenSince.from = calls.size
      return told
    },
    now,
    countedUsage: () => createUsageTable(createTable(dynamodb, refOf(cloud, 'UsageTable'))),
    parts,
    read: (resource, names = Object.keys(FACT_ACTIONS[resource.kind]), changes = {}) => createFactReader(parts(changes))(resource)(names),
    clientsAs,
    async allowedAllBut(action) {
      const { iam, sts } = cloud.clients
      const RoleName = `all-but-${action.replace(':', '-')}`
      const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST }))
      const PolicyDocument = policyText({ Effect: 'Allow', Action: '*', Resource: '*' }, { Effect: 'Deny', Action: action, Resource: '*' })
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument }))
      const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'audit' }))
      return { accessKeyId: Credentials?.AccessKeyId ?? '', secretAccessKey: Credentials?.SecretAccessKey ?? '' }
    },
    async close() {
      for (const each of opened) each.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
      await lambda.close()
      await cloud.close()
    },
  }
}

/** The JSON services name it in a header, the query ones in the body; of the others, path and query tell. */
function operationOf({ headers, url = '' }: IncomingMessage, body: Buffer): string {
  const target = headers['x-amz-target']
  if (typeof target === 'string') return target.split('.').at(-1) ?? ''
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1')
  const asked = [...searchParams.keys()].filter((name) => name !== 'x-id').join(' ')
  return new URLSearchParams(body.toString('utf8')).get('Action') ?? `${pathname} ${asked}`
}

/** The values of facts that were all read. @throws if one was not */
export function valuesOf<Kind extends ResourceKind>(_kind: Kind, facts: AnyFacts | 'gone' | 'unready'): FactsOf[Kind] {
  if (typeof facts === 'string') throw new Error(`the resource is ${facts}`)
  const values = Object.entries(facts).map(([name, fact]) => {
    if (fact?.known !== true) throw new Error(`${name} was not read: ${JSON.stringify(fact)}`)
    return [name, fact.value]
  })
  return Object.fromEntries(values) as FactsOf[Kind]
}

/** What was not read, by fact: action, reason and code. */
export function unreadOf(facts: AnyFacts | 'gone' | 'unready'): Readonly<Record<string, string>> {
  if (typeof facts === 'string') return { resource: facts }
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) =>
      fact === undefined || fact.known ? [] : [[name, `${fact.action} ${fact.because} ${fact.code}`]],
    ),
  )
}
