import { setTimeout as pause } from 'node:timers/promises'
import { readCaller } from '../../shared/aws/caller.ts'
import { openChanges } from '../../shared/aws/changes/open-changes.ts'
import type { StackChanges } from '../../shared/aws/changes/stack-changes.ts'
import { stateText } from '../../shared/changes/meaning.ts'
import type { ChangeRecord } from '../../shared/changes/record.ts'
import { undoChange } from '../../shared/changes/undo.ts'
import { type Policy, readPolicy } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { epochS, type EpochS } from '../../shared/time.ts'
import type { RunReport } from '../../shared/workshop/run-report.ts'
import { LOCAL_CREDENTIALS } from '../clients.ts'
import type { LocalCloud } from '../cloud.ts'
import type { Audited } from './audit.ts'

const BUCKET_RULE = 's3-bucket-encryption-not-weakened'
/** The policy of a run: these two are put right, everything else is only reported. */
export const RUN_POLICY = Buffer.from(`rules:
  kms-key-rotation-enabled: { mode: enforce }
  ${BUCKET_RULE}: { mode: enforce }
`)

/** Changes as a person at the command line sees them, and takes them back. */
export type RunChanges = { readonly changes: StackChanges; readonly policy: Policy; readonly caller: string; now(): EpochS }

export async function openRunChanges(cloud: LocalCloud): Promise<RunChanges> {
  const now = (): EpochS => nowIn(cloud)
  const read = readPolicy(RUN_POLICY, { rules: ALL_RULES, now: now() })
  if (!read.ok) throw new Error('the policy of the run cannot be used')
  const access = { endpoint: cloud.url, region: cloud.region, credentials: LOCAL_CREDENTIALS, secure: cloud.secure }
  const caller = await readCaller(access)
  const changes = await openChanges(access, caller, { rules: ALL_RULES, policy: read.policy, newToken: () => crypto.randomUUID() })
  if (changes === null) throw new Error('the stack is not deployed in the local cloud')
  return { changes, policy: read.policy, caller: caller.arn, now }
}

function nowIn(cloud: LocalCloud): EpochS {
  const now = epochS(cloud.clock.nowMs())
  if (now === null) throw new Error('the local clock stands before 1970')
  return now
}

/** What was done to the bucket and the key that were weakened, for people; other keys of the run are only counted. */
export function shownChanges(changes: RunReport['changes'], { bucket, keyArn }: Audited): readonly string[] {
  const own = changes.filter(({ arn }) => arn === keyArn || arn.endsWith(`:${bucket}`))
  const others = changes.length - own.length
  return [
    ...own.map(({ ruleId, summary, before, after, state }) => `${ruleId}: ${summary} (${state}: ${before} → ${after})`),
    ...(others > 0
      ? [
          `and so did the rotation of ${others} other ${others === 1 ? 'key' : 'keys'} of this run, as soon as ${others === 1 ? 'it was' : 'they were'} made`,
        ]
      : []),
  ]
}

/** All changes so far, the oldest first. */
export async function readChanges({ changes }: RunChanges): Promise<RunReport['changes']> {
  const records: ChangeRecord[] = []
  for await (const record of changes.store.newestFirst()) records.push(record)
  return records.toReversed().map(({ id, ruleId, resource, summary, before, after, state, by, undoes }) => ({
    id,
    ruleId,
    arn: resource.arn,
    summary,
    before: stateText(before),
    after: stateText(after),
    state,
    by,
    undoes,
  }))
}

/** A person takes back what was done to the bucket. */
export async function undoBucketChange(run: RunChanges, { bucket }: Audited): Promise<void> {
  const { changes, policy, caller, now } = run
  const record = (await readChanges(run)).find(
    ({ ruleId, arn, state }) => ruleId === BUCKET_RULE && arn.endsWith(`:${bucket}`) && state === 'done',
  )
  if (record === undefined) throw new Error(`nothing was done to the bucket ${bucket}`)
  const ports = changes.changePorts({ now, pause, perHourMax: policy.changes.perHourMax })
  const outcome = await undoChange(record.id, { by: caller }, { ...ports, policyDigest: policy.digest })
  if (outcome.kind !== 'undone') throw new Error(`the change ${record.id} was not taken back: ${outcome.kind}`)
}

/** Titles of the mails that told of changes or of retirements so far, the oldest first. */
export function noticesIn(cloud: LocalCloud): readonly string[] {
  return cloud
    .mail()
    .filter(({ body }) => body.includes('\n  Notice: '))
    .map(({ subject }) => subject)
    .toReversed()
}
