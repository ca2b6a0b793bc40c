import { expect, it } from 'vitest'
import { ownQueuePolicy, queuePolicyProblems } from '../../../shared/aws/facts/queue-policy.ts'

const QUEUE = 'arn:aws:sqs:eu-central-1:111122223333:keytrail-EnforceQueue'
const [AUDITS, SWEEPS, ANNOUNCES] = ['a', 'b', 'c'].map((name) => `arn:aws:iam::111122223333:role/${name}`) as [string, string, string]
const DEPLOYED = ownQueuePolicy(QUEUE, [], [AUDITS, SWEEPS])
const LACKS = 'it does not refuse what others than its own functions send'

it.each<[string, readonly string[], readonly string[]]>([
  ['as it was deployed, in another order', [SWEEPS, AUDITS], []],
  ['anybody', [], [LACKS]],
  ['one more role', [AUDITS, SWEEPS, ANNOUNCES], [LACKS, 'a statement without a name refuses more than was deployed']],
  ['one role less', [AUDITS], [LACKS, 'a statement without a name refuses more than was deployed']],
])('a queue that few may send to, found open to %s', (_, roles, problems) => {
  expect(queuePolicyProblems(ownQueuePolicy(QUEUE, [], roles), DEPLOYED)).toEqual(problems)
})
