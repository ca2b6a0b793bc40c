import { hash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SQSClient } from '@aws-sdk/client-sqs'
import { describe, expect, it, vi } from 'vitest'
import { createClaimsClient, createClaimsSender } from '../../shared/aws/claims.ts'
import type { Claim } from '../../shared/cache/claims.ts'

const START = '2026-09-21T14:13:20Z'

/** A queue on this machine that answers every message with one status. */
async function withQueue(status: number, run: (client: SQSClient, queueUrl: string, bodies: unknown[]) => Promise<void>): Promise<void> {
  const bodies: unknown[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { readonly MessageBody: string }
      bodies.push(body)
      response
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
        .end(JSON.stringify({ MessageId: 'm', MD5OfMessageBody: hash('md5', body.MessageBody) }))
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const client = createClaimsClient()
  try {
    // The client speaks to the host in a queue's URL, whatever endpoint the environment names.
    await run(client, `${endpoint}/111122223333/claims`, bodies)
  } finally {
    vi.unstubAllEnvs()
    client.destroy()
    server.close()
  }
}

describe('the queue of claims', () => {
  const claim: Claim = { format: 'keytrail.claims/1', instanceId: 'i', startedAt: START, from: START, to: START, keys: [] }

  it('gets a claim as one message', async () => {
    await withQueue(200, async (client, queueUrl, bodies) => {
      await createClaimsSender(client, queueUrl)(claim)
      expect(bodies).toEqual([{ QueueUrl: queueUrl, MessageBody: JSON.stringify(claim) }])
    })
  })

  it('says so when it took none', async () => {
    await withQueue(400, async (client, queueUrl) => {
      await expect(createClaimsSender(client, queueUrl)(claim)).rejects.toThrow(/./)
    })
  })

  it('is not asked to take what is longer than a message', async () => {
    await withQueue(200, async (client, queueUrl, bodies) => {
      const send = createClaimsSender(client, queueUrl)
      await expect(send({ ...claim, instanceId: 'i'.repeat(1_048_576) })).rejects.toThrow(RangeError)
      expect(bodies).toEqual([])
    })
  })
})
