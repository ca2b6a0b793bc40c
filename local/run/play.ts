import { PutEventsCommand } from '@aws-sdk/client-cloudwatch-events'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import type { LocalCloud } from '../cloud.ts'
import { envelopeOfRecord } from '../events/envelope.ts'

/** Every so many records come twice: a rule can run more than once for one event. */
const RECORDS_PER_REPEAT = 10
/** An account that nobody said to audit. */
const STRANGER = '123412341234'

export type Played = { readonly records: number; readonly repeats: number }

/** Brings records to the bus as CloudTrail does, some of them twice. */
export async function playRecords(cloud: LocalCloud, texts: readonly string[], before: Played): Promise<Played> {
  let { records, repeats } = before
  for (const text of texts) {
    const record: unknown = JSON.parse(text)
    if (!isJsonObject(record)) continue
    const envelope = envelopeOfRecord(record)
    await cloud.publish(envelope)
    if (records % RECORDS_PER_REPEAT === 0) {
      await cloud.publish(envelope)
      repeats++
    }
    records++
  }
  return { records, repeats }
}

/** A KMS call that nobody made, as a stranger would write it. */
function forgedDetail(cloud: LocalCloud): JsonObject {
  const keyArn = `arn:aws:kms:${cloud.region}:${cloud.accountId}:key/00000000-0000-4000-8000-000000000000`
  return {
    eventVersion: '1.11',
    eventID: '00000000-0000-4000-8000-00000000f06e',
    eventTime: new Date(cloud.clock.nowMs()).toISOString().replace(/\.\d+/, ''),
    eventSource: 'kms.amazonaws.com',
    eventName: 'Decrypt',
    awsRegion: cloud.region,
    recipientAccountId: cloud.accountId,
    userIdentity: { type: 'AWSAccount', accountId: cloud.accountId },
    resources: [{ ARN: keyArn, accountId: cloud.accountId, type: 'AWS::KMS::Key' }],
    readOnly: true,
    managementEvent: true,
    eventType: 'AwsApiCall',
    eventCategory: 'Management',
  }
}

/** Events that somebody outside AWS sends with PutEvents. `inQueue` tells how many events the rule brought to the queue so far. */
export async function sendForged(cloud: LocalCloud, inQueue: () => number): Promise<RunReport['played']['forged']> {
  const sent: { source: string; outcome: string }[] = []
  for (const source of ['keytrail.test', 'aws.kms']) {
    const before = inQueue()
    const { Entries = [] } = await cloud.clients.events.send(
      new PutEventsCommand({
        Entries: [{ Source: source, DetailType: 'AWS API Call via CloudTrail', Detail: JSON.stringify(forgedDetail(cloud)) }],
      }),
    )
    const code = Entries[0]?.ErrorCode
    sent.push({ source, outcome: code !== undefined ? `refused, ${code}` : inQueue() === before ? 'matches no rule' : 'delivered' })
  }
  return sent
}

/** What should never stand in the queue of KMS events: no JSON, an event without a record, an event of a stranger's account. */
export async function sendBroken(cloud: LocalCloud): Promise<number> {
  const { eventID: _, ...withoutId } = forgedDetail(cloud)
  const foreign = { ...forgedDetail(cloud), recipientAccountId: STRANGER }
  await cloud.publish(envelopeOfRecord(withoutId))
  await cloud.publish(envelopeOfRecord(foreign))
  const QueueUrl = cloud.made.get('KeyUsageQueue')?.ref
  await cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"cut off in the mid' }))
  return 3
}
