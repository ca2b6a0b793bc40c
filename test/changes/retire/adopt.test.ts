import { describe, expect, it } from 'vitest'
import {
  adoptCandidates,
  type AdoptGround,
  aliasesToAdopt,
  parseAdoptPattern,
  WORKSHOP_PATTERNS,
} from '../../../shared/changes/retire/adopt.ts'
import { observed, unread } from '../../../shared/observed.ts'
import { ACCOUNT_ID, createModelKms, type ModelKey } from './model-keys.ts'
import { arnOf, GRANT, modelKey, SETTINGS, START } from './retire-ground.ts'

const PATTERN = { kind: 'alias', pattern: 'alias/kms_key_*_usecase_*' } as const

async function groundOf(keys: readonly ModelKey[], more: Partial<AdoptGround> = {}): Promise<AdoptGround> {
  const kms = createModelKms({ now: START })
  for (const key of keys) kms.put(key)
  const aliases = keys.flatMap(({ keyArn, aliases: names }) => names.map((name) => ({ name, keyArn })))
  const readings = new Map<string, Awaited<ReturnType<typeof kms.port.read>>>()
  for (const { keyArn } of aliasesToAdopt(PATTERN, aliases)) readings.set(keyArn, await kms.port.read(keyArn))
  return {
    aliases: [{ name: 'alias/aws/dynamodb', keyArn: null }, ...aliases],
    readings,
    buckets: [],
    registered: new Set(),
    settings: SETTINGS,
    owners: [],
    accountId: ACCOUNT_ID,
    now: START,
    ...more,
  }
}

describe('patterns of what may be adopted', () => {
  it('are those of the original workshops, and others with a beginning that is known', () => {
    expect([...WORKSHOP_PATTERNS, 'alias/abc', 'my-bucket-*'].map((text) => parseAdoptPattern(text))).toEqual([
      { ok: true, value: PATTERN },
      { ok: true, value: { kind: 'bucket', pattern: 'dp-workshop-bucket*' } },
      { ok: true, value: { kind: 'bucket', pattern: 'reinvent-builder*' } },
      { ok: true, value: { kind: 'alias', pattern: 'alias/abc' } },
      { ok: true, value: { kind: 'bucket', pattern: 'my-bucket-*' } },
    ])
  })

  it.each([
    '*',
    '**',
    '',
    'alias/*',
    'alias/ab*',
    'alias/**abc',
    'ab*',
    'alias/aws/s3',
    'alias/aws/*',
    'Bucket*',
    `abc${'x'.repeat(300)}`,
    'alias/abc?',
    'abc\n*',
  ])('are not: %j', (text) => {
    expect(parseAdoptPattern(text).ok).toBe(false)
  })
})

describe('what a workshop left behind', () => {
  it('is each key with all of its aliases that match', async () => {
    const keys = [
      modelKey(arnOf('2'), { aliases: ['alias/kms_key_sse_usecase_1', 'alias/kms_key_cse_usecase_2'] }),
      modelKey(arnOf('1'), { aliases: ['alias/kms_key_cse_usecase_4'] }),
      modelKey(arnOf('3'), { aliases: ['alias/prod'] }),
    ]
    const found = adoptCandidates(PATTERN, await groundOf(keys))
    expect(found.map(({ name, aliases, against }) => ({ name, aliases, against }))).toEqual([
      { name: arnOf('1'), aliases: ['alias/kms_key_cse_usecase_4'], against: [] },
      { name: arnOf('2'), aliases: ['alias/kms_key_cse_usecase_2', 'alias/kms_key_sse_usecase_1'], against: [] },
    ])
    expect(found[0]?.entries).toEqual([
      { useCase: 'adopted', kind: 'kms-key', name: arnOf('1'), keyArn: '' },
      { useCase: 'adopted', kind: 'kms-alias', name: 'alias/kms_key_cse_usecase_4', keyArn: arnOf('1') },
    ])
  })

  const ALIAS = 'alias/kms_key_sse_usecase_1'
  const KEY = arnOf('a')
  const ROWS: readonly {
    readonly title: string
    readonly key?: Partial<ModelKey>
    readonly ground?: Partial<AdoptGround>
    readonly kinds: readonly string[]
    readonly isAdoptable: boolean
  }[] = [
    { title: 'nothing', kinds: [], isAdoptable: true },
    { title: 'nothing: recent use only makes it wait', key: { lastUse: START }, kinds: [], isAdoptable: true },
    { title: 'a grant', key: { grants: [GRANT] }, kinds: ['grant'], isAdoptable: true },
    { title: 'a pending deletion', key: { state: 'PendingDeletion' }, kinds: ['state'], isAdoptable: true },
    { title: 'another alias', key: { aliases: [ALIAS, 'alias/prod'] }, kinds: ['alias'], isAdoptable: false },
    { title: 'another account', key: { accountId: '444455556666' }, kinds: ['foreign'], isAdoptable: false },
    { title: 'AWS', key: { manager: 'AWS' }, kinds: ['not-customer-managed'], isAdoptable: false },
    { title: 'a stack', key: { tags: { 'aws:cloudformation:stack-name': 'app' } }, kinds: ['stack'], isAdoptable: false },
    { title: 'an exclusion', ground: { settings: { ...SETTINGS, exclude: [ALIAS] } }, kinds: ['excluded'], isAdoptable: false },
    {
      title: 'an entry of its alias alone: the key is added',
      ground: { registered: new Set([ALIAS]) },
      kinds: ['registered'],
      isAdoptable: true,
    },
    {
      title: 'an entry of the key alone: its alias is added',
      ground: { registered: new Set([KEY]) },
      kinds: ['registered'],
      isAdoptable: true,
    },
    {
      title: 'an entry of the key alone, and another alias',
      key: { aliases: [ALIAS, 'alias/prod'] },
      ground: { registered: new Set([KEY]) },
      kinds: ['registered', 'alias'],
      isAdoptable: false,
    },
    { title: 'entries of both', ground: { registered: new Set([KEY, ALIAS]) }, kinds: ['registered', 'registered'], isAdoptable: false },
    { title: 'no reading', ground: { readings: new Map() }, kinds: ['unread'], isAdoptable: false },
    { title: 'a key that is gone', ground: { readings: new Map([[KEY, { kind: 'gone' }]]) }, kinds: ['unread'], isAdoptable: false },
  ]
  it.each(ROWS)('has against it: $title', async ({ key, ground, kinds, isAdoptable }) => {
    const [found] = adoptCandidates(PATTERN, await groundOf([modelKey(KEY, { aliases: [ALIAS], ...key })], ground))
    expect([found?.against.map(({ kind }) => kind), (found?.entries.length ?? 0) > 0]).toEqual([kinds, isAdoptable])
  })

  it('are its buckets too', async () => {
    const buckets = [
      { name: 'dp-workshop-bucket123', tags: observed({ workshop: 'data-protection' }) },
      { name: 'dp-workshop-bucket124', tags: unread('s3:GetBucketTagging', 'denied', 'AccessDenied') },
      { name: 'dp-workshop-bucket125', tags: observed({ 'aws:cloudformation:stack-name': 'app' }) },
      { name: 'logs', tags: observed({ workshop: 'data-protection' }) },
    ]
    const ground = await groundOf([], { buckets, owners: [{ resource: 'arn:aws:s3:::dp-workshop-bucket123', tool: 'terraform' }] })
    const found = adoptCandidates({ kind: 'bucket', pattern: 'dp-workshop-bucket*' }, ground)
    expect(found.map(({ against }) => against.map(({ kind }) => kind))).toEqual([['code-owner'], ['unread'], ['stack']])
    const [free] = adoptCandidates({ kind: 'bucket', pattern: 'dp-workshop-bucket*' }, { ...ground, owners: [] })
    expect(free?.entries).toEqual([{ useCase: 'adopted', kind: 's3-bucket', name: 'dp-workshop-bucket123', keyArn: '' }])
  })
})
