import { failed, type HttpAnswer, type HttpFailure, type HttpRequest, type HttpService } from '../http.ts'
import type { Queues, TopicSubscription } from '../queues.ts'
import type { Mailbox } from './mailbox.ts'
import { invalid, messageFor, type Published, publishedIn, refusedMessage } from './published.ts'

const PROTOCOLS = ['email', 'email-json']
/** https://www.rfc-editor.org/rfc/rfc3696#section-3 and its erratum 1690 */
const ADDRESS_LENGTH_MAX = 320
const ADDRESS = /^[^\s@]+@[^\s@]+$/
const NO_SUBJECT = 'AWS Notification Message'
const FILTERS = ['FilterPolicy', 'FilterPolicyScope']
const NO_FILTER: HttpFailure = invalid('Attributes: the local cloud filters no e-mail')

export type TopicMailOptions = {
  /** Who keeps the topics. */
  readonly topics: Pick<Queues, 'answer' | 'subscriptions'>
  readonly mailbox: Mailbox
  nowMs(): number
}

/**
 * SNS whose e-mails come into a box. All calls go on to those who keep the topics; what they took is put into the box for every
 * subscription by e-mail. A subscription by e-mail is confirmed at once: nobody reads at its address here.
 */
export function topicMail({ topics, mailbox, nowMs }: TopicMailOptions): HttpService {
  function deliver(topicArn: string, published: Published, messageId: string): void {
    const sentAt = new Date(nowMs()).toISOString()
    const subject = published.subject ?? NO_SUBJECT
    for (const { protocol, endpoint } of topics.subscriptions(topicArn).filter(isByMail)) {
      const message = messageFor(protocol, published)
      const envelope = {
        Type: 'Notification',
        MessageId: messageId,
        TopicArn: topicArn,
        Subject: subject,
        Message: message,
        Timestamp: sentAt,
      }
      const body = protocol === 'email' ? message : JSON.stringify(envelope)
      mailbox.add({ to: endpoint, subject, body, topicArn, messageId, sentAt })
    }
  }

  return {
    async answer(request) {
      const form = new URLSearchParams(request.body.toString('utf8'))
      const published = publishedIn(form)
      const refusal = refusedSubscription(form, topics) ?? published.map(refusedMessage).find((each) => each !== null) ?? null
      if (refusal !== null) return failed('sns', refusal, request.requestId)
      const answer = await topics.answer(request)
      if (answer.status !== 200) return answer
      if (form.get('Action') === 'Subscribe' && PROTOCOLS.includes(form.get('Protocol') ?? ''))
        await topics.answer(confirmation(request, form, answer))
      const messageIds = messageIdsIn(answer)
      for (const each of published) {
        const messageId = messageIds.get(each.entryId)
        if (messageId !== undefined) deliver(form.get('TopicArn') ?? '', each, messageId)
      }
      return answer
    },
  }
}

function isByMail({ protocol }: TopicSubscription): boolean {
  return PROTOCOLS.includes(protocol)
}

function refusedSubscription(form: URLSearchParams, topics: TopicMailOptions['topics']): HttpFailure | null {
  switch (form.get('Action') ?? '') {
    case 'Subscribe': {
      const address = form.get('Endpoint') ?? ''
      if (!PROTOCOLS.includes(form.get('Protocol') ?? '')) return null
      if (!ADDRESS.test(address) || address.length > ADDRESS_LENGTH_MAX) return invalid('Email address')
      return [...form.keys()].some((name) => name.startsWith('Attributes.')) ? NO_FILTER : null
    }
    case 'SetSubscriptionAttributes': {
      const arn = form.get('SubscriptionArn') ?? ''
      const subscriptions = topics.subscriptions(arn.slice(0, arn.lastIndexOf(':')))
      const isMail = subscriptions.filter(isByMail).some((subscription) => subscription.arn === arn)
      return isMail && FILTERS.includes(form.get('AttributeName') ?? '') ? NO_FILTER : null
    }
    default:
      return null
  }
}

/** fauxqs takes the ARN of a subscription for its token. */
function confirmation(request: HttpRequest, form: URLSearchParams, { body }: HttpAnswer): HttpRequest {
  const [, token = ''] = /<SubscriptionArn>([^<]*)</.exec(String(body)) ?? []
  const confirming = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: form.get('TopicArn') ?? '', Token: token })
  const bytes = Buffer.from(confirming.toString())
  return { ...request, headers: { ...request.headers, 'content-length': String(bytes.length) }, body: bytes }
}

/** By the ID of the entry, which a message by itself has none of. */
function messageIdsIn({ body }: HttpAnswer): ReadonlyMap<string, string> {
  const found = String(body).matchAll(/(?:<Id>(?<entryId>[^<]*)<\/Id>)?<MessageId>(?<messageId>[^<]*)<\/MessageId>/g)
  return new Map(Array.from(found, ({ groups }) => [groups?.['entryId'] ?? '', groups?.['messageId'] ?? '']))
}
