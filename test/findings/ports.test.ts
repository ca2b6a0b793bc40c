import { EnableSecurityHubCommand, GetFindingsCommand, SecurityHubClient } from '@aws-sdk/client-securityhub'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBus, type EventBus } from '../../local/events/bus.ts'
import { createEventBridge } from '../../local/events/service.ts'
import type { HttpService } from '../../local/http.ts'
import { mailboxIn } from '../../local/mail/mailbox.ts'
import { topicMail } from '../../local/mail/topic-mail.ts'
import { createSecurityHub } from '../../local/security-hub/service.ts'
import { createAnnouncements } from '../../shared/aws/announcements.ts'
import { createFindingsTable } from '../../shared/aws/findings-table.ts'
import { createTopicMail } from '../../shared/aws/mail.ts'
import { createFindingImport } from '../../shared/aws/security-hub.ts'
import { announceOutbox } from '../../shared/findings/announce.ts'
import { settleResource } from '../../shared/findings/record.ts'
import type { SendPorts } from '../../shared/findings/send-ports.ts'
import type { JsonObject } from '../../shared/json.ts'
import { pass } from '../../shared/rules/verdict.ts'
import { type Ground, openGround } from '../local/ground.ts'
import { createUsageTables } from '../support/usage-tables.ts'
import { audit, FAIL, key, later, NOW, recording, RULES } from './findings-ground.ts'

const ACCOUNT = '000000000000'
const REGION = 'us-east-1'
const KEY = key('one', { accountId: ACCOUNT, arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/one` })

describe('findings over the wire', () => {
  const db = new DatabaseSync(':memory:')
  const mailbox = mailboxIn(db)
  const events: JsonObject[] = []
  const bus: EventBus = {
    ...createBus({ db, deliver: async () => true, onLost: (event) => expect.unreachable(event.ruleArn) }),
    publish: async (event) => {
      events.push(event)
      return []
    },
  }
  const closing: (() => void)[] = []
  let ground: Ground
  let hub: SecurityHubClient
  let ports: SendPorts

  beforeAll(async () => {
    const late: { sns?: HttpService } = {}
    const room = { nowMs: () => NOW * 1000, onCall: () => undefined, onFault: (error: unknown) => expect.unreachable(String(error)) }
    ground = await openGround({
      services: [createEventBridge({ db, bus })],
      http: {
        securityhub: createSecurityHub({ db, room }),
        sns: { answer: (request) => late.sns?.answer(request) ?? Promise.reject(new Error('not open')) },
      },
    })
    late.sns = topicMail({ topics: ground.queues, mailbox, nowMs: room.nowMs })
    hub = new SecurityHubClient(ground.client)
    const sns = new SNSClient(ground.client)
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'findings' }))
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'me@example.com' }))
    const [mail, imports, announcements] = [
      createTopicMail(ground.client, TopicArn),
      createFindingImport(ground.client),
      createAnnouncements(ground.client),
    ]
    ports = { mail: mail.mail, importFindings: imports.importFindings, putEvents: announcements.putEvents }
    closing.push(
      mail.close,
      imports.close,
      announcements.close,
      () => hub.destroy(),
      () => sns.destroy(),
    )
  })
  afterAll(async () => {
    for (const close of closing) close()
    await ground.close()
  })

  it('go from a verdict to a mail, an event and Security Hub, and are resolved there', async () => {
    const tables = createUsageTables(ground.client)
    closing.push(tables.destroy)
    let tokens = 0
    const store = createFindingsTable(await tables.newTable(), () => `token ${tokens++}`)
    const settle = async (verdict: typeof FAIL, at: number) =>
      settleResource(store, KEY, async () => audit(KEY, { 'kms-key-a': verdict }), { ...recording(), now: () => later(at) })
    const announce = async (at: number) =>
      announceOutbox(store, ports, { now: later(at), rules: RULES, hub: { accountId: ACCOUNT, region: REGION } })

    await settle(FAIL, 0)
    expect(await announce(0), 'not enabled').toMatchObject({
      announced: 1,
      mails: 1,
      events: 1,
      imported: 0,
      isHubEnabled: false,
      faults: [],
    })
    await hub.send(new EnableSecurityHubCommand({ EnableDefaultStandards: false }))
    await settle(pass, 60)
    expect(await announce(60)).toMatchObject({ announced: 1, mails: 1, events: 1, imported: 1, isHubEnabled: true, faults: [] })
    await settle(FAIL, 120)
    await settle(FAIL, 180)
    expect(await announce(180)).toMatchObject({ announced: 1, mails: 1, events: 1, imported: 1, faults: [] })

    const { Findings: findings = [] } = await hub.send(new GetFindingsCommand({}))
    expect(findings).toMatchObject([
      {
        GeneratorId: 'kms-key-a',
        Compliance: { Status: 'FAILED' },
        Severity: { Label: 'CRITICAL' },
        CreatedAt: '2026-10-20T06:00:00.000Z',
        UpdatedAt: '2026-10-20T06:03:00.000Z',
        Resources: [{ Type: 'AwsKmsKey', Id: KEY.arn }],
      },
    ])
    expect(mailbox.contents().mails.map(({ subject }) => subject)).toEqual([
      `[Keytrail] CRITICAL in ${ACCOUNT} ${REGION}: Keys are as kms-key-a wants them`,
      '[Keytrail] 1 passing',
      `[Keytrail] CRITICAL in ${ACCOUNT} ${REGION}: Keys are as kms-key-a wants them`,
    ])
    expect(events).toMatchObject(
      ['failing', 'passing', 'failing'].map((status) => ({
        source: 'keytrail',
        'detail-type': 'Keytrail Finding Changed',
        resources: [KEY.arn],
        detail: { format: 'keytrail.finding-changed/1', repetition: false, finding: { status } },
      })),
    )
    expect(ground.faults).toEqual([])
  })

  it('name what was refused, one by one', async () => {
    const event = { source: 'keytrail', detailType: 'Keytrail Finding Changed', time: NOW, resources: [] } as const
    const batch = [
      { ...event, detail: '{}' },
      { ...event, detail: 'no JSON' },
      { ...event, detail: '{}' },
    ]
    expect(await ports.putEvents(batch)).toEqual({ refused: [1] })
  })

  it('reject where nobody knows what became of them', async () => {
    const other = await openGround()
    await other.close()
    const [mail, imports, announcements] = [
      createTopicMail(other.client, 'arn:aws:sns:us-east-1:000000000000:findings'),
      createFindingImport(other.client),
      createAnnouncements(other.client),
    ]
    closing.push(mail.close, imports.close, announcements.close)
    const calls = [mail.mail({ subject: 'a', body: 'b' }), imports.importFindings([]), announcements.putEvents([])]
    for (const call of await Promise.allSettled(calls)) expect(call.status).toBe('rejected')
  })
})
