import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-cloudwatch-events'
import {
  DeleteEventSourceMappingCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda'
import { DeleteQueueCommand, GetQueueAttributesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOCAL_CREDENTIALS } from '../../local/clients.ts'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { type OpenAudit, openAudit } from '../../shared/aws/audit-on-aws.ts'
import { readCaller } from '../../shared/aws/caller.ts'
import { createFactClients } from '../../shared/aws/facts/clients.ts'
import { OWN_FUNCTIONS, OWN_QUEUES, OWN_ROLES, OWN_RULES } from '../../shared/aws/facts/own-stack.ts'
import { createFactReader } from '../../shared/aws/facts/read-facts.ts'
import { createSeenTable } from '../../shared/aws/facts/seen-table.ts'
import { createTable } from '../../shared/aws/table.ts'
import { auditResource } from '../../shared/rules/audit.ts'
import { DEFAULT_EXPECTATIONS } from '../../shared/rules/expectations.ts'
import { keytrailNotTamperedWith } from '../../shared/rules/keytrail/not-tampered-with.ts'
import type { Resource } from '../../shared/rules/rule.ts'
import type { Verdict } from '../../shared/rules/verdict.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import { type Ended, type Folder, keytrail, temporaryFolder } from '../support/cli.ts'
import { refOf, startCloud, type WatchedCloud } from '../support/local-cloud.ts'
import { createMemoryUsageStore } from '../support/memory-usage-store.ts'

const RULE = 'keytrail-not-tampered-with'
const COUNTS = 'keytrail-count-key-usage'
const KEY_USAGE = 'keytrail-key-usage'

let cloud: WatchedCloud
let access: AwsAccess
let lambda: LambdaClient
let folder: Folder
let opened: OpenAudit
let stack: Resource

beforeAll(async () => {
  cloud = await startCloud()
  access = { endpoint: cloud.url, region: cloud.region, credentials: LOCAL_CREDENTIALS }
  lambda = new LambdaClient(access)
  folder = temporaryFolder()
  folder.write('.keytrail/endpoint.json', JSON.stringify({ url: cloud.url, region: cloud.region, now: '' }))
  opened = await openAudit(access, await readCaller(access), now())
  stack = await firstOf(opened.list('keytrail_stack'))
}, 60_000)
afterAll(async () => {
  opened.close()
  lambda.destroy()
  folder[Symbol.dispose]()
  await cloud.close()
})

const now = (): EpochS => epochS(cloud.clock.nowMs()) ?? (0 as EpochS)
const audit = (): Promise<Ended> => keytrail(['audit', '--kind', 'keytrail_stack'], { cwd: folder.path })

/** As `keytrail audit` reads it. */
async function verdict(): Promise<Verdict | undefined> {
  const surroundings = { resource: stack, now: now(), expectations: DEFAULT_EXPECTATIONS }
  const judged = await auditResource([keytrailNotTamperedWith], opened.reader, surroundings)
  return judged.kind === 'judged' ? judged.judgements[0]?.verdict : undefined
}

async function firstOf(pages: AsyncIterable<{ readonly resources: readonly Resource[] }>): Promise<Resource> {
  for await (const { resources } of pages) for (const resource of resources) return resource
  throw new Error('there is no stack')
}

/** As the sweep of the stack does, which takes the code that it sees first for what was deployed. */
async function noteCode(): Promise<void> {
  const clients = createFactClients(access, { quotaShare: 1000 })
  const reader = createFactReader({
    clients,
    usage: createMemoryUsageStore(),
    seen: createSeenTable(createTable(cloud.clients.dynamodb, refOf(cloud, 'FindingsTable'))),
    ownStack: {
      rules: OWN_RULES,
      queues: OWN_QUEUES,
      functions: OWN_FUNCTIONS,
      queueUrls: new Map(OWN_QUEUES.map(({ logicalId }) => [logicalId, refOf(cloud, logicalId)])),
      roleNames: new Map(OWN_ROLES.map((logicalId) => [logicalId, refOf(cloud, logicalId)])),
    },
    now: now(),
    extent: 'sweep',
    madeAt: null,
  })
  expect(await reader(stack)(['functions'])).toEqual({ functions: { known: true, value: [] } })
  clients.destroy()
}

type Tampering = { readonly reason: string; readonly tamper: () => Promise<unknown> }

const queueUrl = (): string => refOf(cloud, 'KeyUsageQueue')
const kept = { policy: '', mappingId: '' }

async function putPolicy(policy: (own: string) => string): Promise<void> {
  const { sqs } = cloud.clients
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl(), AttributeNames: ['Policy'] }))
  kept.policy ||= Attributes?.['Policy'] ?? ''
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl(), Attributes: { Policy: policy(kept.policy) } }))
}

async function mappingOf(name: string): Promise<string> {
  const { EventSourceMappings: [found] = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: name }))
  return found?.UUID ?? ''
}

const everybody = (policy: string): string => {
  const { Statement: statements, ...rest } = JSON.parse(policy) as { readonly Statement: readonly object[] }
  const anyone = { Sid: 'Anyone', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }
  return JSON.stringify({ ...rest, Statement: [...statements, anyone] })
}

const PASSING: Readonly<Record<string, Tampering & { readonly undo: () => Promise<unknown> }>> = {
  'a rule disabled': {
    reason: 'rule keytrail-audit-s3: its state is DISABLED, not ENABLED',
    tamper: () => cloud.clients.events.send(new DisableRuleCommand({ Name: 'keytrail-audit-s3' })),
    undo: () => cloud.clients.events.send(new EnableRuleCommand({ Name: 'keytrail-audit-s3' })),
  },
  'a rule narrowed': {
    reason: `rule keytrail-audit-kms: its pattern is not the one that was deployed`,
    async tamper() {
      const { EventPattern = '' } = await cloud.clients.events.send(new DescribeRuleCommand({ Name: 'keytrail-audit-kms' }))
      kept.policy = EventPattern
      const pattern = { ...(JSON.parse(EventPattern) as object), account: ['111122223333'] }
      await cloud.clients.events.send(new PutRuleCommand({ Name: 'keytrail-audit-kms', EventPattern: JSON.stringify(pattern) }))
    },
    async undo() {
      await cloud.clients.events.send(new PutRuleCommand({ Name: 'keytrail-audit-kms', EventPattern: kept.policy }))
      kept.policy = ''
    },
  },
  'a target removed': {
    reason: `rule ${KEY_USAGE}: it does not feed arn:aws:sqs:`,
    tamper: () => cloud.clients.events.send(new RemoveTargetsCommand({ Rule: KEY_USAGE, Ids: ['key-usage-queue'] })),
    undo: () =>
      cloud.clients.events.send(
        new PutTargetsCommand({
          Rule: KEY_USAGE,
          Targets: [{ Id: 'key-usage-queue', Arn: cloud.made.get('KeyUsageQueue')?.attributes?.['Arn'] ?? '' }],
        }),
      ),
  },
  'a queue opened': {
    reason: 'policy of queue KeyUsageQueue: the statement Anyone lets others in',
    tamper: () => putPolicy(everybody),
    undo: () => putPolicy((own) => own),
  },
  'a policy taken away': {
    reason: 'policy of queue KeyUsageQueue: it does not let its own rule send',
    tamper: () => putPolicy(() => ''),
    undo: () => putPolicy((own) => own),
  },
  'a mapping disabled': {
    reason: `function ${COUNTS}: Lambda does not read its queue`,
    async tamper() {
      kept.mappingId = await mappingOf(COUNTS)
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID: kept.mappingId, Enabled: false }))
    },
    undo: () => lambda.send(new UpdateEventSourceMappingCommand({ UUID: kept.mappingId, Enabled: true })),
  },
  'a function stopped': {
    reason: `function ${COUNTS}: it may not run: its reserved concurrency is 0`,
    tamper: () => lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: COUNTS, ReservedConcurrentExecutions: 0 })),
    undo: () => lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: COUNTS, ReservedConcurrentExecutions: 5 })),
  },
  'code replaced': {
    reason: `function ${COUNTS}: its code was changed, and the stack was not`,
    tamper: () => lambda.send(new UpdateFunctionCodeCommand({ FunctionName: COUNTS, ZipFile: Buffer.from('counts nothing') })),
    undo() {
      const ZipFile = readFileSync(new URL('../../functions/count-key-usage.ts', import.meta.url))
      return lambda.send(new UpdateFunctionCodeCommand({ FunctionName: COUNTS, ZipFile }))
    },
  },
}

/** What nothing puts right but another deployment. */
const LASTING: Readonly<Record<string, Tampering>> = {
  'a queue deleted': {
    reason: 'policy of queue AnnounceDeadLetterQueue: it is not there',
    tamper: () => cloud.clients.sqs.send(new DeleteQueueCommand({ QueueUrl: refOf(cloud, 'AnnounceDeadLetterQueue') })),
  },
  'a mapping deleted': {
    reason: 'function keytrail-announce: Lambda does not read its queue',
    tamper: async () => lambda.send(new DeleteEventSourceMappingCommand({ UUID: await mappingOf('keytrail-announce') })),
  },
}

describe("Keytrail's own stack in a fresh local cloud", () => {
  it('stands as it was deployed, and nothing of it is unread', async () => {
    const { code, stdout, stderr } = await audit()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('0 failing, 0 unknown, 0 exempt, 1 passing, 0 not applicable.')
    await noteCode()
    expect(await verdict()).toEqual({ kind: 'pass' })
  })

  it.each(Object.entries(PASSING))('fails after %s, and for nothing else', async (_, { reason, tamper, undo }) => {
    await tamper()
    const told = await verdict()
    await undo()
    expect(told).toMatchObject({ kind: 'fail', reason: expect.stringContaining(reason) as unknown })
    expect(told?.kind === 'fail' ? told.reason.match(/rule keytrail|policy of queue|function keytrail/g) : []).toHaveLength(1)
  })

  it('stands as before once that was undone', async () => {
    expect(await verdict()).toEqual({ kind: 'pass' })
  })

  it.each(Object.entries(LASTING))('fails after %s', async (_, { reason, tamper }) => {
    await tamper()
    expect(await verdict()).toMatchObject({ kind: 'fail', reason: expect.stringContaining(reason) as unknown })
  })

  it('is told by the command, which ends with 1', async () => {
    const { code, stdout } = await audit()
    expect(code).toBe(1)
    expect(stdout).toContain(RULE)
    expect(stdout).toContain('function keytrail-announce: Lambda does not read its queue')
    expect(cloud.faults).toEqual([])
  })
})
