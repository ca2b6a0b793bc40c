import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { CreateAliasCommand, CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { OWN_FUNCTIONS } from '../../../shared/aws/facts/own-stack.ts'
import { FACT_ACTIONS, type ResourceKind } from '../../../shared/rules/facts.ts'
import { type FactGround, openFactGround, START_MS_MAX, unreadOf } from './fact-ground.ts'

const accountId = '000000000000'
const NOTES = 'dynamodb:PutItem'
const REFUSED = { status: 400, code: 'AccessDeniedException' }

let ground: FactGround
const arns: Partial<Record<ResourceKind, string>> = {}

beforeAll(async () => {
  ground = await openFactGround()
  const { kms, s3, cloudFormation } = ground.cloud.clients
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/noted', TargetKeyId: KeyMetadata?.KeyId }))
  await s3.send(new CreateBucketCommand({ Bucket: 'noted' }))
  const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: 'keytrail' }))
  Object.assign(arns, {
    kms_key: KeyMetadata?.Arn,
    s3_bucket: 'arn:aws:s3:::noted',
    cloudtrail_trail: `arn:aws:cloudtrail:${ground.cloud.region}:${accountId}:trail/keytrail`,
    aws_account: `arn:aws:iam::${accountId}:root`,
    keytrail_stack: stack?.StackId,
  })
  ground.functions = OWN_FUNCTIONS.map(({ name }) => ({
    name,
    arn: `arn:aws:lambda:${ground.cloud.region}:${accountId}:function:${name}`,
    code: Buffer.from(name),
    memoryMb: 512,
    timeoutMs: 1000,
    modifiedMs: 0,
    reservedConcurrency: null,
    mappings: [],
  }))
}, START_MS_MAX)
afterAll(() => ground.close())

it.each(Object.keys(FACT_ACTIONS) as readonly ResourceKind[])(
  'facts of a %s are unread where what is seen may not be noted',
  async (kind) => {
    const resource = { kind, arn: arns[kind] ?? '', accountId, region: ground.cloud.region }
    const noting = Object.entries(FACT_ACTIONS[kind]).filter(([, actions]) => (actions as readonly string[]).includes(NOTES))
    ground.faultOf = (operation) => (operation === 'PutItem' ? REFUSED : null)
    const refused = Object.fromEntries(noting.map(([fact]) => [fact, `${NOTES} denied ${REFUSED.code}`]))
    expect(unreadOf(await ground.read(resource))).toEqual(refused)
    ground.faultOf = () => null
    expect(unreadOf(await ground.read(resource))).toEqual({})
  },
)
