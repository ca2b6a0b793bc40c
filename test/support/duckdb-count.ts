import { DuckDBInstance } from '@duckdb/node-api'

/** Uses of one kind: a row of the JSON that `keytrail usage` writes. */
export type CountedRow = { readonly [dimension: string]: string | number | null; readonly succeeded: number; readonly failed: number }

export type DuckDbCount = {
  /** What should have been a record: the entries of log files, lists and LookupEvents answers, else lines and documents. */
  readonly items: number
  readonly records: number
  /** Records of cryptographic operations, repeats and dry runs included. */
  readonly cryptographicRecords: number
  readonly duplicates: number
  readonly dryRuns: number
  /** Items that are no records, and every text in them of `TEXT_LENGTH_MIN` characters or more. */
  readonly unread: readonly { readonly file: string; readonly position: number; readonly texts: readonly string[] }[]
  /** By key and operation. */
  readonly calls: readonly CountedRow[]
  readonly unattributed: readonly CountedRow[]
  /** By key, operation, caller, service and error code. */
  readonly callsByCaller: readonly CountedRow[]
  readonly unattributedByCaller: readonly CountedRow[]
  /** How often something occurs that the rules leave open or this query does not express: zero, or the other figures mean nothing. */
  readonly undecided: {
    readonly packedFiles: number
    readonly listsInLists: number
    /** Copies of one use, none to be preferred, that differ in what the rules do not order. */
    readonly ties: number
    /** What was sent in place of a key, where it is so long that its beginning only is shown. */
    readonly cutTexts: number
  }
}

/** Shorter texts (`kms`, `1.08`) stand in many a sentence by chance. */
const TEXT_LENGTH_MIN = 5

/** A member that is a text. An empty one counts as absent. */
const TEXT_AT = `
create temp macro text_at(object, path) as
  case when json_type(object, path) = 'VARCHAR' then nullif(object->>path, '') end`

/** `docs/counting.md`, "What is read". Positions count from 1: the place in a list, else the line of the file. */
const READ = `
create temp table records as
with
  files as (
    select filename as file, content, try_cast(content as json) as whole from read_text(getvariable('files'))
  ),
  -- A file is one JSON document, or else each of its lines is one. What is no JSON has a document that is null.
  lines as (
    select file, unnest(string_split(content, chr(10))) as text, generate_subscripts(string_split(content, chr(10)), 1) as line
    from files where whole is null
  ),
  documents as (
    select file, 1 as line, whole as document from files where whole is not null
    union all
    select file, line, try_cast(text as json) as document from lines where trim(text, chr(32) || chr(13) || chr(9)) <> ''
  ),
  lists as (
    select
      *,
      case
        when json_type(document, '$.Records') = 'ARRAY' then from_json(document->'$.Records', '["json"]')
        when json_type(document, '$.Events') = 'ARRAY' then from_json(document->'$.Events', '["json"]')
        when json_type(document) = 'ARRAY' then from_json(document, '["json"]')
      end as list
    from documents
  ),
  items as (
    select file, generate_subscripts(list, 1) as position, unnest(list) as item from lists where list is not null
    union all
    select file, line as position, document as item from lists where list is null
  ),
  -- An entry of a LookupEvents answer holds its record as text, an EventBridge event as its detail.
  unwrapped as (
    select
      file,
      position,
      case
        when json_type(item, '$.CloudTrailEvent') = 'VARCHAR' then try_cast(item->>'$.CloudTrailEvent' as json)
        when (item->>'$."detail-type"') like '%via CloudTrail' and (item->>'$.source') like 'aws.%' then item->'$.detail'
        else item
      end as record
    from items
  ),
  -- sharedEventID ?? addendum.originalEventID ?? eventID. An empty text counts as absent.
  identified as (
    select
      *,
      list_filter(
        [record->'$.sharedEventID', record->'$.addendum.originalEventID', record->'$.eventID'],
        lambda id: id is not null and json_type(id) <> 'NULL' and id::varchar <> '""'
      )[1] as identity
    from unwrapped
  )
select
  row_number() over (order by file, position) as number,
  file,
  position::int as position,
  record,
  identity->>'$' as identity,
  text_at(record, '$.eventSource') is not null and text_at(record, '$.eventName') is not null
    and coalesce(json_type(identity) = 'VARCHAR', false) as is_record
from identified`

/** `docs/counting.md`, "What is counted" and "What is one use". A row is a copy of a use: what one record tells of it. */
const COPIES = `
create temp table copies as
with
  fields as (
    select
      number,
      identity,
      text_at(record, '$.eventName') as event_name,
      text_at(record, '$.awsRegion') as region,
      text_at(record, '$.recipientAccountId') as recipient,
      text_at(record, '$.errorCode') as error_code,
      list_filter(
        record->>'$.resources[*].ARN',
        lambda arn: regexp_full_match(arn, 'arn:[^:]+:kms:[^:]*:[^:]*:key/[^:]+')
      ) as key_arns,
      record->'$.requestParameters' as request,
      record->'$.additionalEventData' as additional,
      text_at(record, '$.userIdentity.type') as caller_type,
      text_at(record, '$.userIdentity.arn') as caller_arn,
      text_at(record, '$.userIdentity.sessionContext.sessionIssuer.arn') as issuer_arn,
      text_at(record, '$.userIdentity.accountId') as caller_account,
      text_at(record, '$.userIdentity.principalId') as principal,
      text_at(record, '$.userIdentity.invokedBy') as service
    from records
    where is_record and text_at(record, '$.eventSource') = 'kms.amazonaws.com'
      and text_at(record, '$.eventCategory') is distinct from 'NetworkActivity'
  ),
  cryptographic as (
    select * from fields where event_name in (
      'Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPair',
      'GenerateDataKeyPairWithoutPlaintext', 'ReEncrypt', 'Sign', 'Verify', 'GenerateMac', 'VerifyMac', 'DeriveSharedSecret',
      'Encapsulate', 'Decapsulate'
    )
  ),
  -- A ReEncrypt is two uses. A missing second key is null, as an element behind a list's end is.
  uses as (
    select *, event_name as operation, key_arns[1] as resource, text_at(request, '$.keyId') as sent,
      request->'$.encryptionContext' as context, text_at(additional, '$.keyMaterialId') as material
    from cryptographic where event_name <> 'ReEncrypt'
    union all
    select *, 'ReEncryptFrom', key_arns[1], text_at(request, '$.sourceKeyId'),
      request->'$.sourceEncryptionContext', text_at(additional, '$.sourceKeyMaterialId')
    from cryptographic where event_name = 'ReEncrypt'
    union all
    select *, 'ReEncryptTo', key_arns[2], text_at(request, '$.destinationKeyId'),
      request->'$.destinationEncryptionContext', text_at(additional, '$.destinationKeyMaterialId')
    from cryptographic where event_name = 'ReEncrypt'
  ),
  keyed as (
    select
      *,
      case
        when resource is not null then resource
        when error_code is not null then null
        when regexp_full_match(sent, 'arn:[^:]+:kms:[^:]*:[^:]*:key/[^:]+') then sent
        -- A bare key ID: neither an ARN nor an alias.
        when regexp_full_match(sent, '[A-Za-z0-9_-]+') then
          'arn:' || case when region like 'cn-%' then 'aws-cn' when region like 'us-gov-%' then 'aws-us-gov' else 'aws' end
          || ':kms:' || region || ':' || recipient || ':key/' || sent
      end as key
    from uses
  ),
  told as (
    select
      number,
      identity,
      event_name,
      operation,
      key,
      case when key is null then sent end as sent,
      recipient is not distinct from caller_account and recipient is not null as is_callers_copy,
      coalesce(
        issuer_arn,
        regexp_replace(caller_arn, '^arn:([^:]+):sts::([^:]*):assumed-role/([^/]+)/.*$', 'arn:\\1:iam::\\2:role/\\3'),
        case caller_type when 'AWSAccount' then caller_account when 'AWSService' then service else principal end,
        caller_account,
        service
      ) as caller,
      service,
      context,
      material,
      case when error_code is null then 'succeeded' when error_code = 'DryRunOperationException' then 'dryRun' else 'failed' end as outcome,
      error_code
    from keyed
  ),
  keys as (
    select distinct identity, operation, key from told where key is not null
  )
-- A copy without a key is a copy of each use of its identity and operation that has one: use_key is null only if there is none.
select told.*, keys.key as use_key
from told left join keys
  on keys.identity = told.identity and keys.operation = told.operation and (told.key is null or told.key = keys.key)`

/**
 * The caller's own copy tells how a use went, else the one whose attributes are bytewise smaller. The rules name the attributes (caller,
 * service, scope, outcome, error), not the bytes they are written in. So this decides only ties in which all that comes before the outcome
 * is the same, by `dryRun` < `failed` < `succeeded` and then by the error's code; there is one in the corpus, a sample of the KMS
 * documentation that succeeds and fails under one eventID. Ties that differ in caller, service or what was sent, or in outcome and
 * anything before it, are counted, not guessed. (The encryption context stands for the scope: where contexts are the same, so are scopes.)
 */
const USES = `
create temp table uses as
with
  ranked as (
    select *, rank() over (partition by identity, operation, use_key order by is_callers_copy desc) as place from copies
  )
select
  operation,
  use_key as key,
  arg_min(struct_pack(caller, service, error_code, sent), [outcome, coalesce(error_code, '')]) as kept,
  min(outcome) as outcome,
  count(distinct to_json([caller, service])) as callers,
  count(distinct to_json([outcome, error_code])) as outcomes,
  count(distinct to_json([sent])) filter (use_key is null) as sents,
  count(distinct to_json([caller, service, context::varchar, material])) as stories
from ranked
where place = 1
group by identity, operation, use_key`

/** A record is a repeat if some record before it told of each of its uses; those that name the key come first. */
const DUPLICATES = `
with
  places as (
    select number, row_number() over (partition by identity, operation, use_key order by key is null, number) as place from copies
  ),
  told_new as (
    select number, bool_or(place = 1) as is_new from places group by number
  )
select count(*) filter (not is_new)::int as count from told_new`

const UNREAD = `
select
  file,
  position,
  coalesce(list(distinct atom->>'$') filter (type = 'VARCHAR' and length(atom->>'$') >= ${TEXT_LENGTH_MIN}), []) as texts
from records left join lateral (select atom, type from json_tree(records.record)) on true
where not is_record
group by file, position
order by file, position`

/**
 * Counts the uses of KMS keys in a folder of CloudTrail files by the rules of `docs/counting.md`, in SQL that shares nothing with the
 * product: another JSON parser, another language, another way of removing repeats.
 *
 * @param folder an absolute path without glob characters
 */
export async function countWithDuckDb(folder: string): Promise<DuckDbCount> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = async <Row extends object>(sql: string) =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson() as readonly object[] as readonly Row[]
  const number = async (sql: string) => {
    const [row] = await rows<{ readonly count: number }>(sql)
    if (row === undefined) throw new Error(`no count: ${sql}`)
    return row.count
  }
  const counted = (where: string, columns: string) =>
    rows<CountedRow>(`
      select
        ${columns},
        count(*) filter (outcome = 'succeeded')::int as succeeded,
        count(*) filter (outcome = 'failed')::int as failed
      from uses where outcome <> 'dryRun' and ${where} group by all order by all nulls first`)
  const byCaller = 'operation, kept.caller as caller, kept.service as service, kept.error_code as "errorCode"'
  const allFiles = `glob('${folder.replaceAll("'", "''")}/**')`
  try {
    await connection.run(`set variable files = (select list(file) from ${allFiles} where regexp_matches(file, '[.](json|jsonl|ndjson)$'))`)
    for (const sql of [TEXT_AT, READ, COPIES, USES]) await connection.run(sql)
    return {
      items: await number('select count(*)::int as count from records'),
      records: await number('select count(*)::int as count from records where is_record'),
      cryptographicRecords: await number('select count(distinct number)::int as count from copies'),
      duplicates: await number(DUPLICATES),
      // A ReEncrypt is one call: a dry run of it is told by its first use.
      dryRuns: await number(`select count(*)::int as count from uses where outcome = 'dryRun' and operation <> 'ReEncryptTo'`),
      unread: await rows(UNREAD),
      calls: await counted('key is not null', 'key as "keyArn", operation'),
      unattributed: await counted('key is null', 'kept.sent as sent, operation'),
      callsByCaller: await counted('key is not null', `key as "keyArn", ${byCaller}`),
      unattributedByCaller: await counted('key is null', `kept.sent as sent, ${byCaller}`),
      undecided: {
        packedFiles: await number(`select count(*)::int as count from ${allFiles} where file like '%.gz'`),
        listsInLists: await number(`select count(*)::int as count from records
          where json_type(record) = 'ARRAY' or json_type(record, '$.Records') = 'ARRAY' or json_type(record, '$.Events') = 'ARRAY'`),
        ties: await number('select count(*)::int as count from uses where callers > 1 or sents > 1 or (outcomes > 1 and stories > 1)'),
        cutTexts: await number('select count(*)::int as count from uses where strlen(kept.sent) > 256'),
      },
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
