/** Trails for property tests: what CloudTrail writes and what strangers make of it, and JSON with every freedom that JSON leaves. */
import { hash } from 'node:crypto'
import * as fc from 'fast-check'

export type Json = null | boolean | number | string | readonly Json[] | Members
type Members = { readonly [name: string]: Value }
/** Undefined: there is no such member. */
type Value = Json | undefined
type Made<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Thing> ? Thing : never

/** Chance for what need not shrink well: how a trail is written and split. With seed 0 the plainest way is taken throughout. */
export type Dice = {
  below(limit: number): number
  oneIn(count: number): boolean
  pick<Item>(items: readonly [Item, ...Item[]]): Item
  shuffled<Item>(items: readonly Item[]): readonly Item[]
}

/** Mulberry32, as in bench/trail.ts. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0
  function below(limit: number): number {
    if (seed === 0) return 0
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  function shuffled<Item>(items: readonly Item[]): readonly Item[] {
    const ranked = items.map((item) => ({ item, rank: below(2 ** 30) }))
    return ranked.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item)
  }
  return { below, oneIn: (count) => below(count) === count - 1, pick: (items) => items[below(items.length)] ?? items[0], shuffled }
}
/** JSON with the freedoms that JSON leaves: order, spaces, escapes, spelling of numbers, members that a later one replaces. */
export function writeJson(value: Json, dice: Dice, newline = ''): string {
  if (typeof value === 'string') return writeText(value, dice)
  if (typeof value === 'number') return writeNumber(value, dice)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = newline === '' ? '' : `${newline}  `
  const parts = isList(value) ? value.map((item) => writeJson(item, dice, inner)) : writeMembers(value, dice, inner)
  const gap = dice.oneIn(9) ? ' ' : ''
  const body = parts.length === 0 ? gap : `${inner}${parts.join(`${gap},${inner}`)}${gap}${newline}`
  return isList(value) ? `[${body}]` : `{${body}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** What a member holds that does not count, because another one of its name follows. */
export const DECOY = 'decoy'

function writeMembers(members: Members, dice: Dice, newline: string): readonly string[] {
  const entries = dice.shuffled(Object.entries(members).filter((entry): entry is [string, Json] => entry[1] !== undefined))
  const decoys = entries.filter(() => dice.oneIn(25)).map(([name]): [string, Json] => [name, dice.pick<Json>([DECOY, { [name]: DECOY }])])
  return [...decoys, ...entries].map(([name, value]) => `${writeText(name, dice)}:${writeJson(value, dice, newline)}`)
}

function writeNumber(value: number, dice: Dice): string {
  const isShort = Number.isInteger(value) && Math.abs(value) < 1e9
  return `${JSON.stringify(value)}${isShort && dice.oneIn(2) ? dice.pick(['.0', 'e0', 'E+0', '.00e-0']) : ''}`
}

function writeText(text: string, dice: Dice): string {
  if (!dice.oneIn(7)) return JSON.stringify(text)
  const characters = Array.from(text, (character) => (dice.oneIn(4) ? escaped(character, dice) : JSON.stringify(character).slice(1, -1)))
  return `"${characters.join('')}"`
}

function escaped(character: string, dice: Dice): string {
  if (character === '/' && dice.oneIn(2)) return '\\/'
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${dice.oneIn(2) ? unit.toUpperCase() : unit}`).join('')
}

const words = (text: string): readonly string[] => text.split(' ')
const OPERATIONS = words(
  'Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext ' +
    'Sign Verify GenerateMac VerifyMac DeriveSharedSecret Encapsulate Decapsulate ReEncrypt ReEncrypt ReEncrypt ReEncrypt',
)
const OTHER_NAMES = words('CreateKey RotateKey GenerateRandom ReEncryptFrom decrypt Decrypt1 Decrypt\u0000 toString __proto__')
const OTHER_SOURCES = words('s3.amazonaws.com KMS.amazonaws.com kms.amazonaws.com.cn xkms.amazonaws.com constructor')
const ACCOUNTS = words('111122223333 444455556666 777788889999')
/** Owns keys and calls nobody: a copy that it receives is not the caller's own. */
const OWNER = '999999999999'
const KEY_IDS = [uuidOf('key'), uuidOf('other').toUpperCase(), `mrk-${'0a1b2c3d'.repeat(4)}`]
const KEY_ARNS = [
  ...[...KEY_IDS, uuidOf('other')].map((id) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`),
  `arn:aws-cn:kms:cn-north-1:444455556666:key/${uuidOf('china')}`,
]
const OTHER_ARNS = words(
  'arn:aws:kms:eu-central-1:1:alias/app arn:aws:kms:eu-central-1:1:alias/x:key/y arn:aws:secretsmanager:us-east-1:1:secret:kms:key/x',
)
const OTHER_ENTRIES: readonly Json[] = [null, 'x', { ARN: 5 }, { arn: KEY_ARNS[0] }, ...OTHER_ARNS.map((ARN) => ({ ARN, type: 'x' }))]
const ALIASES = [...words('alias/app alias/aws/s3 alias/toString'), ...OTHER_ARNS, 'é'.repeat(150), `${'x'.repeat(255)}😀`, '\ud800']
const NO_TEXTS: readonly Value[] = [undefined, undefined, null, '', 5, -1.5, true, [], {}, ['alias/app'], { ARN: KEY_ARNS[0] }]
const CONTEXTS: readonly Value[] = [
  ...NO_TEXTS.slice(0, -1),
  { ['__proto__']: 'a' },
  { toString: 'a', tenant: 'b' },
  { 'aws:s3:arn': 'arn:aws:s3:::b/k' },
  { 'aws:s3:arn': 'arn:aws:s3:::b/k', 'aws:cloudtrail:arn': 'a' },
  { 'aws:s3:arn': 'arn:aws:s3:::b' },
  { 'aws:ebs:id': 'vol-1' },
  { SecretARN: 'a', SecretVersionId: 'b' },
  { 'aws-crypto-public-key': 'a', tenant: 'b' },
]
const ERRORS = words('AccessDenied toString __proto__ DryRunOperationException')
const ERROR_CODES: readonly Value[] = [undefined, undefined, undefined, null, '', 5, ...ERRORS]
/** A whole KMS event where another one only quotes it, and members that every object seems to have. */
const QUOTED = { eventSource: 'kms.amazonaws.com', eventName: 'Decrypt', eventID: 'quoted', resources: [{ ARN: KEY_ARNS[0] }] }
const HOSTILE: readonly Members[] = [
  { userAgent: JSON.stringify(QUOTED), Note: [QUOTED], responseElements: QUOTED },
  { userAgent: '"eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"quoted"' },
  { additionalEventData: { Records: [QUOTED], sharedEventID: 'quoted', addendum: { originalEventID: 'quoted' } } },
  { ['__proto__']: { ...QUOTED, errorCode: 'AccessDenied', eventCategory: 'NetworkActivity' } },
  { constructor: 'x', hasOwnProperty: null, toString: QUOTED, '': 5, é: '😀\u2028' },
]

/** Members that leave no record, and what is none to begin with. */
const NO_IDENTITY: readonly Members[] = [
  {},
  { eventID: 5 },
  { sharedEventID: 5, eventID: 'a' },
  { eventID: 'a', addendum: { originalEventID: {} } },
]
const NO_EVENT: readonly Members[] = [{ eventName: 5 }, { eventSource: '' }, { eventSource: undefined, ['__proto__']: QUOTED }]
const NO_RECORDS: readonly Json[] = [
  null,
  'text',
  [],
  {},
  [['text']],
  { 'detail-type': 'x via CloudTrail', source: 'my.app', detail: QUOTED },
]

function uuidOf(seed: string): string {
  return hash('md5', seed).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function identitiesOf(accountId: string): readonly Value[] {
  const session = { type: 'AssumedRole', principalId: 'AROA:s', arn: `arn:aws:sts::${accountId}:assumed-role/app/s`, accountId }
  const issuer = { type: 'Role', arn: `arn:aws:iam::${accountId}:role/path/app` }
  const user = { type: 'IAMUser', principalId: 'AIDA', arn: `arn:aws:iam::${accountId}:user/u`, accountId, userName: 'u' }
  return [
    user,
    { type: 'Root', arn: `arn:aws:iam::${accountId}:root`, accountId },
    session,
    { ...session, sessionContext: null },
    { ...session, sessionContext: { sessionIssuer: issuer } },
    { ...session, sessionContext: { sessionIssuer: { arn: 5 } } },
    { type: 'FederatedUser', arn: `arn:aws:sts::${accountId}:federated-user/f`, accountId, sessionContext: { sessionIssuer: user } },
    { type: 'AWSAccount', principalId: 'AROA:s', accountId },
    { type: 'AWSAccount', principalId: 'AROA:s', accountId, arn: 5 },
    { type: 'IdentityCenterUser', accountId },
    { accountId, invokedBy: 'AWS Internal' },
    { type: 'AWSService', invokedBy: 's3.amazonaws.com' },
    { type: 'WebIdentityUser', principalId: 'accounts.example.com:u', accountId: '' },
    { type: 'Unknown', invokedBy: 5 },
    ...NO_TEXTS,
  ]
}
const IDENTITIES = ACCOUNTS.flatMap(identitiesOf)

function accountOf(identity: Value): Value {
  return typeof identity === 'object' && identity !== null && !isList(identity) ? identity['accountId'] : undefined
}

const { array, constant, nat, record, tuple, oneof } = fc
const oneOf = <Item>(items: readonly Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
/** Five times of six the first. */
const mostly = <Item>(first: fc.Arbitrary<Item>, second: fc.Arbitrary<Item>): fc.Arbitrary<Item> =>
  oneof({ arbitrary: first, weight: 5 }, { arbitrary: second, weight: 1 })

/** `resources` that name these keys, among entries that name none. */
function resourcesOf(keyArns: readonly string[]): fc.Arbitrary<Json> {
  const others = mostly<readonly Json[]>(constant([]), array(oneOf(OTHER_ENTRIES), { maxLength: 2 }))
  const entries = keyArns.map((ARN) => oneOf<readonly Json[]>([[{ ARN }], [{ ARN, accountId: '1', type: 'AWS::KMS::Key' }]]))
  return tuple(others, ...entries.flatMap((entry) => [entry, others])).map((parts) => parts.flat())
}

/** How a record names these keys: in `resources`, as sent, or not at all. `others`: what may stand in the place of a key as sent. */
function keysOf(keyArns: readonly string[], others: readonly (readonly Value[])[]) {
  const nothing = oneOf<Value>([undefined, null, 'x', 5, [], { 0: { ARN: KEY_ARNS[0] } }, ...OTHER_ENTRIES.map((entry) => [entry])])
  const resources = oneof(nothing, ...[1, 2].map((count) => resourcesOf(keyArns.slice(0, count))))
  const sent = (named: readonly string[]) => oneof(...[named, ...others].filter(({ length }) => length > 0).map(oneOf<Value>))
  const [source, destination] = [sent(keyArns.slice(0, 1)), sent(keyArns.slice(1))]
  return record({ resources, sent: record({ keyId: source, sourceKeyId: source, destinationKeyId: destination }) })
}

const anySetting = record({
  eventTime: mostly<Value>(
    nat({ max: 4 * 3600 }).map((second) => `${new Date((1_790_000_000 + second) * 1000).toISOString().slice(0, 19)}Z`),
    oneOf<Value>(['yesterday', '2026-10-01', 1_790_000_000, null, '', {}, undefined]),
  ),
  awsRegion: mostly<Value>(oneOf(words('eu-central-1 us-east-1 cn-north-1 us-gov-west-1')), oneOf<Value>([undefined, 5, ''])),
  recipientAccountId: mostly<Value>(oneOf(ACCOUNTS), oneOf<Value>([OWNER, undefined, 111122223333])),
  eventCategory: mostly<Value>(oneOf(['Management', undefined]), oneOf<Value>(['NetworkActivity', 'Data', 5])),
  extra: mostly<Members>(oneOf([{}, {}, ...HOSTILE]), record({ Extra: fc.jsonValue({ maxDepth: 3 }) })),
})
const anyContext = oneOf(CONTEXTS)
const anyStory = record({
  userIdentity: oneOf(IDENTITIES),
  errorCode: oneOf(ERROR_CODES),
  contexts: record({ encryptionContext: anyContext, sourceEncryptionContext: anyContext, destinationEncryptionContext: anyContext }),
  /** What stands in the place of parameters, if there are none. */
  instead: mostly<Value>(constant('parameters'), oneOf<Value>([undefined, null, [], 'keyId'])),
})
const keyPair = tuple(oneOf(KEY_ARNS), oneOf(KEY_ARNS))
const anyCall = record({
  eventName: oneOf(OPERATIONS),
  story: anyStory,
  keys: keyPair.chain((pair) => keysOf(pair, [KEY_ARNS, KEY_IDS, KEY_IDS, ALIASES, NO_TEXTS])),
  setting: anySetting,
})
type Call = Made<typeof anyCall>

function recordOf({ eventName, story, keys: { resources, sent }, setting: { extra, ...setting } }: Call, changes: Members): Members {
  const { contexts, instead, ...told } = story
  const requestParameters = instead === 'parameters' ? { ...sent, ...contexts } : instead
  return { ...setting, eventSource: 'kms.amazonaws.com', eventName, ...told, requestParameters, resources, ...extra, ...changes }
}

type Id = { readonly form: number; readonly link: 'eventID' | 'sharedEventID' | 'originalEventID' | 'both' | 'empty' }
const anyId = record<Id>({ form: nat({ max: 4 }), link: oneOf(['eventID', 'sharedEventID', 'originalEventID', 'both', 'empty']) })
/** The members that give the n-th call of a trail its identity, unlike all others, if only in case. */
function idsOf({ form, link }: Id, n: number, copy = 0): Members {
  const name = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'][n] ?? `é/${n}"\\`
  const id = [uuidOf(`${n}`), uuidOf(`${n}`).toUpperCase(), `${n + 1}`, `ID-${n}`, name][form] ?? ''
  const eventID = uuidOf(`${id}#${copy}`)
  const updated = { eventID, addendum: { reason: 'UPDATED_DATA', originalEventID: id } }
  return {
    eventID: { eventID: id },
    sharedEventID: { eventID, sharedEventID: id },
    originalEventID: copy === 0 ? { eventID: id } : updated,
    both: { ...updated, addendum: { originalEventID: eventID }, sharedEventID: id },
    empty: {
      eventID: id,
      sharedEventID: [null, ''][copy % 2],
      addendum: { reason: 'DELIVERY_DELAY', originalEventID: ['', null][copy % 2] },
    },
  }[link]
}

/** What the n-th call of a trail leaves behind. */
type Trace = (n: number) => readonly Json[]
const single = record({ call: anyCall, id: anyId }).map(({ call, id }): Trace => (n) => [recordOf(call, idsOf(id, n))])
/** A call that succeeded and whose key stands in the request only. */
const asked = tuple(anyCall, anyId, keysOf([], [KEY_IDS, KEY_IDS, KEY_ARNS])).map(([call, id, { sent }]): Trace => (n) => [
  recordOf({ ...call, keys: { sent, resources: null } }, { ...idsOf(id, n), errorCode: '' }),
])
const otherEvents = oneof(record({ eventSource: oneOf(OTHER_SOURCES) }), record({ eventName: oneOf(OTHER_NAMES) }))
const other = tuple(anyCall, anyId, otherEvents).map(([call, id, event]): Trace => (n) => [recordOf(call, { ...idsOf(id, n), ...event })])
const noEvent = oneOf(NO_EVENT).map((members) => ({ eventID: 'a', ...members }))
const spoiled = tuple(anyCall, oneof(oneOf(NO_IDENTITY), noEvent)).map(([call, changes]): Trace => () => [recordOf(call, changes)])
const noRecord = oneOf(NO_RECORDS).map((item): Trace => () => [item])

/** Two uses that differ in one thing only: the identity (in case), the operation or the key. */
const pair = tuple(anyCall, anyCall, anyId, nat({ max: 2 })).map(([one, two, id, difference]): Trace => (n) => {
  const ids = difference === 0 ? [idsOf({ ...id, form: 0 }, n), idsOf({ ...id, form: 1 }, n)] : [idsOf(id, n), idsOf(id, n)]
  const first = { eventName: 'Sign', resources: [{ ARN: KEY_ARNS[0] }] }
  const second = [{}, { eventName: 'Verify' }, { resources: [{ ARN: KEY_ARNS[1] }] }][difference]
  return [recordOf(one, { ...first, ...ids[0] }), recordOf(two, { ...first, ...second, ...ids[1] })]
})

/** One call that several records tell of, such that the rules say whose story holds: the caller's own, or they all tell the same. */
const copies = tuple(keyPair, fc.boolean()).chain(([keyArns, isKeyed]) => {
  const copy = record({ keys: keysOf(isKeyed ? keyArns : [], [ALIASES, NO_TEXTS]), setting: anySetting })
  const named = isKeyed ? record({ resources: resourcesOf(keyArns) }) : constant({})
  const strangers = array(tuple(anyStory, copy), { maxLength: 2 })
  return tuple(anyCall, anyId, fc.boolean(), named, copy, array(copy, { maxLength: 2 }), strangers).map(
    ([{ eventName, story }, id, isOwn, resources, main, mains, others]): Trace =>
      (n) => {
        const account = isOwn ? accountOf(story.userIdentity) || null : null
        const own = { recipientAccountId: account ?? OWNER, eventCategory: undefined }
        const theirs = account === null ? [] : others
        return [
          recordOf({ eventName, story, ...main }, { ...idsOf(id, n), ...own, ...resources }),
          ...mains.map(({ keys, setting }, index) =>
            recordOf({ eventName, story, keys: isKeyed ? keys : main.keys, setting }, { ...idsOf(id, n, index + 1), ...own }),
          ),
          ...theirs.map(([told, each], index) =>
            recordOf({ eventName, story: told, ...each }, { ...idsOf(id, n, index + 3), recipientAccountId: OWNER }),
          ),
        ]
      },
  )
})

const anyTrace = oneof(single, single, asked, copies, copies, copies, pair, other, spoiled, noRecord)

/** A trail of which the rules say all. */
export const arbitraryTrail = array(anyTrace, { minLength: 1, maxLength: 8 }).map((traces) => traces.flatMap((trace, n) => trace(n)))
/** A trail of two or three calls of which copies tell anything: what the rules say of it must not depend on order. */
export const arbitraryMess = array(tuple(anyCall, anyId, nat({ max: 2 }), nat({ max: 2 })), { minLength: 2, maxLength: 8 }).map((records) =>
  records.map(([call, { link }, n, copy]): Json => recordOf(call, idsOf({ form: 0, link }, n, copy))),
)
