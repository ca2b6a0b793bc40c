import { afterEach, expect, it } from 'vitest'
import { createFactClients } from '../../../shared/aws/facts/clients.ts'
import { functionProblems } from '../../../shared/aws/facts/function-facts.ts'
import { NOWHERE } from '../../../shared/aws/facts/nowhere.ts'
import type { SeenCode } from '../../../shared/aws/facts/seen-store.ts'
import type { EpochS } from '../../../shared/time.ts'
import { type Answering, answering } from './answering.ts'

const QUEUE = 'arn:aws:sqs:eu-central-1:111122223333:keytrail-AuditQueue'
const OWN = { logicalId: 'SweepLambdaFunction', name: 'keytrail-sweep', reads: [] }
const CONFIGURED = {
  FunctionName: 'keytrail-sweep',
  Runtime: 'nodejs24.x',
  Role: 'arn:aws:iam::111122223333:role/keytrail-SweepRole',
  Handler: 'index.handler',
  CodeSha256: 'hj5YgBXn',
  CodeSize: 100,
  Timeout: 600,
  MemorySize: 512,
  LastModified: '2026-10-20T06:00:00.000+0000',
  RevisionId: 'one',
  State: 'Active',
  LastUpdateStatus: 'Successful',
  Environment: { Variables: { FINDINGS_TABLE: 'findings', AUDIT_QUEUE: 'queue' } },
  Layers: [{ Arn: 'arn:aws:lambda:eu-central-1:017000801446:layer:Powertools:1', CodeSize: 1 }],
}
const MAPPING = { UUID: 'm', EventSourceArn: QUEUE, State: 'Enabled' }

let aws: Answering
afterEach(() => aws.close())

/** What is wrong with the function as it stands second, after it was seen as `CONFIGURED`. */
async function problemsOf(configured: object, mapping: object = MAPPING): Promise<unknown> {
  const found = { configured: CONFIGURED as object }
  aws = await answering(({ path }) => {
    const body = path.endsWith('/configuration')
      ? found.configured
      : path.endsWith('/concurrency')
        ? {}
        : { EventSourceMappings: [mapping] }
    return { type: 'application/json', body: JSON.stringify(body) }
  })
  const clients = createFactClients(aws.access, { attemptsMax: 1, quotaShare: 1000 })
  const known: SeenCode[] = []
  const seen = { ...NOWHERE.seen, noteCode: async (_stack: string, code: SeenCode) => void known.push(code) }
  const reading = { client: clients.lambda('eu-central-1'), seen, stackArn: 'stack', changedAt: 10 as EpochS, known }
  await functionProblems(reading, OWN, [QUEUE])
  found.configured = configured
  const problems = await functionProblems(reading, OWN, [QUEUE])
  clients.destroy()
  return typeof problems === 'string' || !problems.known ? problems : problems.value
}

const RECONFIGURED = ['its configuration was changed, and the stack was not']
it.each<readonly [title: string, changes: object, problems: readonly string[]]>([
  ['nothing', {}, []],
  ['code', { CodeSha256: 'another', CodeSize: 101 }, ['its code was changed, and the stack was not']],
  ['handler', { Handler: 'other.handler' }, RECONFIGURED],
  ['role', { Role: 'arn:aws:iam::111122223333:role/admin' }, RECONFIGURED],
  ['timeout', { Timeout: 1 }, RECONFIGURED],
  ['environment', { Environment: { Variables: { ...CONFIGURED.Environment.Variables, AUDIT_QUEUE: 'another' } } }, RECONFIGURED],
  ['a layer', { Layers: [...CONFIGURED.Layers, { Arn: 'arn:aws:lambda:eu-central-1:999988887777:layer:x:1' }] }, RECONFIGURED],
  ['no layers', { Layers: undefined }, RECONFIGURED],
  ['order alone', { Environment: { Variables: { AUDIT_QUEUE: 'queue', FINDINGS_TABLE: 'findings' } } }, []],
  [
    'what passes',
    {
      LastModified: '2026-10-21T06:00:00.000+0000',
      RevisionId: 'two',
      State: 'Inactive',
      StateReason: 'it was not used',
      StateReasonCode: 'Idle',
      LastUpdateStatus: 'InProgress',
      RuntimeVersionConfig: { RuntimeVersionArn: 'arn:aws:lambda:eu-central-1::runtime:2' },
    },
    [],
  ],
])('a function whose change is: %s', async (_title, changes, problems) => {
  expect(await problemsOf({ ...CONFIGURED, ...changes })).toEqual(problems)
})

it('whose environment may not be seen is unread', async () => {
  const Environment = { Error: { ErrorCode: 'AccessDeniedException', Message: 'no' } }
  expect(await problemsOf({ ...CONFIGURED, Environment })).toMatchObject({ action: 'lambda:GetFunctionConfiguration', because: 'failed' })
})

it('that reads its queue through a filter misses what it does not let through', async () => {
  const FilterCriteria = { Filters: [{ Pattern: '{"body":["none"]}' }] }
  expect(await problemsOf(CONFIGURED, { ...MAPPING, FilterCriteria })).toEqual([
    `Lambda reads of its queue ${QUEUE} what a filter lets through`,
  ])
  await aws.close()
  expect(await problemsOf(CONFIGURED, { ...MAPPING, FilterCriteria: { Filters: [] } })).toEqual([])
})
