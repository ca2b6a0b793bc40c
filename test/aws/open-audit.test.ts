import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { openAudit } from '../../shared/aws/audit-on-aws.ts'
import type { EpochS } from '../../shared/time.ts'

const region = 'eu-central-1'
const accountId = '111122223333'
const CALLER = { arn: `arn:aws:iam::${accountId}:user/auditor`, accountId, region, partition: 'aws' }
const STACK = { kind: 'keytrail_stack', arn: `arn:aws:cloudformation:${region}:${accountId}:stack/keytrail/1`, accountId, region } as const
const NOW = 1_792_476_000 as EpochS

let server: Server
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => void server.close(resolve))
})

/** What stands in for AWS, and answers everything alike. */
async function answering(answer: (response: ServerResponse) => void): Promise<AwsAccess> {
  server = createServer((request, response) => {
    request.resume()
    request.on('end', () => answer(response))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const credentials = { accessKeyId: 'AKIAAUDITOR', secretAccessKey: 'none' }
  return { region, credentials, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function refusing(status: number, code: string): (response: ServerResponse) => void {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`
  return (response) => void response.writeHead(status, { 'content-type': 'text/xml' }).end(body)
}

it.each([
  [403, 'AccessDenied', 'denied'],
  [403, 'AccessDeniedException', 'denied'],
  [400, 'ValidationError', 'failed'],
])('goes on where AWS answers %i %s: what the stack is found by is unknown then', async (status, code, because) => {
  const { reader, close } = await openAudit(await answering(refusing(status, code)), CALLER, NOW)
  const unread = {
    known: false,
    action: 'cloudformation:DescribeStackResource',
    because,
    code: because === 'denied' ? code : 'QueueNotKnown',
  }
  expect(await reader(STACK)(['rules', 'queuePolicies', 'functions'])).toEqual({ rules: unread, queuePolicies: unread, functions: unread })
  close()
})

it.each([
  [403, 'InvalidClientTokenId'],
  [403, 'ExpiredToken'],
  [400, 'Throttling'],
  [500, 'InternalFailure'],
])('passes on that AWS answers %i %s', async (status, name) => {
  await expect(openAudit(await answering(refusing(status, name)), CALLER, NOW)).rejects.toMatchObject({ name })
})

it('passes on that the way to AWS is broken, and that an answer is none', async () => {
  const broken = await answering((response) => void response.destroy())
  await expect(openAudit(broken, CALLER, NOW)).rejects.toMatchObject({ $metadata: { attempts: 3 } })
  await new Promise((resolve) => void server.close(resolve))
  const garbled = await answering((response) => void response.writeHead(200).end('<none'))
  await expect(openAudit(garbled, CALLER, NOW)).rejects.toBeInstanceOf(Error)
})

const KEY = { kind: 'kms_key', arn: `arn:aws:kms:${region}:${accountId}:key/one`, accountId, region } as const
const BUCKET = { kind: 's3_bucket', arn: 'arn:aws:s3:::one', accountId, region } as const

it('knows where Keytrail is not deployed that nothing was seen and counted, which is no pass', async () => {
  const access = await answering((response) => {
    const isQuery = response.req.headers['x-amz-target'] === undefined && response.req.method === 'POST'
    if (isQuery) return refusing(400, 'ValidationError')(response)
    return void response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end('{"Aliases":[]}')
  })
  const { reader, close } = await openAudit(access, CALLER, NOW)
  expect(await reader(KEY)(['aliasHistory', 'countedUse'])).toEqual({
    aliasHistory: { known: true, value: null },
    countedUse: { known: true, value: { countedSince: null, succeeded: 0, failed: {} } },
  })
  const facts = await reader(BUCKET)(['strongestSeen'])
  expect(facts).toEqual({ strongestSeen: { known: true, value: null } })
  close()
})

it('knows nothing of that where it may not be asked', async () => {
  const { reader, close } = await openAudit(await answering(refusing(403, 'AccessDenied')), CALLER, NOW)
  expect(await reader(KEY)(['countedUse'])).toMatchObject({ countedUse: { known: false, action: 'dynamodb:Query', code: 'TableNotKnown' } })
  expect(await reader(BUCKET)(['strongestSeen'])).toMatchObject({ strongestSeen: { known: false, code: 'TableNotKnown' } })
  close()
})
