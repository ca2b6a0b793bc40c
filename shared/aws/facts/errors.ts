/** What an error of the SDK means for who reads. The only place that knows such names. */
export type Failure = {
  readonly kind:
    | 'denied'
    /** Too many requests, also after all tries. */
    | 'throttled'
    /** The service, or the way to it. */
    | 'failed'
    /** The resource is not there. */
    | 'gone'
    /** The resource is there and lacks what was asked for: an answer. */
    | 'absent'
    /** Resources of this kind cannot have what was asked for: an answer. */
    | 'unsupported'
    /** The resource is being changed. */
    | 'unready'
  readonly code: string
}

/** An answer that cannot be used: it lacks what it always has, or goes on for longer than the resource can be. */
export class UnusableAnswerError extends Error {
  override readonly name = 'UnusableAnswerError'
  readonly code: 'IncompleteAnswer' | 'TooManyPages' | 'TooManyItems'

  constructor(code: UnusableAnswerError['code']) {
    super(code)
    this.code = code
  }
}

const KINDS: Readonly<Record<Exclude<Failure['kind'], 'failed'>, readonly string[]>> = {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html and the errors of each service.
  denied: ['AccessDenied', 'AccessDeniedException', 'AccessDeniedError', 'AuthorizationError', 'NotAuthorized', 'UnauthorizedOperation'],
  // https://github.com/smithy-lang/smithy-typescript/blob/main/packages/service-error-classification/src/constants.ts
  throttled: [
    'EC2ThrottledException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
  ],
  // CloudFormation says ValidationError of a stack that is not there.
  gone: [
    'NoSuchBucket',
    'NotFoundException',
    'QueueDoesNotExist',
    'AWS.SimpleQueueService.NonExistentQueue',
    'ResourceNotFoundException',
    'TrailNotFoundException',
    'ValidationError',
  ],
  // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  absent: ['NoSuchBucketPolicy', 'NoSuchTagSet', 'NoSuchWebsiteConfiguration', 'ServerSideEncryptionConfigurationNotFoundError'],
  // Of rotation: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
  unsupported: ['UnsupportedOperationException'],
  // "A conflicting conditional operation is currently in progress against this resource." The same page of S3.
  unready: ['OperationAborted'],
}
const KIND_OF_NAME: ReadonlyMap<string, Failure['kind']> = new Map(
  Object.entries(KINDS).flatMap(([kind, names]) => names.map((name) => [name, kind as Failure['kind']])),
)
/** What the SDK throws before it has anything to send. */
const BEFORE_SENDING = ['CredentialsProviderError']
const CODE = /^[\w.-]{1,64}$/

/** What a failed call means. @throws the error itself if it came of no call: the program is wrong */
export function failureOf(error: unknown): Failure {
  if (error instanceof UnusableAnswerError) return { kind: 'failed', code: error.code }
  if (!(error instanceof Error) || !('$metadata' in error || BEFORE_SENDING.includes(error.name))) throw error
  return { kind: KIND_OF_NAME.get(error.name) ?? 'failed', code: codeOf(error) }
}

/** Of a connection that broke, the system's code says more than `Error`. */
function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown }
  const text = error.name === 'Error' && typeof code === 'string' ? code : error.name
  return CODE.test(text) ? text : 'Error'
}
