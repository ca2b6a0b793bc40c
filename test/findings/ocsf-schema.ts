import type { AnySchemaObject } from 'ajv'
import { closed, listOf, siblings } from './schemas.ts'

/**
 * What OCSF 1.6.0 says of the attributes that Keytrail writes, by hand: names, types, which are required, numbers and their captions. From
 * what is made of https://schema.ocsf.io/1.6.0/classes/compliance_finding in
 * https://github.com/mcm/typescript-ocsf/tree/1bb16c1ff9ca7d9256fb98b1598080f0ff9cd274/src/v1_6 (events/compliance_finding.ts and, in
 * objects/, metadata.ts, product.ts, cloud.ts, finding_info.ts; remediation.ts at 84946a3891c607d8e26ee69bdd9298223ae1c91e) and in
 * https://github.com/mcm/pydantic-ocsf/tree/418006a0739a944cc1ee8b2c5c0d36747142fd59/src/ocsf/v1_6_0 (in objects/, account.py, analytic.py,
 * compliance.py, related_event.py, resource_details.py, user.py; events/compliance_finding.py tells which are recommended). Which one of
 * `name` and `uid` has to be there: objects/_entity.json of https://github.com/ocsf/ocsf-schema/tree/01fb8542df4c491781b4cac667ca05d14da8d2d5
 */
const text: AnySchemaObject = { type: 'string', minLength: 1 }
const texts = listOf(text)
/** timestamp_t: milliseconds. */
const time: AnySchemaObject = { type: 'integer', minimum: Date.parse('2020-01-01'), maximum: Date.parse('2100-01-01') }
const anyOf = (...names: readonly string[]): AnySchemaObject => ({ anyOf: names.map((name) => ({ required: [name] })) })

const ACCOUNT = {
  ...closed({ uid: text, type: text, type_id: { type: 'integer' } }, []),
  ...siblings('type_id', 'type', { 3: 'AWS IAM User', 4: 'AWS IAM Role', 10: 'AWS Account' }),
}
const ANALYTIC = {
  ...closed({ type_id: { type: 'integer' }, type: text, uid: text, name: text }, ['type_id']),
  ...siblings('type_id', 'type', { 0: 'Unknown', 1: 'Rule', 2: 'Behavioral', 3: 'Statistical', 4: 'Learning (ML/DL)' }),
  ...anyOf('name', 'uid'),
}
const METADATA = closed(
  {
    // The profile `cloud` is what allows the members that say where a resource is.
    profiles: { type: 'array', const: ['cloud'] },
    product: { ...closed({ name: text, vendor_name: text, uid: text }, []), ...anyOf('name', 'uid') },
    version: { const: '1.6.0' },
  },
  ['product', 'version', 'profiles'],
)
const FINDING_INFO = closed(
  {
    analytic: ANALYTIC,
    created_time: time,
    desc: text,
    first_seen_time: time,
    last_seen_time: time,
    modified_time: time,
    related_events: listOf(closed({ uid: text, type: text }, ['uid'])),
    title: text,
    types: texts,
    uid: text,
  },
  ['uid'],
)
const COMPLIANCE = {
  ...closed(
    {
      control: text,
      requirements: texts,
      standards: texts,
      status: text,
      status_code: text,
      status_details: texts,
      status_id: { type: 'integer' },
    },
    [],
  ),
  ...siblings('status_id', 'status', { 0: 'Unknown', 1: 'Pass', 2: 'Warning', 3: 'Fail' }),
}
const RESOURCE = {
  ...closed(
    {
      cloud_partition: { type: 'string', pattern: '^aws(-[a-z]+)*$', maxLength: 20 },
      owner: { ...closed({ account: ACCOUNT }, []), ...anyOf('account', 'name', 'uid') },
      region: text,
      type: text,
      uid: text,
    },
    [],
  ),
  ...anyOf('name', 'uid'),
}

export const COMPLIANCE_FINDING: AnySchemaObject = {
  ...closed(
    {
      activity_id: { type: 'integer' },
      activity_name: text,
      category_name: { const: 'Findings' },
      category_uid: { const: 2 },
      class_name: { const: 'Compliance Finding' },
      class_uid: { const: 2003 },
      cloud: closed({ account: ACCOUNT, provider: text, region: text }, ['provider']),
      compliance: COMPLIANCE,
      finding_info: FINDING_INFO,
      message: text,
      metadata: METADATA,
      remediation: closed({ desc: text, references: texts }, ['desc']),
      resources: listOf(RESOURCE),
      severity: text,
      severity_id: { type: 'integer' },
      status: text,
      status_id: { type: 'integer' },
      time,
      type_name: text,
      type_uid: { type: 'integer' },
      unmapped: { type: 'object' },
    },
    // `cloud` is required by the profile of that name, `type_name` nowhere.
    ['activity_id', 'category_uid', 'class_uid', 'cloud', 'compliance', 'finding_info', 'metadata', 'severity_id', 'time', 'type_uid'],
  ),
  allOf: [
    siblings('activity_id', 'activity_name', { 1: 'Create', 2: 'Update', 3: 'Close' }),
    // class_uid * 100 + activity_id
    { oneOf: [1, 2, 3].map((id) => ({ properties: { activity_id: { const: id }, type_uid: { const: 200_300 + id } } })) },
    siblings('type_uid', 'type_name', {
      200301: 'Compliance Finding: Create',
      200302: 'Compliance Finding: Update',
      200303: 'Compliance Finding: Close',
    }),
    siblings('severity_id', 'severity', { 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal' }),
    siblings('status_id', 'status', { 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved', 5: 'Archived', 6: 'Deleted' }),
  ],
}

/** What the schema recommends and Keytrail tells. It leaves out `confidence_id`, `observables`, `status_code`, `timezone_offset` and the like. */
export const RECOMMENDED = [
  '/message',
  '/remediation/desc',
  '/resources/0/owner',
  '/status_id',
  '/cloud/region',
  '/compliance/control',
  '/compliance/standards',
  '/compliance/status',
  '/compliance/status_id',
  '/finding_info/analytic',
  '/finding_info/title',
  '/metadata/product/name',
] as const
