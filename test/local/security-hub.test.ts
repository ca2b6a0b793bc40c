import {
  type AwsSecurityFinding,
  BatchImportFindingsCommand,
  BatchUpdateFindingsCommand,
  DescribeHubCommand,
  EnableSecurityHubCommand,
  GetFindingsCommand,
  type GetFindingsCommandInput,
  GetInsightsCommand,
  paginateGetFindings,
  ResourceConflictException,
  SecurityHubClient,
  type StringFilter,
} from '@aws-sdk/client-securityhub'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SeenCall } from '../../local/json-protocol.ts'
import { createSecurityHub } from '../../local/security-hub/service.ts'
import { type Ground, openGround } from './ground.ts'

const ACCOUNT = '000000000000'
const PRODUCT = `arn:aws:securityhub:us-east-1:${ACCOUNT}:product/${ACCOUNT}/default`
const DAY_MS = 86_400_000

function finding(Id: string, changes: Partial<AwsSecurityFinding> = {}): AwsSecurityFinding {
  return {
    SchemaVersion: '2018-10-08',
    Id,
    ProductArn: PRODUCT,
    GeneratorId: 'keytrail/kms/rotation',
    AwsAccountId: ACCOUNT,
    CreatedAt: '2026-10-20T06:00:00.000Z',
    UpdatedAt: '2026-10-20T06:00:00.000Z',
    Title: 'The key does not rotate',
    Description: 'Automatic rotation is off.',
    Severity: { Label: 'MEDIUM' },
    Types: ['Software and Configuration Checks'],
    Resources: [{ Type: 'AwsKmsKey', Id: `arn:aws:kms:us-east-1:${ACCOUNT}:key/${Id}` }],
    Compliance: { Status: 'FAILED' },
    ...changes,
  }
}

let ground: Ground
let hub: SecurityHubClient
let seen: SeenCall[]
const state = { db: new DatabaseSync(':memory:'), nowMs: 0 }

beforeEach(async () => {
  state.db = new DatabaseSync(':memory:')
  state.nowMs = Date.parse('2026-10-20T07:00:00Z')
  await open()
  await hub.send(new EnableSecurityHubCommand({ EnableDefaultStandards: false }))
})
afterEach(close)

async function open(): Promise<void> {
  seen = []
  const room = {
    nowMs: () => state.nowMs,
    onCall: (call: SeenCall) => void seen.push(call),
    onFault: (error: unknown) => expect.unreachable(String(error)),
  }
  ground = await openGround({ http: { securityhub: createSecurityHub({ db: state.db, room }) } })
  hub = new SecurityHubClient(ground.client)
}

async function close(): Promise<void> {
  hub.destroy()
  await ground.close()
}

async function put(...Findings: AwsSecurityFinding[]) {
  return hub.send(new BatchImportFindingsCommand({ Findings }))
}

async function get(input: GetFindingsCommandInput = {}): Promise<readonly AwsSecurityFinding[]> {
  return (await hub.send(new GetFindingsCommand(input))).Findings ?? []
}

async function only(): Promise<AwsSecurityFinding | undefined> {
  const [first, ...others] = await get()
  expect(others).toEqual([])
  return first
}

async function count(Filters: NonNullable<GetFindingsCommandInput['Filters']>): Promise<number> {
  return (await get({ Filters })).length
}

function is(Value: string): StringFilter[] {
  return [{ Value, Comparison: 'EQUALS' }]
}

describe('Security Hub', () => {
  it('has to be enabled, once', async () => {
    await expect(hub.send(new EnableSecurityHubCommand({}))).rejects.toThrow(ResourceConflictException)
    expect(await hub.send(new DescribeHubCommand({}))).toMatchObject({
      HubArn: `arn:aws:securityhub:us-east-1:${ACCOUNT}:hub/default`,
      SubscribedAt: '2026-10-20T07:00:00.000Z',
    })
    const elsewhere = new SecurityHubClient({ ...ground.client, region: 'eu-central-1' })
    for (const command of [
      new DescribeHubCommand({}),
      new GetFindingsCommand({}),
      new BatchImportFindingsCommand({ Findings: [finding('a')] }),
    ])
      await expect(elsewhere.send(command as GetFindingsCommand)).rejects.toMatchObject({
        name: 'InvalidAccessException',
        message: `Account ${ACCOUNT} is not subscribed to AWS Security Hub`,
        $metadata: { httpStatusCode: 401 },
      })
    elsewhere.destroy()
    await expect(hub.send(new GetInsightsCommand({}))).rejects.toMatchObject({ name: 'UnknownOperationException' })
    expect(seen.map(({ call, answer }) => [call.operation, 'failure' in answer, answer.trail?.readOnly])).toEqual([
      ['EnableSecurityHub', false, false],
      ['EnableSecurityHub', true, false],
      ['DescribeHub', false, true],
      ['DescribeHub', true, true],
      ['GetFindings', true, true],
      ['BatchImportFindings', true, false],
    ])
  })

  it('keeps findings over a restart, completed, and drops what was not told again for 90 days', async () => {
    expect(await put(finding('a'), finding('b', { Severity: { Normalized: 75 } }))).toMatchObject({
      SuccessCount: 2,
      FailedCount: 0,
      FailedFindings: [],
    })
    state.nowMs += 60 * DAY_MS
    await put(finding('b', { UpdatedAt: '2026-12-19T06:00:00Z' }))
    await close()
    await open()
    expect(await get()).toMatchObject([
      {
        ...finding('a'),
        Severity: { Label: 'MEDIUM', Normalized: 40 },
        RecordState: 'ACTIVE',
        Workflow: { Status: 'NEW' },
        Region: 'us-east-1',
        FindingProviderFields: { Severity: { Label: 'MEDIUM' }, Types: ['Software and Configuration Checks'] },
      },
      { Id: 'b', Severity: { Label: 'MEDIUM', Normalized: 40 } },
    ])
    state.nowMs += 30 * DAY_MS
    expect((await get()).map(({ Id }) => Id)).toEqual(['b'])
    state.nowMs += 60 * DAY_MS
    expect(await get()).toEqual([])
  })

  it('takes what is newer, and what a customer said stays', async () => {
    await put(finding('a', { Note: { Text: 'of the provider', UpdatedBy: 'p', UpdatedAt: '2026-10-20T06:00:00Z' } }))
    await put(finding('a', { UpdatedAt: '2026-10-20T05:59:59.999Z', Title: 'older' }))
    await put(finding('a', { UpdatedAt: '2026-10-20T08:00:00+02:00', Title: 'as old' }))
    expect(await only()).toMatchObject({ Title: 'The key does not rotate' })
    const FindingIdentifiers = [{ Id: 'a', ProductArn: PRODUCT }]
    const said = { Workflow: { Status: 'SUPPRESSED' }, Severity: { Label: 'LOW' }, UserDefinedFields: { ticket: '7' } } as const
    const update = { FindingIdentifiers, ...said, Note: { Text: 'accepted', UpdatedBy: 'me' } }
    expect(await hub.send(new BatchUpdateFindingsCommand(update))).toMatchObject({
      ProcessedFindings: FindingIdentifiers,
      UnprocessedFindings: [],
    })
    await put(
      finding('a', {
        UpdatedAt: '2026-10-20T06:00:00.001Z',
        Title: 'newer',
        Severity: { Label: 'CRITICAL' },
        Workflow: { Status: 'NEW' },
        UserDefinedFields: { ticket: '8' },
        Types: ['Effects'],
      }),
    )
    expect(await only()).toMatchObject({
      Title: 'newer',
      UpdatedAt: '2026-10-20T06:00:00.001Z',
      Note: { Text: 'accepted', UpdatedBy: 'me', UpdatedAt: '2026-10-20T07:00:00.000Z' },
      Workflow: { Status: 'SUPPRESSED' },
      UserDefinedFields: { ticket: '7' },
      Severity: { Label: 'LOW', Normalized: 1 },
      Types: ['Effects'],
      FindingProviderFields: { Severity: { Label: 'CRITICAL' } },
    })
  })

  it.each<[string, Partial<AwsSecurityFinding>, 'RESOLVED' | 'SUPPRESSED', Partial<AwsSecurityFinding>, string]>([
    ['is active again', { RecordState: 'ARCHIVED' }, 'RESOLVED', { RecordState: 'ACTIVE' }, 'NEW'],
    ['fails again', { Compliance: { Status: 'PASSED' } }, 'RESOLVED', { Compliance: { Status: 'FAILED' } }, 'NEW'],
    ['fails still', { Compliance: { Status: 'FAILED' } }, 'RESOLVED', { Compliance: { Status: 'FAILED' } }, 'RESOLVED'],
    ['fails suppressed', { Compliance: { Status: 'PASSED' } }, 'SUPPRESSED', { Compliance: { Status: 'FAILED' } }, 'SUPPRESSED'],
  ])('opens what was done when it %s', async (_title, before, Status, now, expected) => {
    await put(finding('a', before))
    await hub.send(new BatchUpdateFindingsCommand({ FindingIdentifiers: [{ Id: 'a', ProductArn: PRODUCT }], Workflow: { Status } }))
    await put(finding('a', { ...now, UpdatedAt: '2026-10-21T06:00:00Z' }))
    expect(await only()).toMatchObject({ Workflow: { Status: expected } })
  })

  it('filters, sorts and pages', async () => {
    const labels = ['LOW', 'HIGH', 'MEDIUM'] as const
    await put(
      ...Array.from({ length: 60 }, (_, n) =>
        finding(`f${String(n).padStart(2, '0')}`, {
          Severity: { Label: labels[n % 3] },
          GeneratorId: n < 10 ? 'keytrail/s3' : 'keytrail/kms',
          RecordState: n === 0 ? 'ARCHIVED' : 'ACTIVE',
          Compliance: { Status: n < 5 ? 'PASSED' : 'FAILED' },
        }),
      ),
    )
    expect(await count({ Id: is('f07') })).toBe(1)
    expect(await count({ Id: [...is('f07'), { Value: 'f1', Comparison: 'PREFIX' }] })).toBe(11)
    expect(await count({ GeneratorId: [{ Value: 'keytrail/s3', Comparison: 'NOT_EQUALS' }] })).toBe(50)
    expect(await count({ GeneratorId: is('keytrail/s3'), RecordState: is('ACTIVE'), ComplianceStatus: is('PASSED') })).toBe(4)
    expect(await count({ SeverityLabel: is('HIGH'), WorkflowStatus: is('NEW'), ProductArn: is(PRODUCT) })).toBe(20)
    expect(await count({ ResourceId: [{ Value: `arn:aws:kms:us-east-1:${ACCOUNT}:key/f5`, Comparison: 'PREFIX' }] })).toBe(10)
    const ids: string[] = []
    const SortCriteria = [
      { Field: 'SeverityLabel', SortOrder: 'desc' as const },
      { Field: 'Id', SortOrder: 'asc' as const },
    ]
    for await (const { Findings = [] } of paginateGetFindings({ client: hub }, { SortCriteria, MaxResults: 7 }))
      ids.push(...Findings.map(({ Id = '' }) => Id))
    const inOrder = [2, 0, 1].flatMap((rest) => Array.from({ length: 20 }, (_, n) => `f${String(3 * n + rest).padStart(2, '0')}`))
    expect(ids).toEqual(inOrder)
  })

  it('says which findings it did not take', async () => {
    const tooLarge = finding('large', {
      ProductFields: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`n${n}`, '€'.repeat(2000)])),
    })
    const flaws: readonly (readonly [flaw: string, changes: Partial<AwsSecurityFinding>])[] = [
      ["data should have required property 'Title'", { Title: undefined }],
      ['data.Title should NOT be longer than 256 characters', { Title: 'x'.repeat(257) }],
      ['data.SchemaVersion should be equal to one of the allowed values', { SchemaVersion: '2020-01-01' }],
      ['data.UpdatedAt should match format "date-time"', { UpdatedAt: '2026-10-20' }],
      ['data.Resources should NOT have fewer than 1 items', { Resources: [] }],
      ['data.Resources should NOT have more than 32 items', { Resources: Array.from({ length: 33 }, () => ({ Type: 'Other', Id: 'x' })) }],
      ["data.Resources should have required property 'Id'", { Resources: [{ Type: 'Other', Id: undefined }] }],
      ["data should have required property 'FindingProviderFields', data should match some schema in anyOf", { Types: undefined }],
      ['data.Severity .Label should be equal to one of the allowed values', { Severity: { Label: 'WORST' as 'HIGH' } }],
      ["data.Severity should have required property 'Label'", { Severity: {} }],
      ['data.ProductFields should have names of 128 and values of 2048 characters at most', { ProductFields: { a: 'x'.repeat(2049) } }],
      ['data.Compliance .Status should be equal to one of the allowed values', { Compliance: { Status: 'GOOD' as 'PASSED' } }],
    ]
    const answer = await put(finding('good'), tooLarge, ...flaws.map(([, changes], index) => finding(`f${index}`, changes)))
    expect(answer).toMatchObject({ SuccessCount: 1, FailedCount: flaws.length + 1 })
    expect(answer.FailedFindings).toEqual([
      { Id: 'large', ErrorCode: 'FindingSizeExceeded', ErrorMessage: 'Finding size exceeded 240 KB' },
      ...flaws.map(([flaw], index) => ({
        Id: `f${index}`,
        ErrorCode: 'InvalidInput',
        ErrorMessage: `Finding does not adhere to Amazon Finding Format. ${flaw}.`,
      })),
    ])
    expect((await get()).map(({ Id }) => Id)).toEqual(['good'])
    const provided = { Severity: { Label: 'HIGH' as const }, Types: ['Effects'] }
    await put(finding('given', { Severity: undefined, Types: undefined, FindingProviderFields: provided }))
    expect(await get({ Filters: { Id: [{ Value: 'given', Comparison: 'EQUALS' }] } })).toMatchObject([
      { Severity: { Label: 'HIGH', Normalized: 70 }, Types: ['Effects'], FindingProviderFields: provided },
    ])
  })

  it('refuses whole calls', async () => {
    const many = Array.from({ length: 101 }, (_, n) => finding(`f${n}`))
    const identifiers = many.map(({ Id }) => ({ Id, ProductArn: PRODUCT }))
    const AwsAccountId = '111122223333'
    const denied = { name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } }
    const invalid = { name: 'InvalidInputException' }
    await expect(put(finding('a'), finding('b', { AwsAccountId }))).rejects.toMatchObject(denied)
    await expect(put(finding('a', { ProductArn: PRODUCT.replace('us-east-1', 'eu-west-1') }))).rejects.toMatchObject(denied)
    await expect(put(...many)).rejects.toMatchObject(invalid)
    await expect(put()).rejects.toMatchObject(invalid)
    await expect(hub.send(new BatchUpdateFindingsCommand({ FindingIdentifiers: identifiers }))).rejects.toMatchObject(invalid)
    const wrong = { FindingIdentifiers: identifiers.slice(0, 1), Workflow: { Status: 'DONE' as 'NEW' } }
    await expect(hub.send(new BatchUpdateFindingsCommand(wrong))).rejects.toMatchObject(invalid)
    const inputs: readonly GetFindingsCommandInput[] = [
      { MaxResults: 101 },
      { NextToken: 'none' },
      { Filters: { NoteText: [{ Value: 'a', Comparison: 'EQUALS' }] } },
      { Filters: { Id: [{ Value: 'a' }] } },
      { Filters: { Id: Array.from({ length: 21 }, () => ({ Value: 'a', Comparison: 'EQUALS' as const })) } },
      { SortCriteria: [{ Field: 'NoteText' }] },
    ]
    for (const input of inputs) await expect(get(input), JSON.stringify(input)).rejects.toMatchObject(invalid)
    expect(await get()).toEqual([])
  })

  it('says which findings a customer could not update', async () => {
    await put(finding('a'))
    const a = { Id: 'a', ProductArn: PRODUCT }
    const none = { Id: 'none', ProductArn: PRODUCT }
    const answer = await hub.send(new BatchUpdateFindingsCommand({ FindingIdentifiers: [a, none, a], Workflow: { Status: 'NOTIFIED' } }))
    expect(answer.ProcessedFindings).toEqual([a])
    expect(answer.UnprocessedFindings).toEqual([
      { FindingIdentifier: none, ErrorCode: 'FindingNotFound', ErrorMessage: 'Finding Not Found' },
      { FindingIdentifier: a, ErrorCode: 'DuplicatedFindingIdentifier', ErrorMessage: 'Finding Identifier is duplicated' },
    ])
    expect(await only()).toMatchObject({ Workflow: { Status: 'NOTIFIED' } })
  })
})
