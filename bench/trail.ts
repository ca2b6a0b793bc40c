/**
 * A pinned CloudTrail trail to measure with: the same bytes on every machine, shaped after real log files.
 * 1.2 to 1.5 KB a record, 40 % KMS, a gzip ratio between 7 and 10, unique event ids, services shuffled.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { createRandom, type Random } from '../local/cloudtrail/random.ts'

const SEED = 20_261_122
const RECORDS_PER_FILE = 5_000
const KMS_SHARE = 0.4
const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const START_MS = Date.UTC(2026, 9, 1)

export type TrailFacts = { readonly records: number; readonly kms: number; readonly rawBytes: number; readonly gzipBytes: number }
export type Trail = TrailFacts & { readonly files: readonly string[] }

/** Writes (or finds) the trail below `folder`; `recordCount` records in files of 5,000. */
export function pinnedTrail(folder: string, recordCount = 300_000): Trail {
  const factsPath = path.join(folder, `facts-${SEED}-${recordCount}`)
  const files = Array.from({ length: Math.ceil(recordCount / RECORDS_PER_FILE) }, (_, index) =>
    path.join(folder, `${ACCOUNT}_CloudTrail_${REGION}_${String(index).padStart(5, '0')}.json.gz`),
  )
  try {
    return { ...(JSON.parse(readFileSync(factsPath, 'utf8')) as TrailFacts), files }
  } catch {
    // Not written yet, or by another version of this generator.
  }
  mkdirSync(folder, { recursive: true })
  const random = createRandom(SEED)
  const world = inventWorld(random)
  const facts = { records: recordCount, kms: 0, rawBytes: 0, gzipBytes: 0 }
  let left = recordCount
  for (const file of files) {
    const records: object[] = []
    for (let index = Math.min(left, RECORDS_PER_FILE); index > 0; index--) {
      const isKms = random() < KMS_SHARE
      if (isKms) facts.kms++
      records.push(isKms ? kmsRecord(random, world, recordCount - left) : otherRecord(random, world, recordCount - left))
      left--
    }
    const raw = Buffer.from(JSON.stringify({ Records: records }))
    const packed = gzipSync(raw, { level: 6 })
    facts.rawBytes += raw.length
    facts.gzipBytes += packed.length
    writeFileSync(file, packed)
  }
  writeFileSync(factsPath, JSON.stringify(facts))
  return { ...facts, files }
}

type Caller = { readonly identity: object; readonly keys: readonly string[]; readonly service: string | undefined }
type World = { readonly callers: readonly Caller[]; readonly buckets: readonly string[]; readonly agents: readonly string[] }

export function hex(random: Random, digits: number): string {
  let text = ''
  while (text.length < digits)
    text += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  return text.slice(0, digits)
}

export function uuid(random: Random): string {
  const digits = hex(random, 32)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

function inventWorld(random: Random): World {
  const keys = Array.from({ length: 50 }, () => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${uuid(random)}`)
  const identities = Array.from({ length: 120 }, (_, index) => {
    if (index % 3 === 0) {
      const userName = `builder-${index}`
      return {
        type: 'IAMUser',
        principalId: `AIDA${hex(random, 17).toUpperCase()}`,
        arn: `arn:aws:iam::${ACCOUNT}:user/${userName}`,
        accountId: ACCOUNT,
        accessKeyId: `AKIA${hex(random, 16).toUpperCase()}`,
        userName,
      }
    }
    const role = `svc-${index % 40}-worker`
    const principalId = `AROA${hex(random, 17).toUpperCase()}`
    return {
      type: 'AssumedRole',
      principalId: `${principalId}:s-${index}`,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/s-${index}`,
      accountId: ACCOUNT,
      accessKeyId: `ASIA${hex(random, 16).toUpperCase()}`,
      sessionContext: {
        sessionIssuer: { type: 'Role', principalId, arn: `arn:aws:iam::${ACCOUNT}:role/${role}`, accountId: ACCOUNT, userName: role },
        attributes: { creationDate: timeText(START_MS + index * 60_000), mfaAuthenticated: 'false' },
      },
    }
  })
  // A role works with few keys, by itself or through one service.
  const callers = identities.map((identity, index) => ({
    identity,
    keys: [pick(random, keys), pick(random, keys)],
    service:
      index % 2 === 0 ? undefined : pick(random, ['s3.amazonaws.com', 'secretsmanager.amazonaws.com', 'ec2-frontend-api.amazonaws.com']),
  }))
  return {
    callers,
    buckets: Array.from({ length: 30 }, (_, index) => `company-data-${index}-${hex(random, 8)}`),
    agents: [
      'aws-sdk-java/2.31.40 ua/2.1 os/Linux#6.1.141 lang/java#21.0.7 exec-env/AWS_ECS_FARGATE',
      'aws-sdk-js/3.1162.0 ua/2.1 os/linux lang/js md/nodejs#24.2.0 api/kms#3.1162.0',
      'Boto3/1.42.50 md/Botocore#1.42.50 ua/2.1 os/linux lang/python#3.13.5',
    ],
  }
}

function timeText(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}

function envelope(
  random: Random,
  world: World,
  index: number,
): { caller: Caller; head: { eventVersion: string; userIdentity: object; eventTime: string }; middle: object; tail: object } {
  const agent = pick(random, world.agents)
  const caller = pick(random, world.callers)
  return {
    caller,
    head: {
      eventVersion: '1.11',
      userIdentity: caller.identity,
      eventTime: timeText(START_MS + index * 200 + Math.floor(random() * 60_000)),
    },
    middle: { awsRegion: REGION, sourceIPAddress: `10.0.${Math.floor(random() * 16)}.${Math.floor(random() * 250)}`, userAgent: agent },
    tail: { eventType: 'AwsApiCall', managementEvent: true, recipientAccountId: ACCOUNT, eventCategory: 'Management' },
  }
}

function tls(host: string): object {
  return { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', clientProvidedHostHeader: host }
}

function kmsRecord(random: Random, world: World, index: number): object {
  const { caller, head, middle, tail } = envelope(random, world, index)
  const key = pick(random, caller.keys)
  const { service } = caller
  const operation =
    random() < 0.55 ? 'Decrypt' : pick(random, ['GenerateDataKey', 'GenerateDataKey', 'Encrypt', 'GenerateDataKeyWithoutPlaintext'])
  const object = `arn:aws:s3:::${pick(random, world.buckets)}/2026/10/part-${hex(random, 16)}.parquet`
  const failed = random() < 0.01
  return {
    ...head,
    ...(service === undefined ? {} : { userIdentity: { ...head.userIdentity, invokedBy: service } }),
    eventSource: 'kms.amazonaws.com',
    eventName: operation,
    ...middle,
    ...(service === undefined ? {} : { sourceIPAddress: service, userAgent: service }),
    ...(failed ? { errorCode: 'AccessDenied', errorMessage: 'User is not authorized to perform this operation on the resource' } : {}),
    requestParameters: {
      ...(operation === 'Decrypt' ? {} : { keyId: key }),
      ...(operation.startsWith('GenerateDataKey') ? { keySpec: 'AES_256' } : { encryptionAlgorithm: 'SYMMETRIC_DEFAULT' }),
      encryptionContext: { 'aws:s3:arn': object },
    },
    responseElements: null,
    requestID: uuid(random),
    eventID: uuid(random),
    readOnly: true,
    resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN: key }],
    ...tail,
    ...(service === undefined ? { tlsDetails: tls(`kms.${REGION}.amazonaws.com`) } : {}),
  }
}

function otherRecord(random: Random, world: World, index: number): object {
  const { head, middle, tail } = envelope(random, world, index)
  const bucket = pick(random, world.buckets)
  const [source, name] = pick(random, [
    ['s3.amazonaws.com', 'GetBucketLocation'],
    ['s3.amazonaws.com', 'GetBucketPolicyStatus'],
    ['sts.amazonaws.com', 'AssumeRole'],
    ['ec2.amazonaws.com', 'DescribeInstances'],
    ['ssm.amazonaws.com', 'GetParameter'],
  ] as const)
  return {
    ...head,
    eventSource: source,
    eventName: name,
    ...middle,
    requestParameters: { bucketName: bucket, maxResults: 100, filterSet: { items: [{ name: 'tag:team', value: `team-${index % 17}` }] } },
    responseElements: null,
    additionalEventData: {
      SignatureVersion: 'SigV4',
      bytesTransferredIn: 0,
      bytesTransferredOut: Math.floor(random() * 900),
      'x-amz-id-2': hex(random, 64),
    },
    requestID: hex(random, 16).toUpperCase(),
    eventID: uuid(random),
    readOnly: true,
    resources: [{ accountId: ACCOUNT, type: 'AWS::S3::Bucket', ARN: `arn:aws:s3:::${bucket}` }],
    ...tail,
    tlsDetails: tls(`${source.split('.')[0] ?? 's3'}.${REGION}.amazonaws.com`),
  }
}
