import { describe, expect, it } from 'vitest'
import {
  eventId,
  failedCall,
  jsonLines,
  KEY_ARN,
  kmsRecord,
  logFile,
  recordsBy,
  type RecordJson,
  succeededBy,
  temporaryFolder,
  totals,
  usage,
} from '../support/cli.ts'

const WRONG_KINDS = [null, '', 5, -1.5e300, true, false, [], ['text'], {}, { text: 'text' }]
/** Without these a record is none; what is there but no text makes it malformed. */
const NEEDED = ['eventSource', 'eventName', 'eventID']
const OPTIONAL = [
  ['eventTime', 'eventCategory', 'awsRegion', 'recipientAccountId', 'userIdentity', 'resources', 'requestParameters'],
  ['additionalEventData', 'addendum', 'errorMessage', 'eventVersion', 'detail-typo'],
].flat()

/** A value in every member of a record, one after the other, and whether the record is malformed by it. */
function spoiledMembers(value: unknown): readonly { readonly members: RecordJson; readonly isMalformed: boolean }[] {
  const isNothing = value === null || value === ''
  const harmless: readonly RecordJson[] = [
    ...OPTIONAL.map((name) => ({ [name]: value })),
    { userIdentity: { type: value, arn: value, accountId: value, principalId: value, userName: value, invokedBy: value } },
    { userIdentity: { type: 'AssumedRole', sessionContext: value } },
    { userIdentity: { type: 'AssumedRole', sessionContext: { sessionIssuer: value } } },
    { userIdentity: { type: 'AssumedRole', sessionContext: { sessionIssuer: { arn: value } } } },
    { resources: [value, { ARN: value, type: value, accountId: value }, { ARN: KEY_ARN }] },
    { resources: [], requestParameters: { keyId: value, encryptionContext: value } },
    { requestParameters: { encryptionContext: { 'aws:s3:arn': value, SecretARN: value } } },
    { eventName: 'ReEncrypt', requestParameters: { sourceKeyId: value, destinationKeyId: value, sourceEncryptionContext: value } },
    { additionalEventData: { keyMaterialId: value } },
  ]
  return [
    ...NEEDED.map((name) => ({ members: { [name]: value }, isMalformed: true })),
    ...[{ sharedEventID: value }, { addendum: { originalEventID: value } }].map((members) => ({ members, isMalformed: !isNothing })),
    ...harmless.map((members) => ({ members, isMalformed: false })),
  ]
}

describe.concurrent('a value of the wrong kind', () => {
  it('in a member of a record costs that record at most', async () => {
    using folder = temporaryFolder()
    const spoiled = WRONG_KINDS.flatMap(spoiledMembers)
    const good = recordsBy('good', spoiled.length)
    folder.write('log.json', logFile(spoiled.flatMap(({ members }, index) => [kmsRecord(`${index}`, members), good[index]])))
    const { code, report } = await usage(folder, ['log.json', '--by', 'key,caller'])
    const malformed = spoiled.flatMap(({ isMalformed }, index) => (isMalformed ? [2 * index + 1] : []))
    expect(report.malformed.map(({ position }) => position)).toEqual(malformed)
    expect(
      report.malformed.filter(({ reason }) => !/^no CloudTrail record: event(Source|Name|ID) is (missing|no text)$/.test(reason)),
    ).toEqual([])
    expect({ code, records: report.records }).toEqual({ code: 3, records: 2 * spoiled.length - malformed.length })
    expect(report.calls).toContainEqual({ keyArn: KEY_ARN, caller: 'good', succeeded: spoiled.length, failed: 0 })
  })

  it('as an event time matters only where times are asked for', async () => {
    using folder = temporaryFolder()
    const times = [
      ...WRONG_KINDS,
      undefined,
      'yesterday',
      '2026-10-01',
      '2026-02-30T00:00:00Z',
      '2026-10-01T25:00:00Z',
      '1969-12-31T23:59:59Z',
    ]
    folder.write('log.json', logFile([...times.map((eventTime, index) => kmsRecord(`${index}`, { eventTime })), kmsRecord('last')]))
    const counted = await usage(folder, ['log.json', '--by', 'hour'])
    expect(counted.code).toBe(0)
    expect(succeededBy(counted.report.calls, 'hour')).toEqual({ null: times.length, '2026-10-01T12:00Z': 1 })
    const since = await usage(folder, ['log.json', '--since', '2026-01-01'])
    expect({ code: since.code, totals: totals(since.report) }).toEqual({ code: 3, totals: { succeeded: 1, failed: 0 } })
    const reason = 'eventTime cannot be read: --since and --until cannot place the call'
    expect(since.report.malformed).toEqual(times.map((_, index) => ({ file: 'log.json', position: index + 1, reason })))
  })

  it('as an error code is an error: whatever stands there, the call did not succeed', async () => {
    using folder = temporaryFolder()
    const none = [undefined, null, '']
    const some = ['AccessDenied', 5, true, [], ['text'], {}]
    folder.write('log.json', logFile([...none, ...some].map((errorCode, index) => kmsRecord(`${index}`, { errorCode }))))
    const { code, report } = await usage(folder, ['log.json'])
    expect({ code, totals: totals(report) }).toEqual({ code: 0, totals: { succeeded: none.length, failed: some.length } })
  })
})

describe.concurrent('an odd text', () => {
  const ODD = [
    ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'length', '0', '-1', 'null', 'undefined'],
    ['true', 'NaN', ' ', '\t', '"', '\\', String.raw`\u0000`, '\0', '{}', '[]', '$HOME', '{{x}}', '%s %d %j', '../../etc/passwd'],
    ['a,b;c', "it's", '😀', 'e\u0301', '\u{feff}', '\uffff', 'x'.repeat(5000), 'ü'.repeat(5000), '😀'.repeat(5000)],
  ].flat()

  it('is counted like any other, and kept up to a length, as an alias, a caller, a service, an error code', async () => {
    using folder = temporaryFolder()
    const surrogates = ['\ud800', 'x\udc00', '\ud800\ud800']
    const records = [...ODD, ...surrogates].map((text, index) =>
      failedCall(`${index}`, text, {
        errorCode: text,
        userIdentity: { type: text, arn: text, accountId: text, invokedBy: text },
        requestParameters: { keyId: text, encryptionContext: { [text]: text } },
      }),
    )
    folder.write('log.json', logFile(records))
    const { code, report } = await usage(folder, ['log.json', '--by', 'key,caller,service,errorCode'])
    expect({ code, records: report.records, malformed: report.malformed }).toEqual({ code: 0, records: records.length, malformed: [] })
    const rows = [...ODD, ...surrogates].map((text) => ({
      sent: beginningOf(text, 256),
      caller: beginningOf(text, 1024),
      service: beginningOf(text, 256),
      errorCode: beginningOf(text, 128),
      succeeded: 0,
      failed: 1,
    }))
    expect(report.unattributed).toHaveLength(rows.length)
    expect(report.unattributed).toEqual(expect.arrayContaining(rows))
  })

  it('as a member, however it is spelled or repeated, is what JSON says it is', async () => {
    using folder = temporaryFolder()
    folder.write(
      'lines.jsonl',
      jsonLines([
        first('a', '"__proto__":{"errorCode":"Inherited"},"constructor":{"prototype":{"errorCode":"Inherited"}}'),
        first('b', '"constructor":"text","toString":5,"hasOwnProperty":null'),
        // The last one of a name counts.
        first('c', '"eventID":5,"eventName":"Encrypt","eventSource":"s3.amazonaws.com","resources":[]'),
        last('d', '"errorCode":"AccessDenied","errorCode":null'),
        last('e', '"errorCode":null,"errorCode":"AccessDenied"'),
        // Names and values may be written with escapes.
        first('f', '"x":1').replace('"eventName":"Decrypt"', String.raw`"\u0065ventName":"Decr\u0079pt"`),
        first('g', '"x":1').replace(KEY_ARN, KEY_ARN.replaceAll('/', String.raw`\/`)),
        last('h', String.raw`"error\u0043ode":"AccessDenied"`),
      ]),
    )
    const { code, report } = await usage(folder, ['lines.jsonl', '--by', 'key,operation,errorCode'])
    expect({ code, malformed: report.malformed }).toEqual({ code: 0, malformed: [] })
    expect(report.calls).toEqual([
      { keyArn: KEY_ARN, operation: 'Decrypt', errorCode: null, succeeded: 6, failed: 0 },
      { keyArn: KEY_ARN, operation: 'Decrypt', errorCode: 'AccessDenied', succeeded: 0, failed: 2 },
    ])
  })

  it('as an identity is an identity: only the same text is the same call', async () => {
    using folder = temporaryFolder()
    const uuid = eventId('x')
    const spellings = ['1', '01', ' 1', '1 ', '1\0', uuid, uuid.toUpperCase(), uuid.replaceAll('-', ''), `${uuid} `, '\ufffd']
    const ids = [...spellings, ...ODD]
    folder.write('log.json', logFile([...ids, ...ids].map((eventID) => kmsRecord('', { eventID }))))
    const { code, report } = await usage(folder, ['log.json'])
    expect({ code, totals: totals(report), duplicates: report.duplicates }).toEqual({
      code: 0,
      totals: { succeeded: ids.length, failed: 0 },
      duplicates: ids.length,
    })
  })

  it('as an identity that is no Unicode text is reported, or an identity: calls do not become one by it', async () => {
    using folder = temporaryFolder()
    folder.write('log.json', logFile(['\ud800', '\ud801', '\ufffd'].map((eventID) => kmsRecord('', { eventID }))))
    const { report } = await usage(folder, ['log.json'])
    expect({ told: totals(report).succeeded + report.malformed.length, duplicates: report.duplicates }).toEqual({ told: 3, duplicates: 0 })
  })
})

function first(name: string, members: string): string {
  return JSON.stringify(kmsRecord(name)).replace(/^\{/, `{${members},`)
}

function last(name: string, members: string): string {
  return JSON.stringify(kmsRecord(name)).replace(/\}$/, `,${members}}`)
}

/** As much of a text as fits into so many bytes of UTF-8, without half a character. */
function beginningOf(text: string, bytes: number): string {
  let beginning = ''
  for (const character of text.toWellFormed()) {
    if (Buffer.byteLength(beginning + character) > bytes) break
    beginning += character
  }
  return beginning
}
