import {
  CreateTopicCommand,
  GetSubscriptionAttributesCommand,
  PublishBatchCommand,
  PublishCommand,
  type PublishCommandInput,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HttpService } from '../../local/http.ts'
import { type Mail, mailboxIn, type MailContents, mailControl } from '../../local/mail/mailbox.ts'
import { topicMail } from '../../local/mail/topic-mail.ts'
import { type Ground, openGround } from './ground.ts'

const ME = 'me@example.com'

describe('a topic', () => {
  const mailbox = mailboxIn(new DatabaseSync(':memory:'))
  let ground: Ground
  let sns: SNSClient
  let TopicArn: string

  beforeEach(async () => {
    mailbox.empty()
    const late: { sns?: HttpService } = {}
    ground = await openGround({
      http: { sns: { answer: (request) => late.sns?.answer(request) ?? Promise.reject(new Error('not open')) } },
      control: mailControl(mailbox),
    })
    late.sns = topicMail({ topics: ground.queues, mailbox, nowMs: () => ground.clock.nowMs() })
    sns = new SNSClient(ground.client)
    TopicArn = (await sns.send(new CreateTopicCommand({ Name: 'alerts' }))).TopicArn ?? ''
  })
  afterEach(async () => {
    sns.destroy()
    await ground.close()
  })

  async function subscribe(Protocol: string, Endpoint: string, Attributes?: Record<string, string>): Promise<string> {
    const input = { TopicArn, Protocol, Endpoint, ...(Attributes !== undefined && { Attributes }) }
    return (await sns.send(new SubscribeCommand(input))).SubscriptionArn ?? ''
  }

  async function publish(input: Omit<PublishCommandInput, 'TopicArn'>): Promise<string> {
    return (await sns.send(new PublishCommand({ TopicArn, ...input }))).MessageId ?? ''
  }

  const control = async (method: 'DELETE' | 'GET') => {
    const response = await fetch(`${ground.endpoint.url}/_keytrail/mail`, { method })
    expect(response.headers.get('content-type')).toBe('application/json')
    return (await response.json()) as MailContents
  }

  it('sends to who subscribed by e-mail, and to the box alone', async () => {
    const arn = await subscribe('email', ME)
    await subscribe('email-json', 'program@example.com')
    await subscribe('https', 'https://example.com/hook')
    const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: arn }))
    expect(Attributes).toMatchObject({ PendingConfirmation: 'false', Protocol: 'email' })
    const messageId = await publish({ Subject: 'Key unused', Message: '<b>key</b> & "others"\nü' })
    await publish({ Message: 'again' })
    const { mails, dropped } = await control('GET')
    expect(dropped).toBe(0)
    expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
      ['program@example.com', 'AWS Notification Message'],
      [ME, 'AWS Notification Message'],
      ['program@example.com', 'Key unused'],
      [ME, 'Key unused'],
    ])
    const [, , json, plain] = mails
    expect(plain).toEqual({
      to: ME,
      subject: 'Key unused',
      body: '<b>key</b> & "others"\nü',
      topicArn: TopicArn,
      messageId,
      sentAt: json?.sentAt,
    })
    expect(JSON.parse(json?.body ?? '')).toMatchObject({
      Type: 'Notification',
      Message: plain?.body,
      Subject: 'Key unused',
      MessageId: messageId,
    })
    expect(await control('DELETE')).toEqual({ mails: [], dropped: 0 })
    expect([mailbox.contents().mails, ground.faults]).toEqual([[], []])
  })

  it('sends each protocol its own words, and each entry of a batch', async () => {
    await subscribe('email', ME)
    await publish({ Message: JSON.stringify({ default: 'short', email: 'long' }), MessageStructure: 'json' })
    await publish({ Message: JSON.stringify({ default: 'short' }), MessageStructure: 'json' })
    const entries = ['a', 'b'].map((Id) => ({ Id, Message: `message ${Id}`, Subject: `subject ${Id}` }))
    const { Successful = [] } = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }))
    const { mails } = mailbox.contents()
    expect(mails.map(({ body }) => body)).toEqual(['message b', 'message a', 'short', 'long'])
    expect(mails.slice(0, 2).map(({ messageId }) => messageId)).toEqual(Successful.map(({ MessageId }) => MessageId).toReversed())
  })

  it.each<[string, Omit<PublishCommandInput, 'TopicArn'>]>([
    ['100 letters of subject', { Subject: 'x'.repeat(100), Message: 'm' }],
    ['a subject with a line break', { Subject: 'a\nBcc: b@example.com', Message: 'm' }],
    ['a subject beyond ASCII', { Subject: 'Schlüssel', Message: 'm' }],
    ['a subject that begins with a space', { Subject: ' a', Message: 'm' }],
    ['an empty subject', { Subject: '', Message: 'm' }],
    ['256 KiB and a byte', { Message: 'x'.repeat(262_145) }],
    ['no JSON for protocols', { Message: 'm', MessageStructure: 'json' }],
    ['no message for other protocols', { Message: '{"email":"m"}', MessageStructure: 'json' }],
  ])('refuses %s and sends nothing', async (_title, input) => {
    await subscribe('email', ME)
    await expect(publish(input)).rejects.toMatchObject({ name: 'InvalidParameterException', $metadata: { httpStatusCode: 400 } })
    expect(mailbox.contents().mails).toEqual([])
    await publish({ Subject: 'x'.repeat(99), Message: 'x'.repeat(262_144) })
    expect(mailbox.contents().mails).toHaveLength(1)
  })

  it('refuses what is no address and filters it would not heed', async () => {
    const refused = { name: 'InvalidParameterException' }
    const FilterPolicy = JSON.stringify({ severity: ['HIGH'] })
    for (const address of ['me', 'a b@example.com', `${'x'.repeat(320)}@example.com`, 'a@b@c'])
      await expect(subscribe('email', address), address).rejects.toMatchObject(refused)
    await expect(subscribe('email', ME, { FilterPolicy })).rejects.toMatchObject(refused)
    const SubscriptionArn = await subscribe('email', ME)
    const change = { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: FilterPolicy }
    await expect(sns.send(new SetSubscriptionAttributesCommand(change))).rejects.toMatchObject(refused)
    const unknown = new PublishCommand({ TopicArn: `${TopicArn}-not`, Message: 'm' })
    await expect(sns.send(unknown)).rejects.toMatchObject({ name: 'NotFoundException' })
    expect(mailbox.contents().mails).toEqual([])
  })
})

function mail(body: string): Mail {
  return { to: ME, subject: 's', body, topicArn: 't', messageId: 'm', sentAt: '2026-10-20T06:00:00.000Z' }
}

describe('the box', () => {
  it('keeps the newest 1,000 over a restart and tells how many it dropped', () => {
    const db = new DatabaseSync(':memory:')
    const first = mailboxIn(db)
    for (let number = 0; number < 1003; number++) first.add(mail(String(number)))
    const { mails, dropped } = mailboxIn(db).contents()
    expect([mails.length, mails[0]?.body, mails.at(-1)?.body, dropped]).toEqual([1000, '1002', '3', 3])
    first.empty()
    first.add(mail('new'))
    expect(first.contents()).toEqual({ mails: [mail('new')], dropped: 0 })
  })

  it('keeps 16 MiB at most', () => {
    const mailbox = mailboxIn(new DatabaseSync(':memory:'))
    for (let number = 0; number < 70; number++) mailbox.add(mail('x'.repeat(256 * 1024)))
    const { mails, dropped } = mailbox.contents()
    expect([mails.length, dropped]).toEqual([63, 7])
  })
})
