import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LOCAL_CREDENTIALS } from '../../../local/clients.ts'
import { createGuardPort } from '../../../shared/aws/changes/guard-on-aws.ts'
import { createFactClients, type FactClients } from '../../../shared/aws/facts/clients.ts'
import type { GuardPort } from '../../../shared/changes/ports.ts'
import { bucketNamed, REGION } from './change-ground.ts'

type Told = { readonly id: string; readonly status: string }

const STACK = 'platform'
const BUCKET = 'northwind-orders'
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html: "Only the first 100 resources will be returned" */
const FIRST_RESOURCES: readonly Told[] = Array.from({ length: 100 }, (_, number) => ({
  id: `queue-${number}`,
  status: number % 2 === 0 ? 'CREATE_COMPLETE' : 'DELETE_COMPLETE',
}))

let told: readonly Told[] = []
let server: Server
let clients: FactClients
let guard: GuardPort

/** CloudFormation as far as it tells of a stack with more resources than it tells of. */
beforeAll(async () => {
  server = createServer((_, response) => void response.writeHead(200, { 'content-type': 'text/xml' }).end(answer()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  clients = createFactClients({ endpoint: `http://127.0.0.1:${port}`, region: REGION, credentials: LOCAL_CREDENTIALS })
  guard = createGuardPort(clients)
})
afterAll(async () => {
  clients.destroy()
  server.closeAllConnections()
  await once(server.close(), 'close')
})

function answer(): string {
  const members = told.map(
    ({ id, status }) =>
      `<member><StackName>${STACK}</StackName><LogicalResourceId>A</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><Timestamp>2026-10-20T06:00:00Z</Timestamp><ResourceStatus>${status}</ResourceStatus></member>`,
  )
  return `<DescribeStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStackResourcesResult><StackResources>${members.join('')}</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>`
}

it.each<[string, readonly Told[], string | null]>([
  ['beyond the first 100 resources of a stack is the stack’s', FIRST_RESOURCES, STACK],
  ['among them is the stack’s', [...FIRST_RESOURCES, { id: BUCKET, status: 'UPDATE_COMPLETE' }], STACK],
  ['that a stack let go of is not', [...FIRST_RESOURCES, { id: BUCKET, status: 'DELETE_SKIPPED' }], null],
  ['that a stack deleted is not', [{ id: BUCKET, status: 'DELETE_COMPLETE' }], null],
  ['that is in no stack is not', [], null],
])('a bucket %s', async (_, resources, stack) => {
  told = resources
  expect(await guard.stackOf(bucketNamed(BUCKET))).toEqual({ known: true, value: stack })
})
