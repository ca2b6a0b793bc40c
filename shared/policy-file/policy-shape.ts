import { type BucketExpectation, DEFAULT_EXPECTATIONS, type Expectations } from '../rules/expectations.ts'
import { type Rule, SEVERITIES } from '../rules/rule.ts'
import type { EpochS } from '../time.ts'
import type { Place, Reading } from './reading.ts'
import { choice, day, judged, list, members, type Shape, text, type ValueOf, wholeNumber, yesOrNo } from './shape.ts'

/** `enforce`: Keytrail puts right what fails, where the rule says how. */
const RULE_MODES = ['report', 'enforce'] as const
export type RuleMode = (typeof RULE_MODES)[number]

const ENTRIES_MAX = 1000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
const ROTATION_DAYS = { min: 90, max: 2560 }
const DAYS = { min: 1, max: 3650 }
const FAILURES = { min: 1, max: 1_000_000 }
const ALGORITHM_NAMES = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const

/** An organization's ID: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html */
const ACCOUNT = text({
  what: "an account ID in quotes, such as '111122223333', or the ID of an organization, such as o-a1b2c3d4e5",
  pattern: /^(\d{12}|o-[a-z0-9]{10,32})$/,
  lengthMax: 34,
})
const KEY_ARN = text({
  what: 'the ARN of a KMS key, such as arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  pattern: /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/,
  lengthMax: 256,
})
const KEY = text({
  what: 'the ARN or an alias of a KMS key, such as alias/app',
  pattern: /^(arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/[\w/-]+|alias\/[\w/-]+)$/,
  lengthMax: 350,
})
const BUCKET = text({
  what: 'the name of a bucket, with * for any text, such as logs-*',
  pattern: /^[\w.*-]+$/,
  lengthMax: 255,
})
const RESOURCE = text({
  what: 'the ARN of a resource, with * for any text, such as arn:aws:s3:::demo-*',
  pattern: /^(arn:\S+|\*)$/,
  lengthMax: 2048,
})
const EXCLUDED = text({
  what: 'the ARN or an alias of a KMS key, with * for any text, such as alias/keytrail-demo-*',
  pattern: /^(arn:\S+|alias\/\S+|\*)$/,
  lengthMax: 350,
})
const WRITES_PER_HOUR = { min: 0, max: 1000 }
/** Shorter than a long weekend, and what runs on Monday is not seen. A year is more than CloudTrail's events are counted for. */
const WATCH_HOURS = { min: 72, max: 8760 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const PENDING_DAYS = { min: 7, max: 30 }
const KEYS_PER_RUN = { min: 0, max: 1000 }
const WORDS = { pattern: /\S/, lengthMax: 500 }

/** The same for all buckets and for some by name. */
const BUCKET_MEMBERS = {
  algorithms: list(
    'algorithms that a bucket may have as its default; none: any',
    choice('an algorithm of S3', ALGORITHM_NAMES),
    ALGORITHM_NAMES.length,
  ),
  keyArns: list('keys that buckets may have, by ARN; none: any', KEY_ARN, ENTRIES_MAX),
  requiresBucketKey: yesOrNo('whether a bucket whose default is SSE-KMS needs an S3 Bucket Key'),
  blocksSseC: yesOrNo('whether a bucket refuses objects under keys that clients bring along (SSE-C)'),
  requiresTls: yesOrNo('whether a bucket refuses plain HTTP'),
} satisfies Record<keyof BucketExpectation, Shape<unknown>>

/** What may stand in `expectations`: members of `Expectations`, each of which may be left out. */
const EXPECTATIONS = members('what you expect of the account', {
  rotationPeriodDays: judged(
    members('how long a rotation period may be, in days', {
      min: wholeNumber('the shortest period', ROTATION_DAYS),
      max: wholeNumber('the longest period', ROTATION_DAYS),
    }),
    (written, place, reading) => {
      const { min, max } = { ...DEFAULT_EXPECTATIONS.rotationPeriodDays, ...written }
      if (min > max) reading.refuse(place, `min (${min}) is more than max (${max}): write both, the shorter one as min`)
    },
  ),
  trustedAccounts: list('accounts and organizations that may use keys of this account', ACCOUNT, ENTRIES_MAX),
  plannedDeletions: list('keys whose deletion is planned, by ARN or alias', KEY, ENTRIES_MAX),
  unusedDays: wholeNumber('after how many days a key that nobody used is not in use', DAYS),
  failureBurst: wholeNumber('how many failed calls of a key in 24 hours are a burst', FAILURES),
  buckets: members('what you expect of buckets', {
    ...BUCKET_MEMBERS,
    overrides: list(
      'what differs for buckets by name; the first that matches counts',
      members('an override', { bucket: BUCKET, ...BUCKET_MEMBERS }, ['bucket']),
      ENTRIES_MAX,
    ),
  }),
} satisfies Record<keyof Expectations, Shape<unknown>>)

/** What may stand in `keytrail.yml`, for these rules. `now` tells which exemptions have ended. */
export function policyShape(rules: readonly Rule[], now: EpochS) {
  const ids = rules.map(({ id }) => id).toSorted()
  return members('the policy of Keytrail', {
    expectations: EXPECTATIONS,
    rules: members('what differs for rules, by their id', Object.fromEntries(rules.map((rule) => [rule.id, ruleShape(rule)]))),
    exemptions: list('resources that may fail a rule for a while', exemptionShape(ids, now), ENTRIES_MAX),
    owners: list(
      'resources that infrastructure-as-code owns: Keytrail never changes them',
      members(
        'an owner',
        {
          resource: RESOURCE,
          tool: text({ what: 'the name of the tool, such as terraform', pattern: WORDS.pattern, lengthMax: 100 }),
          place: text({ what: 'where to change the resource, such as https://git.example.com/infrastructure', ...WORDS }),
        },
        ['resource', 'tool'],
      ),
      ENTRIES_MAX,
    ),
    changes: members('what holds for all that Keytrail puts right', {
      perHourMax: wholeNumber('how many changes an hour may bring; 0: none', WRITES_PER_HOUR),
    }),
    cleanUp: members('how demo keys are retired', {
      afterDays: wholeNumber('how long after it was registered and last used a demo key is due', DAYS),
      watchHours: wholeNumber('how long it is disabled, with nobody trying to use it, before its deletion is scheduled', WATCH_HOURS),
      pendingDays: wholeNumber('how long the deletion waits, in days', PENDING_DAYS),
      perRunMax: wholeNumber('how many keys one run may begin to retire; 0: none', KEYS_PER_RUN),
      exclude: list('keys that are never touched', EXCLUDED, ENTRIES_MAX),
    }),
  })
}

export type PolicyValues = ValueOf<ReturnType<typeof policyShape>>

function ruleShape({ title, remediation }: Rule) {
  const mode = choice('report or enforce', RULE_MODES)
  const shape = members('what differs for the rule, such as { mode: report }', {
    mode: remediation === null ? judged(mode, refuseEnforce, choice('report: there is nothing that Keytrail could do', ['report'])) : mode,
    severity: choice('a severity', SEVERITIES),
  })
  // In an editor, beside the id, the title says which rule it is; of what stands there wrongly it says nothing.
  return { ...shape, schema: { ...shape.schema, description: title } }
}

function refuseEnforce(mode: RuleMode, place: Place, reading: Reading): void {
  if (mode === 'enforce') reading.refuse(place, 'there is nothing that Keytrail could do for this rule: write report')
}

function exemptionShape(ids: readonly string[], now: EpochS) {
  return members(
    'an exemption',
    {
      rule: choice('the id of a rule (`keytrail rules` lists them)', ids),
      resource: judged(RESOURCE, (pattern, place, reading) => {
        if (/^\*+$/.test(pattern)) reading.warn(place, 'this exempts every resource: turn it into patterns of those that you mean')
      }),
      reason: text({ what: 'why the resource may fail the rule', ...WORDS }),
      approver: text({ what: 'who answers for it, such as security@example.com', ...WORDS }),
      until: judged(day('the first day on which the exemption no longer holds, such as 2027-01-31'), (until, place, reading) => {
        if (until <= now) reading.warn(place, 'this exemption has ended: what it covered is a finding again; renew it or take it away')
      }),
    },
    ['rule', 'resource', 'reason', 'approver', 'until'],
  )
}
