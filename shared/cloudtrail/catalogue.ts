/**
 * Where a record of this event names the resource it is about.
 * A record may still name none there: failed calls often lack it, and some calls are about everything.
 */
export type ResourcePlace =
  | 'resources'
  | 'requestParameters.bucketName'
  | 'requestParameters.customKeyStoreId'
  | 'requestParameters.functionName'
  | 'requestParameters.name'
  | 'requestParameters.queueUrl'
  | 'requestParameters.rule'
  | 'requestParameters.trailName'
  | 'responseElements.customKeyStoreId'
  | 'none'

export type CataloguedEvent = {
  /** EventBridge delivers a read-only management event only to rules in state `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`. */
  readonly readOnly: boolean
  /** `eventType` AwsApiCall or AwsServiceEvent: each has a detail-type of its own. */
  readonly kind: 'api-call' | 'service-event'
  readonly resource: ResourcePlace
  readonly documentation: string
}

/** The events Keytrail knows, by event source and event name as CloudTrail writes them. */
export const CATALOGUE = {
  'kms.amazonaws.com': {
    CancelKeyDeletion: writes('resources', kmsGuide('ct-cancel-key-deletion')),
    ConnectCustomKeyStore: writes('requestParameters.customKeyStoreId', kmsGuide('ct-connect-keystore')),
    CreateAlias: writes('resources', kmsGuide('ct-createalias')),
    CreateCustomKeyStore: writes('responseElements.customKeyStoreId', kmsGuide('ct-create-keystore')),
    CreateGrant: writes('resources', kmsGuide('ct-creategrant')),
    CreateKey: writes('resources', kmsGuide('ct-createkey')),
    Decapsulate: reads('resources', kmsGuide('ct-decapsulate')),
    Decrypt: reads('resources', kmsGuide('ct-decrypt')),
    DeleteAlias: writes('resources', kmsGuide('ct-deletealias')),
    DeleteCustomKeyStore: writes('requestParameters.customKeyStoreId', kmsGuide('ct-delete-keystore')),
    DeleteExpiredKeyMaterial: service('resources', kmsGuide('ct-deleteexpiredkeymaterial')),
    DeleteImportedKeyMaterial: writes('resources', kmsGuide('ct-deleteimportedkeymaterial')),
    DeleteKey: service('resources', kmsGuide('ct-delete-key')),
    DeriveSharedSecret: reads('resources', kmsApi('DeriveSharedSecret')),
    DescribeCustomKeyStores: reads('requestParameters.customKeyStoreId', kmsGuide('ct-describe-keystores')),
    DescribeKey: reads('resources', kmsGuide('ct-describekey')),
    DisableKey: writes('resources', kmsGuide('ct-disablekey')),
    DisableKeyRotation: writes('resources', kmsGuide('ct-disable-key-rotation')),
    DisconnectCustomKeyStore: writes('requestParameters.customKeyStoreId', kmsGuide('ct-disconnect-keystore')),
    EnableKey: writes('resources', kmsGuide('ct-enablekey')),
    EnableKeyRotation: writes('resources', kmsGuide('ct-enablekeyrotation')),
    Encapsulate: reads('resources', kmsGuide('ct-encapsulate')),
    Encrypt: reads('resources', kmsGuide('ct-encrypt')),
    GenerateDataKey: reads('resources', kmsGuide('ct-generatedatakey')),
    GenerateDataKeyPair: reads('resources', kmsGuide('ct-generatedatakeypair')),
    GenerateDataKeyPairWithoutPlaintext: reads('resources', kmsGuide('ct-generatedatakeypairwithoutplaintext')),
    GenerateDataKeyWithoutPlaintext: reads('resources', kmsGuide('ct-generatedatakeyplaintext')),
    GenerateMac: reads('resources', kmsGuide('ct-generatemac')),
    GenerateRandom: reads('none', kmsGuide('ct-generaterandom')),
    GetKeyLastUsage: reads('resources', kmsGuide('ct-getkeylastusage')),
    GetKeyPolicy: reads('resources', kmsGuide('ct-getkeypolicy')),
    GetKeyRotationStatus: reads('resources', kmsGuide('ct-getkeyrotationstatus')),
    GetParametersForImport: reads('resources', kmsGuide('ct-getparametersforimport')),
    GetPublicKey: reads('resources', kmsApi('GetPublicKey')),
    ImportKeyMaterial: writes('resources', kmsGuide('ct-importkeymaterial')),
    ListAliases: reads('none', kmsGuide('ct-listaliases')),
    ListGrants: reads('resources', kmsGuide('ct-listgrants')),
    ListKeyPolicies: reads('resources', kmsApi('ListKeyPolicies')),
    ListKeyRotations: reads('resources', kmsGuide('ct-listkeyrotations')),
    ListKeys: reads('none', kmsApi('ListKeys')),
    ListResourceTags: reads('resources', kmsApi('ListResourceTags')),
    ListRetirableGrants: reads('none', kmsApi('ListRetirableGrants')),
    PutKeyPolicy: writes('resources', kmsGuide('ct-put-key-policy')),
    ReEncrypt: reads('resources', kmsGuide('ct-reencrypt')),
    ReplicateKey: writes('resources', kmsGuide('ct-replicate-key')),
    RetireGrant: writes('resources', kmsGuide('ct-retire-grant')),
    RevokeGrant: writes('resources', kmsGuide('ct-revoke-grant')),
    RotateKey: service('resources', kmsGuide('ct-rotatekey')),
    RotateKeyOnDemand: writes('resources', kmsGuide('ct-rotatekeyondemand')),
    ScheduleKeyDeletion: writes('resources', kmsGuide('ct-schedule-key-deletion')),
    Sign: reads('resources', kmsGuide('ct-sign')),
    // KMS itself does it, yet records it as an API call.
    SynchronizeMultiRegionKey: writes('resources', kmsGuide('ct-synchronize-multi-region-key')),
    TagResource: writes('resources', kmsGuide('ct-tagresource')),
    UntagResource: writes('resources', kmsGuide('ct-untagresource')),
    UpdateAlias: writes('resources', kmsGuide('ct-updatealias')),
    UpdateCustomKeyStore: writes('requestParameters.customKeyStoreId', kmsGuide('ct-update-keystore')),
    UpdateKeyDescription: writes('resources', kmsGuide('ct-update-key-description')),
    UpdatePrimaryRegion: writes('resources', kmsGuide('ct-update-primary-region')),
    Verify: reads('resources', kmsGuide('ct-verify')),
    VerifyMac: reads('resources', kmsGuide('ct-verifymac')),
  },
  // Not every record of a bucket event has resources (CreateBucket never); the bucket's name is always in the request.
  's3.amazonaws.com': {
    CreateBucket: writes('requestParameters.bucketName', s3Api('CreateBucket')),
    DeleteBucket: writes('requestParameters.bucketName', s3Api('DeleteBucket')),
    DeleteBucketEncryption: writes('requestParameters.bucketName', s3Api('DeleteBucketEncryption')),
    DeleteBucketPolicy: writes('requestParameters.bucketName', s3Api('DeleteBucketPolicy')),
    DeleteBucketTagging: writes('requestParameters.bucketName', s3Api('DeleteBucketTagging')),
    GetBucketEncryption: reads('requestParameters.bucketName', s3Api('GetBucketEncryption')),
    GetBucketPolicy: reads('requestParameters.bucketName', s3Api('GetBucketPolicy')),
    PutBucketEncryption: writes('requestParameters.bucketName', s3Api('PutBucketEncryption')),
    PutBucketLogging: writes('requestParameters.bucketName', s3Api('PutBucketLogging')),
    PutBucketPolicy: writes('requestParameters.bucketName', s3Api('PutBucketPolicy')),
    PutBucketReplication: writes('requestParameters.bucketName', s3Api('PutBucketReplication')),
    PutBucketTagging: writes('requestParameters.bucketName', s3Api('PutBucketTagging')),
  },
  // `name` and `trailName` hold what the caller sent: the trail's name or its ARN.
  'cloudtrail.amazonaws.com': {
    CreateTrail: writes('requestParameters.name', cloudTrailApi('CreateTrail')),
    DeleteTrail: writes('requestParameters.name', cloudTrailApi('DeleteTrail')),
    DescribeTrails: reads('none', cloudTrailApi('DescribeTrails')),
    GetEventSelectors: reads('requestParameters.trailName', cloudTrailApi('GetEventSelectors')),
    GetTrail: reads('requestParameters.name', cloudTrailApi('GetTrail')),
    GetTrailStatus: reads('requestParameters.name', cloudTrailApi('GetTrailStatus')),
    PutEventSelectors: writes('requestParameters.trailName', cloudTrailApi('PutEventSelectors')),
    StartLogging: writes('requestParameters.name', cloudTrailApi('StartLogging')),
    StopLogging: writes('requestParameters.name', cloudTrailApi('StopLogging')),
    UpdateTrail: writes('requestParameters.name', cloudTrailApi('UpdateTrail')),
  },
  'events.amazonaws.com': {
    DeleteRule: writes('requestParameters.name', eventBridgeApi('DeleteRule')),
    DisableRule: writes('requestParameters.name', eventBridgeApi('DisableRule')),
    EnableRule: writes('requestParameters.name', eventBridgeApi('EnableRule')),
    PutRule: writes('requestParameters.name', eventBridgeApi('PutRule')),
    PutTargets: writes('requestParameters.rule', eventBridgeApi('PutTargets')),
    RemoveTargets: writes('requestParameters.rule', eventBridgeApi('RemoveTargets')),
  },
  'sqs.amazonaws.com': {
    AddPermission: writes('requestParameters.queueUrl', sqsApi('AddPermission')),
    DeleteQueue: writes('requestParameters.queueUrl', sqsApi('DeleteQueue')),
    RemovePermission: writes('requestParameters.queueUrl', sqsApi('RemovePermission')),
    SetQueueAttributes: writes('requestParameters.queueUrl', sqsApi('SetQueueAttributes')),
  },
  // Names with versions: https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html. A mapping is named by an ID of its own.
  'lambda.amazonaws.com': {
    DeleteEventSourceMapping20150331: writes('none', lambdaApi('DeleteEventSourceMapping')),
    DeleteFunction20150331: writes('requestParameters.functionName', lambdaApi('DeleteFunction')),
    PutFunctionConcurrency20171031: writes('requestParameters.functionName', lambdaApi('PutFunctionConcurrency')),
    UpdateEventSourceMapping20150331: writes('none', lambdaApi('UpdateEventSourceMapping')),
    UpdateFunctionCode20150331v2: writes('requestParameters.functionName', lambdaApi('UpdateFunctionCode')),
    UpdateFunctionConfiguration20150331v2: writes('requestParameters.functionName', lambdaApi('UpdateFunctionConfiguration')),
  },
} as const satisfies Record<string, Record<string, CataloguedEvent>>

export type EventSource = keyof typeof CATALOGUE
export type EventName<Source extends EventSource> = keyof (typeof CATALOGUE)[Source] & string

export function cataloguedEvent(source: string, name: string): CataloguedEvent | undefined {
  const events = ownValue<Record<string, CataloguedEvent>>(CATALOGUE, source)
  return events && ownValue(events, name)
}

/** What comes from outside may be called `constructor`. */
function ownValue<Value>(values: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined
}

function reads(resource: ResourcePlace, documentation: string): CataloguedEvent {
  return { readOnly: true, kind: 'api-call', resource, documentation }
}

function writes(resource: ResourcePlace, documentation: string): CataloguedEvent {
  return { readOnly: false, kind: 'api-call', resource, documentation }
}

/** What AWS does of its own accord: no caller, no request. */
function service(resource: ResourcePlace, documentation: string): CataloguedEvent {
  return { readOnly: false, kind: 'service-event', resource, documentation }
}

function kmsGuide(page: string): string {
  return `https://docs.aws.amazon.com/kms/latest/developerguide/${page}.html`
}

function kmsApi(operation: string): string {
  return `https://docs.aws.amazon.com/kms/latest/APIReference/API_${operation}.html`
}

function s3Api(operation: string): string {
  return `https://docs.aws.amazon.com/AmazonS3/latest/API/API_${operation}.html`
}

function cloudTrailApi(operation: string): string {
  return `https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_${operation}.html`
}

function eventBridgeApi(operation: string): string {
  return `https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_${operation}.html`
}

function sqsApi(operation: string): string {
  return `https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_${operation}.html`
}

function lambdaApi(operation: string): string {
  return `https://docs.aws.amazon.com/lambda/latest/api/API_${operation}.html`
}
