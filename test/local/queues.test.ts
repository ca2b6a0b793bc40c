import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  InvalidMessageContents,
  ListQueuesCommand,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ground, openGround, temporaryFolder } from './ground.ts'

const MIB = 1024 * 1024
let place: ReturnType<typeof temporaryFolder>
let ground: Ground
let sqs: SQSClient

beforeEach(async () => {
  place = temporaryFolder()
  await open()
})

afterEach(async () => {
  await close()
  place.remove()
})

async function open(): Promise<void> {
  ground = await openGround({ folder: place.folder })
  sqs = new SQSClient(ground.client)
}

async function close(): Promise<void> {
  sqs.destroy()
  await ground.close()
}

const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`

async function queue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  return QueueUrl
}

async function bodies(QueueUrl: string): Promise<readonly (string | undefined)[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
  return Messages.map(({ Body }) => Body)
}

describe('queues over HTTP', () => {
  it('have addresses that lead back here', async () => {
    const QueueUrl = await queue('a')
    expect(QueueUrl).toBe(`${ground.endpoint.url}/000000000000/a`)
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'a' }))).QueueUrl).toBe(QueueUrl)
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toEqual([QueueUrl])
    // A client without endpoint goes where the address of the queue points.
    const { endpoint, ...elsewhere } = ground.client
    expect(QueueUrl.startsWith(endpoint)).toBe(true)
    const other = new SQSClient({ ...elsewhere, logger: { debug() {}, info() {}, warn() {}, error() {} } })
    await other.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }))
    other.destroy()
    expect(await bodies(QueueUrl)).toEqual(['hello'])
  })

  it('take a message of 1 MiB, none larger, and every character that SQS carries', async () => {
    const QueueUrl = await queue('a')
    for (const MessageBody of ['x'.repeat(MIB), '"'.repeat(MIB), `${'\u{1f511}'.repeat(1000)} \u{10ffff}`]) {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
      expect(await bodies(QueueUrl)).toEqual([MessageBody])
    }
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(MIB + 1) }))).rejects.toThrow('1048576 bytes')
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a\u{1}' }))).rejects.toThrow(InvalidMessageContents)
  })

  it('give ten large messages at once, and delete them at once', async () => {
    const QueueUrl = await queue('a')
    const sent = Array.from({ length: 10 }, (_, index) => String(index).repeat(MIB))
    for (const MessageBody of sent) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    expect(Messages.map(({ Body }) => Body) as unknown).toEqual(sent)
    const Entries = Messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }))
    const { Successful } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    expect(Successful).toHaveLength(10)
    expect(ground.queues.depth(arnOf('a'))).toEqual({ ok: true, value: { visible: 0, inFlight: 0, delayed: 0 } })
  })

  it("fail with the SDK's own exceptions", async () => {
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' }))).rejects.toThrow(QueueDoesNotExist)
    await queue('a')
    const west = new SQSClient({ ...ground.client, region: 'us-west-2' })
    await expect(west.send(new CreateQueueCommand({ QueueName: 'a' }))).rejects.toThrow('one Region only')
    west.destroy()
    expect(ground.faults).toEqual([])
  })

  it('make a message visible again when asked', async () => {
    const QueueUrl = await queue('a')
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '1', MessageBody: 'one' }] }))
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }))
    const ReceiptHandle = Messages[0]?.ReceiptHandle
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
    expect(await bodies(QueueUrl)).toEqual(['one'])
  })

  it('end a wait for messages when the endpoint closes', async () => {
    const QueueUrl = await queue('a')
    const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))
    await ground.queues.wait(arnOf('a'), 50)
    await ground.endpoint.close()
    expect((await waiting).Messages).toBeUndefined()
  })

  it('receive what is published to a topic', async () => {
    await queue('a')
    const sns = new SNSClient(ground.client)
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'findings' }))
    const raw = { RawMessageDelivery: 'true' }
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arnOf('a'), Attributes: raw }))
    await sns.send(new PublishCommand({ TopicArn, Message: 'a finding' }))
    await expect(sns.send(new PublishCommand({ TopicArn: `${TopicArn}s`, Message: 'x' }))).rejects.toMatchObject({
      name: 'NotFoundException',
    })
    sns.destroy()
    expect(await bodies(`${ground.endpoint.url}/000000000000/a`)).toEqual(['a finding'])
  })
})

describe('queues in this process', () => {
  it('send, receive, count and remove', async () => {
    const QueueUrl = await queue('a')
    const sent = Array.from({ length: 25 }, (_, index) => `message ${index}`)
    expect(ground.queues.send(arnOf('a'), sent)).toMatchObject({ ok: true, value: { length: 25 } })
    const received = ground.queues.receive(arnOf('a'), 20)
    if (!received.ok) throw new Error(received.reason)
    expect(received.value.map(({ body }) => body)).toEqual(sent.slice(0, 20))
    expect(received.value.map(({ receiveCount }) => receiveCount)).toEqual(Array(20).fill(1))
    expect(received.value[0]?.messageId).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/)
    expect(ground.queues.depth(arnOf('a'))).toEqual({ ok: true, value: { visible: 5, inFlight: 20, delayed: 0 } })
    const receipts = received.value.map(({ receiptHandle }) => receiptHandle)
    expect(ground.queues.remove(arnOf('a'), [...receipts.slice(0, 18), 'none'])).toEqual({ ok: true, value: 18 })
    expect(ground.queues.release(arnOf('a'), receipts.slice(18))).toEqual({ ok: true, value: null })
    expect(await bodies(QueueUrl)).toEqual([...sent.slice(20), ...sent.slice(18, 20)])
  })

  it('move what was received too often to the dead-letter queue', async () => {
    await queue('dead')
    const policy = { deadLetterTargetArn: arnOf('dead'), maxReceiveCount: 2 }
    await queue('a', { RedrivePolicy: JSON.stringify(policy) })
    ground.queues.send(arnOf('a'), ['poison'])
    for (let count = 1; count <= 2; count++) {
      const received = ground.queues.receive(arnOf('a'), 10)
      if (!received.ok) throw new Error(received.reason)
      expect(received.value.map(({ receiveCount }) => receiveCount)).toEqual([count])
      ground.queues.release(
        arnOf('a'),
        received.value.map(({ receiptHandle }) => receiptHandle),
      )
    }
    expect(ground.queues.receive(arnOf('a'), 10)).toEqual({ ok: true, value: [] })
    expect(ground.queues.depth(arnOf('dead'))).toMatchObject({ value: { visible: 1 } })
  })

  it.each([
    { title: 'an empty message', sent: ['good', ''], reason: 'a message is empty' },
    { title: 'a message that is too large', sent: ['good', 'é'.repeat(600)], reason: 'a message is larger than 1024 bytes' },
    { title: 'half a character', sent: ['good', '\u{d800}'], reason: 'a message holds characters that SQS does not carry' },
  ])('refuse $title, and keep nothing of the batch', async ({ sent, reason }) => {
    await queue('a', { MaximumMessageSize: '1024' })
    expect(ground.queues.send(arnOf('a'), sent)).toEqual({ ok: false, reason })
    expect(ground.queues.depth(arnOf('a'))).toMatchObject({ value: { visible: 0 } })
  })

  it('refuse queues that are not there, FIFO queues, and too much at once', async () => {
    await queue('a')
    await queue('a.fifo', { FifoQueue: 'true' })
    const { send, receive, remove, depth, wait } = ground.queues
    const missing = { ok: false, reason: 'the queue does not exist' }
    expect([send(arnOf('b'), ['x']), receive(arnOf('b'), 1), remove(arnOf('b'), []), depth(arnOf('b'))]).toEqual([
      missing,
      missing,
      missing,
      missing,
    ])
    expect(await wait(arnOf('b'), 1)).toEqual(missing)
    expect(send(arnOf('a.fifo'), ['x'])).toEqual({ ok: false, reason: 'the queue is a FIFO queue' })
    expect([0, 1.5, 10_001].map((max) => receive(arnOf('a'), max).ok)).toEqual([false, false, false])
  })

  it('wake who waits for a message', async () => {
    await queue('a')
    const woken = ground.queues.wait(arnOf('a'), 20_000)
    ground.queues.send(arnOf('a'), ['x'])
    expect(await woken).toEqual({ ok: true, value: null })
  })
})

describe('queues that are opened again', () => {
  it('still hold their messages and attributes, at the address of the new endpoint', async () => {
    await queue('a', { VisibilityTimeout: '77' })
    ground.queues.send(arnOf('a'), ['kept', 'in flight'])
    ground.queues.send(arnOf('a'), ['removed'])
    const received = ground.queues.receive(arnOf('a'), 3)
    if (!received.ok) throw new Error(received.reason)
    const [first, , third] = received.value.map(({ receiptHandle }) => receiptHandle)
    ground.queues.release(arnOf('a'), [first ?? ''])
    ground.queues.remove(arnOf('a'), [third ?? ''])
    const before = ground.endpoint.url
    await close()
    await open()
    expect(ground.endpoint.url).not.toBe(before)
    expect(ground.queues.depth(arnOf('a'))).toEqual({ ok: true, value: { visible: 1, inFlight: 1, delayed: 0 } })
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}))
    expect(QueueUrls).toEqual([`${ground.endpoint.url}/000000000000/a`])
    expect(await bodies(QueueUrls[0] ?? '')).toEqual(['kept'])
    await expect(queue('a', { VisibilityTimeout: '78' })).rejects.toThrow(QueueNameExists)
  })
})
