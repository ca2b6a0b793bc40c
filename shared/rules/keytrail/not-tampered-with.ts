import { unread } from '../../observed.ts'
import { cappedText } from '../../text.ts'
import type { StackFacts } from '../facts.ts'
import { listed } from '../listed.ts'
import { defineRule } from '../rule.ts'
import { fail, pass, untold } from '../verdict.ts'

const NAME_BYTES_MAX = 64
const PROBLEM_BYTES_MAX = 160
/** A line of an e-mail. */
const REASON_BYTES_MAX = 480

type Part = StackFacts['rules'][number]

/** Who wants to go unseen turns the auditor off first. */
export const keytrailNotTamperedWith = defineRule({
  id: 'keytrail-not-tampered-with',
  title: 'Keytrail stands as it was deployed',
  severity: 'critical',
  resource: 'keytrail_stack',
  controls: [],
  source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html',
  watches: [
    {
      source: 'events.amazonaws.com',
      names: ['DeleteRule', 'DisableRule', 'EnableRule', 'PutRule', 'PutTargets', 'RemoveTargets'],
    },
    { source: 'sqs.amazonaws.com', names: ['AddPermission', 'DeleteQueue', 'RemovePermission', 'SetQueueAttributes'] },
    {
      source: 'lambda.amazonaws.com',
      names: [
        'DeleteEventSourceMapping20150331',
        'DeleteFunction20150331',
        'PutFunctionConcurrency20171031',
        'UpdateEventSourceMapping20150331',
        'UpdateFunctionCode20150331v2',
        'UpdateFunctionConfiguration20150331v2',
      ],
    },
  ],
  advice:
    'Find in CloudTrail who changed it. Then deploy the stack again, which puts rules, queues and functions back, and look at what was missed.',
  scope: {
    facts: ['status'],
    outOfScope: ['stacks that are planned and not made yet, and stacks that are being deleted'],
    exclude: ({ status }) => (['REVIEW_IN_PROGRESS', 'DELETE_IN_PROGRESS'].includes(status) ? `the stack status is ${status}` : null),
  },
  facts: ['rules', 'queuePolicies', 'functions'],
  evaluate({ status, rules, queuePolicies, functions }) {
    // What is deployed changes just now: nothing to compare with. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    if (status.endsWith('_IN_PROGRESS')) return untold(unread('cloudformation:DescribeStacks', 'failed', 'StackIsChanging'))
    const changed = [...toldOf('rule', rules), ...toldOf('policy of queue', queuePolicies), ...toldOf('function', functions)]
    return changed.length === 0 ? pass : fail(cappedText(listed(changed), REASON_BYTES_MAX))
  },
})

function toldOf(word: string, parts: readonly Part[]): readonly string[] {
  return parts
    .filter(({ problems }) => problems.length > 0)
    .map(({ name, problems }) => {
      const told = listed(problems.map((problem) => cappedText(problem, PROBLEM_BYTES_MAX)))
      return `${word} ${cappedText(name, NAME_BYTES_MAX)}: ${told}`
    })
}
