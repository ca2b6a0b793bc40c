import { memberOf, textOf } from '../../shared/json.ts'
import type { HttpFailure } from '../http.ts'
import { jsonBody } from '../json-body.ts'

/** What a form of Publish or PublishBatch asks SNS to tell. */
export type Published = {
  /** Of the entry in its batch; empty for a message by itself. */
  readonly entryId: string
  readonly subject: string | null
  readonly message: string
  /** It holds a message for each protocol. */
  readonly isByProtocol: boolean
}

/**
 * Once "ASCII text that begins with a letter, number, or punctuation mark", since then UTF-8; without line breaks and control characters
 * and fewer than 100 characters in both. What the narrower rule lets pass is right by either.
 * https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
const SUBJECT = /^[!-~][ -~]{0,98}$/
/** What SNS takes in a batch. https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
const ENTRIES_MAX = 10

/** The messages of a form, none if it publishes nothing. */
export function publishedIn(form: URLSearchParams): readonly Published[] {
  switch (form.get('Action') ?? '') {
    case 'Publish':
      return [publishedAt(form, '')]
    case 'PublishBatch':
      return Array.from({ length: ENTRIES_MAX }, (_, index) => `PublishBatchRequestEntries.member.${index + 1}.`)
        .filter((prefix) => form.has(`${prefix}Id`))
        .map((prefix) => publishedAt(form, prefix))
    default:
      return []
  }
}

function publishedAt(form: URLSearchParams, prefix: string): Published {
  return {
    entryId: prefix === '' ? '' : (form.get(`${prefix}Id`) ?? ''),
    subject: form.get(`${prefix}Subject`),
    message: form.get(`${prefix}Message`) ?? '',
    isByProtocol: form.get(`${prefix}MessageStructure`) === 'json',
  }
}

/** Why SNS refuses a message; null if it takes it. */
export function refusedMessage({ subject, message, isByProtocol }: Published): HttpFailure | null {
  if (subject !== null && !SUBJECT.test(subject)) return invalid('Subject')
  if (!isByProtocol) return null
  const messages = jsonBody(Buffer.from(message))
  if (messages === null) return invalid('Message Structure - JSON message body failed to parse')
  return typeof memberOf(messages, 'default') === 'string' ? null : invalid('Message Structure - No default entry in JSON message body')
}

/** The message as a protocol gets it. */
export function messageFor(protocol: string, { message, isByProtocol }: Published): string {
  const messages = isByProtocol ? jsonBody(Buffer.from(message)) : null
  return messages === null ? message : (textOf(messages, protocol) ?? textOf(messages, 'default') ?? '')
}

export function invalid(what: string): HttpFailure {
  return { status: 400, code: 'InvalidParameter', message: `Invalid parameter: ${what}` }
}
