/**
 * SQS names an error twice: in the body, and in a header as its older protocol did. Clients go by the header, where fauxqs puts one prefix
 * before all names; AWS does so for these only (`awsQueryError` in https://github.com/aws/api-models-aws/tree/main/models/sqs).
 */
const PREFIXED = [
  'BatchEntryIdsNotDistinct',
  'BatchRequestTooLong',
  'EmptyBatchRequest',
  'InvalidBatchEntryId',
  'MessageNotInflight',
  'NonExistentQueue',
  'PurgeQueueInProgress',
  'QueueDeletedRecently',
  'TooManyEntriesInBatchRequest',
  'UnsupportedOperation',
]
const RENAMED: Readonly<Record<string, string>> = { QueueNameExists: 'QueueAlreadyExists' }
const FAUXQS = /^AWS\.SimpleQueueService\.(?<name>\w+);(?<fault>Sender|Receiver)$/

/** The header `x-amzn-query-error` as AWS writes it, from fauxqs' one. */
export function queryError(header: string): string {
  const { name, fault } = FAUXQS.exec(header)?.groups ?? {}
  if (name === undefined || fault === undefined || PREFIXED.includes(name)) return header
  return `${Object.hasOwn(RENAMED, name) ? RENAMED[name] : name};${fault}`
}
