import { request as httpRequest } from 'node:http'
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import {
  DescribeKeyCommand,
  EnableKeyCommand,
  GenerateRandomCommand,
  KMSClient,
  ListKeysCommand,
  NotFoundException,
} from '@aws-sdk/client-kms'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusedCall, type Service, type ServiceAnswer, unknownOperation } from '../../local/service.ts'
import { type Ground, openGround } from './ground.ts'

const TRAIL = { readOnly: true, requestParameters: null, responseElements: null }
const USER = 'arn:aws:iam::000000000000:user/local'

/** A service that answers in each way a service can. */
const KMS: Service = {
  signingName: 'kms',
  targetPrefixes: ['TrentService'],
  eventSource: 'kms.amazonaws.com',
  call({ operation, input }): ServiceAnswer | Promise<ServiceAnswer> {
    switch (operation) {
      case 'GenerateRandom':
        return Promise.resolve({ output: { Plaintext: Buffer.from('dice').toString('base64') }, trail: TRAIL })
      case 'ListKeys':
        return { output: { Keys: [], Truncated: false }, trail: null }
      case 'DescribeKey':
        return refusedCall('NotFoundException', `Key '${String(input['KeyId'])}' does not exist`, TRAIL)
      case 'EnableKey':
        throw new Error('a fault of the service')
      default:
        return unknownOperation()
    }
  },
}

let ground: Ground
let kms: KMSClient

beforeEach(async () => {
  ground = await openGround({ services: [KMS] })
  kms = new KMSClient(ground.client)
})

afterEach(async () => {
  kms.destroy()
  await ground.close()
})

type Plain = { readonly status: number; readonly body: string }

/** A request with any Host, which fetch does not allow. */
function plain(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Plain> {
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${ground.endpoint.url}${path}`, rest, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

function signed(service: string): Record<string, string> {
  return { authorization: `AWS4-HMAC-SHA256 Credential=any/20261120/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=any` }
}

describe('a service of ours', () => {
  it('is called by the SDK, and its calls are told with who, what and from where', async () => {
    const { Plaintext } = await kms.send(new GenerateRandomCommand({ NumberOfBytes: 4 }))
    expect(Buffer.from(Plaintext ?? []).toString()).toBe('dice')
    await expect(kms.send(new DescribeKeyCommand({ KeyId: 'none' }))).rejects.toThrow(NotFoundException)
    await kms.send(new ListKeysCommand({}))
    expect(ground.seen.map(({ call }) => call.operation)).toEqual(['GenerateRandom', 'DescribeKey'])
    const [first, second] = ground.seen
    expect(first).toMatchObject({
      call: { input: { NumberOfBytes: 4 }, region: 'us-east-1', accountId: '000000000000', principal: { arn: USER } },
      service: { eventSource: 'kms.amazonaws.com' },
      sourceIp: '127.0.0.1',
      host: ground.endpoint.url.slice('http://'.length),
    })
    expect(first?.userAgent).toMatch(/^aws-sdk-js\//)
    expect(second?.answer).toMatchObject({ failure: { code: 'NotFoundException', message: "Key 'none' does not exist", status: 400 } })
    expect(ground.faults).toEqual([])
  })

  it('that throws fails as a service does, and is told as a fault', async () => {
    await expect(kms.send(new EnableKeyCommand({ KeyId: 'a' }))).rejects.toMatchObject({
      name: 'InternalFailure',
      $metadata: { httpStatusCode: 500 },
    })
    expect(ground.faults.map(String)).toEqual(['Error: a fault of the service'])
    expect(ground.seen).toEqual([])
  })

  it('is answered although what watches it throws', async () => {
    const other = await openGround({
      services: [KMS],
      onCall: () => {
        throw new Error('a fault of the watcher')
      },
    })
    const client = new KMSClient(other.client)
    expect((await client.send(new GenerateRandomCommand({}))).Plaintext).toHaveLength(4)
    expect(other.faults.map(String)).toEqual(['Error: a fault of the watcher'])
    client.destroy()
    await other.close()
  })

  it.each(['[]', '{', 'null'])('refuses the body %s', async (body) => {
    const answer = await plain('/', { method: 'POST', headers: { ...signed('kms'), 'x-amz-target': 'TrentService.ListKeys' }, body })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { __type: 'SerializationException' }])
  })
})

describe('STS', () => {
  it('tells who is calling: the local user, or the session of a role', async () => {
    const { client } = ground
    ground.principals.register({
      accessKeyId: 'ASIAFUNCTION',
      roleName: 'audit',
      sessionName: 'audit-change',
      startedMs: 1_700_000_000_000,
    })
    const user = new STSClient(client)
    const role = new STSClient({ ...client, credentials: { ...client.credentials, accessKeyId: 'ASIAFUNCTION' } })
    expect(await user.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: '000000000000', Arn: USER })
    const arn = 'arn:aws:sts::000000000000:assumed-role/audit/audit-change'
    const { UserId, ...identity } = await role.send(new GetCallerIdentityCommand({}))
    expect(identity).toMatchObject({ Account: '000000000000', Arn: arn })
    expect(UserId).toMatch(/^AROA[A-Z\d]{17}:audit-change$/)
    user.destroy()
    role.destroy()
    expect(ground.seen.map(({ call }) => call.principal.userIdentity)).toEqual([
      {
        type: 'IAMUser',
        principalId: expect.stringMatching(/^AIDA[A-Z\d]{17}$/),
        arn: USER,
        accountId: '000000000000',
        accessKeyId: 'AKIAKEYTRAILLOCAL',
        userName: 'local',
      },
      {
        type: 'AssumedRole',
        principalId: UserId,
        arn,
        accountId: '000000000000',
        accessKeyId: 'ASIAFUNCTION',
        sessionContext: {
          sessionIssuer: {
            type: 'Role',
            principalId: UserId?.split(':')[0],
            arn: 'arn:aws:iam::000000000000:role/audit',
            accountId: '000000000000',
            userName: 'audit',
          },
          attributes: { creationDate: '2023-11-14T22:13:20Z', mfaAuthenticated: 'false' },
        },
      },
    ])
  })
})

describe('the gate', () => {
  const WEB = { 'content-type': 'text/plain' }
  it.each([
    { title: 'a Host of someone else', headers: { host: 'rebound.example.com' } },
    { title: 'no port in the Host', headers: { host: '127.0.0.1' } },
    { title: 'a web page', headers: { origin: 'http://127.0.0.1' } },
    { title: 'a sandboxed web page', headers: { origin: 'null' } },
  ])('refuses $title', async ({ headers }) => {
    const before = ground.clock.nowMs()
    const answer = await plain('/_keytrail/clock/advance', { method: 'POST', headers: { ...WEB, ...headers }, body: '{"ms":86400000}' })
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body)).toHaveProperty('message')
    expect(ground.clock.nowMs()).toBeLessThan(before + 86_400_000)
  })

  it('lets both names of this machine in', async () => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST']) {
      const answer = await plain('/_keytrail/health', { headers: { host: `${name}:${ground.endpoint.port}` } })
      expect(answer).toEqual({ status: 200, body: '{"status":"ok"}' })
    }
  })

  it('refuses calls that are not signed for a service it has', async () => {
    const unknown = new CloudTrailClient(ground.client)
    await expect(unknown.send(new LookupEventsCommand({}))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: 'The local cloud does not have the service cloudtrail.',
    })
    unknown.destroy()
    const unsigned = await plain('/', { method: 'POST', body: '{}' })
    expect([unsigned.status, JSON.parse(unsigned.body)]).toMatchObject([403, { __type: 'MissingAuthenticationTokenException' }])
    for (const authorization of ['Basic YTpi', 'AWS4-HMAC-SHA256 Credential=a/b/c', `AWS4-HMAC-SHA256 ${'='.repeat(5000)}`]) {
      const malformed = await plain('/', { method: 'POST', headers: { authorization }, body: '{}' })
      expect([malformed.status, JSON.parse(malformed.body)]).toMatchObject([400, { __type: 'IncompleteSignatureException' }])
    }
  })

  it('knows a presigned address by its query', async () => {
    const credential = encodeURIComponent('any/20261120/us-east-1/s3/aws4_request')
    const answer = await plain(`/none/key?X-Amz-Credential=${credential}&X-Amz-Signature=any`)
    expect(answer.status).toBe(404)
    expect(answer.body).toContain('<Code>NoSuchBucket</Code>')
  })

  it('refuses a body of more than 16 MiB', async () => {
    const sqs = new SQSClient(ground.client)
    await expect(sqs.send(new CreateQueueCommand({ QueueName: 'x'.repeat(17 * 1024 * 1024) }))).rejects.toMatchObject({
      name: 'RequestEntityTooLargeException',
    })
    await sqs.send(new CreateQueueCommand({ QueueName: 'a' }))
    sqs.destroy()
  })
})

describe('control', () => {
  it('moves the clock forward and tells the time', async () => {
    const before = ground.clock.nowMs()
    const ran: string[] = []
    ground.clock.at(before + 3_600_000, () => void ran.push('an hour later'))
    const answer = await plain('/_keytrail/clock/advance', { method: 'POST', body: '{"ms":86400000}' })
    expect(answer.status).toBe(200)
    expect(ran).toEqual(['an hour later'])
    const { nowMs, now } = JSON.parse((await plain('/_keytrail/clock')).body) as { nowMs: number; now: string }
    expect(nowMs).toBeGreaterThanOrEqual(before + 86_400_000)
    expect(Date.parse(now)).toBe(nowMs)
  })

  it.each(['{}', '{"ms":-1}', '{"ms":"1"}', '{"ms":1e12}', '{"ms":0.5}', '[1]', '{'])('refuses to advance by %s', async (body) => {
    expect((await plain('/_keytrail/clock/advance', { method: 'POST', body })).status).toBe(400)
  })

  it.each(['/_keytrail/none', '/_keytrail/constructor', '/_keytrail/clock/advance'])('has no GET %s', async (path) => {
    expect((await plain(path)).status).toBe(404)
  })

  it('takes what the composition adds', async () => {
    const control = { 'POST /echo': (input: object) => ({ status: 201, body: { input } }) }
    const other = await openGround({ control })
    const answer = await fetch(`${other.endpoint.url}/_keytrail/echo?x=1`, { method: 'POST', body: '{"a":1}' })
    expect([answer.status, await answer.json()]).toEqual([201, { input: { a: 1 } }])
    await other.close()
  })
})
