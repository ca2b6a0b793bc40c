import { describe, expect, it } from 'vitest'
import type { DemoKey } from '../../../shared/changes/retire/demo-key.ts'
import { ACCOUNT_ID, type Fact, type ModelKey } from './model-keys.ts'
import { arnOf, createGround, GRANT, modelKey, past } from './retire-ground.ts'

const KEY = arnOf('a')
const ALIASES = ['alias/demo-1', 'alias/demo-2', 'alias/demo-3', 'alias/demo-4']

type Row = {
  readonly title: string
  readonly arn?: string
  readonly key?: Partial<ModelKey>
  readonly entry?: Partial<DemoKey> | null
  readonly unread?: Fact
  readonly exclude?: readonly string[]
  readonly expected: readonly string[]
}

const ROWS: readonly Row[] = [
  { title: 'nothing', expected: [] },
  { title: 'nothing of a key that is disabled already', key: { state: 'Disabled' }, expected: [] },
  { title: 'nothing of a key that waits for imported material', key: { state: 'PendingImport' }, expected: [] },
  { title: 'nothing of a replica', key: { multiRegionRole: 'REPLICA' }, expected: [] },
  { title: 'nothing of a primary key without replicas', key: { multiRegionRole: 'PRIMARY' }, expected: [] },
  { title: 'nothing of a key that was never used', key: { lastUse: null }, expected: [] },
  ...['Creating', 'Updating', 'Unavailable', 'PendingDeletion', 'PendingReplicaDeletion', 'Unheard'].map((state) => ({
    title: `state ${state}`,
    key: { state },
    expected: ['state'],
  })),
  ...(['described', 'aliases', 'tags', 'grants', 'policy', 'lastUse'] as const).map((unread) => ({
    title: `${unread} unread`,
    unread,
    expected: ['unread'],
  })),
  { title: 'AWS managed', key: { manager: 'AWS' }, expected: ['not-customer-managed'] },
  {
    title: 'an alias of AWS',
    key: { aliases: ['alias/aws/s3'] },
    entry: { aliases: ['alias/aws/s3'] },
    expected: ['not-customer-managed'],
  },
  { title: 'of another account', key: { accountId: '444455556666' }, expected: ['foreign'] },
  { title: 'excluded by ARN', exclude: [`arn:aws:kms:*:${ACCOUNT_ID}:key/*`], expected: ['excluded'] },
  { title: 'excluded by its last alias', exclude: ['alias/*-4'], expected: ['excluded'] },
  { title: 'excluded by the ARN of an alias', exclude: [`arn:aws:kms:*:*:${ALIASES[2] ?? ''}`], expected: ['excluded'] },
  { title: 'excluded by an alias that it no longer has', key: { aliases: [] }, exclude: ['alias/demo-1'], expected: ['excluded'] },
  { title: 'an alias that the registry does not have', key: { aliases: [...ALIASES, 'alias/prod'] }, expected: ['alias'] },
  { title: 'a grant', key: { grants: [GRANT] }, expected: ['grant'] },
  { title: 'used 13 days ago', key: { lastUse: past(13) }, expected: ['recent'] },
  { title: 'a use that KMS could not have seen', key: { lastUse: null, trackedSince: past(13) }, expected: ['recent'] },
  { title: 'nothing that KMS would have seen', key: { lastUse: null, trackedSince: past(15) }, expected: [] },
  { title: 'registered 13 days ago', entry: { registeredAt: past(13) }, expected: ['recent'] },
  { title: 'tagged to be kept', key: { tags: { 'keytrail:keep': 'false' } }, expected: ['keep-tag'] },
  { title: 'of a stack', key: { tags: { 'aws:cloudformation:stack-name': 'app' } }, expected: ['stack'] },
  { title: 'of Terraform', arn: arnOf('terraform-1'), expected: ['code-owner'] },
  {
    title: 'a primary key of replicas',
    key: { multiRegionRole: 'PRIMARY', replicaArns: [arnOf('mrk-1', 'us-east-1')] },
    expected: ['replicas'],
  },
  {
    title: 'several at once',
    key: { grants: [GRANT], tags: { 'keytrail:keep': '' }, aliases: ['alias/prod'] },
    unread: 'lastUse',
    expected: ['unread', 'alias', 'grant', 'keep-tag'],
  },
]

describe('what protects a key', () => {
  it.each(ROWS)('$title', async ({ arn = KEY, key, entry, unread, exclude, expected }) => {
    const ground = createGround()
    const made = modelKey(arn, { aliases: ALIASES, ...key })
    ground.register(made, { aliases: ALIASES, ...entry })
    if (unread !== undefined) ground.kms.failRead(arn, unread)
    if (exclude !== undefined) ground.setSettings({ exclude })
    const [report] = await ground.run()
    expect(report?.protections.map(({ kind }) => kind)).toEqual(expected)
    expect(ground.retirements.has(arn)).toBe(expected.length === 0)
    expect(ground.kms.key(arn)).toEqual(expected.length > 0 ? made : { ...made, state: made.state === 'Enabled' ? 'Disabled' : made.state })
  })

  const HOLDS: readonly (Omit<Row, 'expected'> & { readonly kind: string })[] = [
    { title: 'a grant', key: { grants: [GRANT] }, kind: 'grant' },
    { title: 'another alias', key: { aliases: [...ALIASES, 'alias/prod'] }, kind: 'alias' },
    { title: 'unread tags', unread: 'tags', kind: 'unread' },
    { title: 'an unread last use', unread: 'lastUse', kind: 'unread' },
  ]
  it.each(HOLDS)('$title that comes up during the watch holds it there until it is gone', async ({ key = {}, unread, kind }) => {
    const ground = createGround()
    ground.register(modelKey(KEY, { aliases: ALIASES }))
    await ground.run()
    ground.kms.change(KEY, key)
    if (unread !== undefined) ground.kms.failRead(KEY, unread)
    ground.pass(100)
    expect(await ground.run()).toMatchObject([{ after: 'watching', protections: [{ kind }] }])
    expect(ground.kms.written.map(({ call }) => call)).toEqual(['disable'])
    ground.kms.change(KEY, { grants: [], tags: {}, aliases: ALIASES })
    ground.kms.healReads()
    expect(await ground.run()).toMatchObject([{ after: 'scheduled', protections: [] }])
  })
})
