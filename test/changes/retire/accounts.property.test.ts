import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesPattern } from '../../../shared/text-pattern.ts'
import { ACCOUNT_ID, type Fact, type ModelKey } from './model-keys.ts'
import { arnOf, createGround, GRANT, type Ground, modelKey, past, SETTINGS } from './retire-ground.ts'

type Drawn = {
  readonly key: ModelKey
  /** Null: it is not in the registry. */
  readonly registered: { readonly aliases: readonly string[]; readonly days: number } | null
  readonly unread: Fact | null
}

const FACTS = ['described', 'aliases', 'tags', 'grants', 'policy', 'lastUse'] as const
const STATES = ['Enabled', 'Enabled', 'Enabled', 'Disabled', 'PendingImport', 'Creating', 'Updating', 'Unavailable', 'PendingDeletion']
const TAGS = ['keytrail:workshop', 'keytrail:entry', 'workshop']
const EXCLUDE = ['alias/*-keep-*']

function rarely<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
}

function drawnKey(at: number): fc.Arbitrary<Drawn> {
  return fc
    .record({
      prefix: rarely('', 'terraform-', 'mrk-'),
      state: fc.constantFrom(...STATES),
      manager: rarely<ModelKey['manager']>('CUSTOMER', 'AWS'),
      accountId: rarely(ACCOUNT_ID, '444455556666'),
      role: rarely<ModelKey['multiRegionRole']>(null, 'PRIMARY', 'REPLICA'),
      replicas: rarely(0, 1, 2),
      tags: fc.subarray(TAGS),
      protectingTag: rarely(null, 'keytrail:keep', 'aws:cloudformation:stack-name'),
      grants: rarely(0, 1),
      usedDaysAgo: fc.constantFrom(null, 1, 10, 15, 90),
      names: fc.array(rarely('demo', 'keep'), { maxLength: 7 }),
      isRegistered: fc.boolean(),
      known: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      knowsAll: rarely(true, false),
      days: fc.constantFrom(1, 10, 15, 90),
      unread: rarely<Fact | null>(null, ...FACTS),
    })
    .map(
      ({
        prefix,
        names,
        tags,
        protectingTag,
        grants,
        usedDaysAgo,
        replicas,
        role,
        isRegistered,
        known,
        knowsAll,
        days,
        unread,
        ...rest
      }) => {
        const aliases = names.map((name, index) => `alias/${at}-${name}-${index}`)
        const key = modelKey(arnOf(`${prefix}${at}`), {
          ...rest,
          multiRegionRole: role,
          replicaArns: Array.from({ length: role === 'PRIMARY' ? replicas : 0 }, (_, index) => arnOf(`mrk-of-${at}-${index}`, 'us-east-1')),
          deletionAt: rest.state === 'PendingDeletion' ? past(-29) : null,
          tags: Object.fromEntries([...tags, ...(protectingTag === null ? [] : [protectingTag])].map((tag) => [tag, 'x'])),
          grants: grants === 0 ? [] : [GRANT],
          lastUse: usedDaysAgo === null ? null : past(usedDaysAgo),
          aliases,
        })
        const registered = isRegistered ? { aliases: aliases.filter((_, index) => knowsAll || known[index] === true), days } : null
        return { key, registered, unread }
      },
    )
}

function account(size: { readonly minLength: number; readonly maxLength: number }): fc.Arbitrary<readonly Drawn[]> {
  return fc
    .integer({ min: size.minLength, max: size.maxLength })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => drawnKey(at))))
}

/** Said again in other words than the product's: only these may be touched. */
function mayBeTouched({ key, registered, unread }: Drawn): boolean {
  if (registered === null || unread !== null || registered.days < SETTINGS.afterDays) return false
  if (!['Enabled', 'Disabled', 'PendingImport'].includes(key.state) || key.manager === 'AWS' || key.accountId !== ACCOUNT_ID) return false
  if (key.grants.length > 0 || key.replicaArns.length > 0 || key.keyArn.includes('terraform-')) return false
  if ('keytrail:keep' in key.tags || 'aws:cloudformation:stack-name' in key.tags) return false
  if (key.lastUse !== null && key.lastUse > past(SETTINGS.afterDays)) return false
  return key.aliases.every((alias) => registered.aliases.includes(alias) && !EXCLUDE.some((pattern) => matchesPattern(pattern, alias)))
}

function grounded(all: readonly Drawn[], lateS: number): Ground {
  const ground = createGround({ lateS })
  ground.setSettings({ exclude: EXCLUDE })
  for (const { key, registered, unread } of all) {
    if (registered === null) ground.kms.put(key)
    else ground.register(key, { aliases: registered.aliases, registeredAt: past(registered.days) })
    if (unread !== null) ground.kms.failRead(key.keyArn, unread)
  }
  return ground
}

/** Several runs at both ends of the watch: more than one may be needed where KMS shows changes late. Nobody becomes due meanwhile. */
const RUNS = [0, 1, 35, 35, 1, 1, 1, 1]

async function checked(all: readonly Drawn[], lateS: number, runs: readonly number[] = RUNS): Promise<number> {
  const ground = grounded(all, lateS)
  const touchable = all.filter(mayBeTouched).map(({ key }) => key.keyArn)
  for (const hours of runs) {
    ground.pass(hours)
    await ground.run()
  }
  const touched = [...new Set(ground.kms.written.map(({ keyArn }) => keyArn))]
  expect(touched.toSorted()).toEqual(touchable.toSorted())
  const untouched = all.filter((drawn) => !mayBeTouched(drawn)).map(({ key }) => key)
  expect(untouched.map(({ keyArn }) => ground.kms.key(keyArn))).toEqual(untouched)
  expect(
    touchable.map((keyArn) => ground.kms.key(keyArn)).filter((key) => key?.state !== 'PendingDeletion' || key.aliases.length > 0),
  ).toEqual([])
  expect(ground.shortestWatch()).toBeGreaterThanOrEqual(72 * 3600)
  const before = [ground.kms.written.length, [...ground.retirements.values()], ground.notices.ids()]
  await ground.run()
  expect([ground.kms.written.length, [...ground.retirements.values()], ground.notices.ids()]).toEqual(before)
  return touchable.length
}

describe('over generated accounts', () => {
  it('nothing outside the registry, and nothing that anything protects, is ever touched; all else is retired; a second run does nothing', async () => {
    let touched = 0
    await fc.assert(
      fc.asyncProperty(account({ minLength: 0, maxLength: 40 }), fc.constantFrom(0, 20, 290), async (all, lateS) => {
        touched += await checked(all, lateS)
      }),
      { numRuns: 60 },
    )
    expect(touched).toBeGreaterThan(20)
  })

  it('of thousands of keys', async () => {
    const [all = []] = fc.sample(account({ minLength: 2000, maxLength: 2000 }), { numRuns: 1, seed: 7 })
    expect(await checked(all, 0, [0, 73])).toBeGreaterThan(20)
  })

  it('a use within the watch, whatever it is called by, saves the key and gives all of it back', async () => {
    const errors = fc.constantFrom(null, 'DisabledException', 'KMSInvalidStateException', 'AccessDeniedException')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 71 }),
        errors,
        fc.integer({ min: 0, max: 5 }),
        fc.constantFrom(0, 250),
        async (hour, errorCode, names, lateS) => {
          const ground = createGround({ lateS })
          const aliases = Array.from({ length: names }, (_, at) => `alias/demo-${at}`)
          const keyArn = ground.register(modelKey(arnOf('a'), { aliases }))
          await ground.run()
          ground.pass(1)
          await ground.run()
          ground.pass(hour)
          ground.kms.use(keyArn, { errorCode })
          ground.pass(80)
          for (let run = 0; run < 4; run++) {
            await ground.run()
            ground.pass(1)
          }
          expect(ground.kms.key(keyArn)).toMatchObject({ state: 'Enabled', aliases })
          expect(ground.kms.written.map(({ call }) => call)).toEqual(['disable', 'enable'])
          expect(ground.retirements.get(keyArn)?.stage).toBe('saved')
        },
      ),
      { numRuns: 60 },
    )
  })
})
