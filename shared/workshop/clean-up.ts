import { unnotedKeys } from './keys.ts'
import { refusalText } from './make.ts'
import type { Tried } from '../tried.ts'
import { ENTRY_KINDS, type Entry } from './registry.ts'
import type { Stage } from './stage.ts'

/** What became of an entry. `left`: it stands, for the reason told. */
export type CleanedUp = { readonly entry: Entry; readonly outcome: string; readonly isLeft: boolean }

/** The shortest that KMS allows. https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html */
const PENDING_WINDOW_DAYS = 7
const LISTED_AFTER_S = 60
const STEP_MS = 5000

type Done = { readonly outcome: string; readonly isLeft?: boolean }

/**
 * Takes away what the caller's runs of a use case made: what depends on keys first, keys last, and those are scheduled. What cannot be taken
 * away stays registered and stops nothing else.
 */
export async function cleanUp(stage: Stage): Promise<readonly CleanedUp[]> {
  await nameKeys(stage)
  const standing = await standingEntries(stage)
  const results: CleanedUp[] = []
  for (const entry of standing.toSorted(byKindAndName)) {
    results.push(await cleanUpOne(stage, entry))
  }
  if (results.every(({ isLeft }) => !isLeft)) await stage.registry.writeFacts(stage.useCase, null)
  return results
}

function byKindAndName(one: Entry, other: Entry): number {
  return ENTRY_KINDS.indexOf(one.kind) - ENTRY_KINDS.indexOf(other.kind) || (one.name < other.name ? -1 : 1)
}

async function standingEntries(stage: Stage): Promise<readonly Entry[]> {
  return (await stage.registry.entries(stage.useCase)).filter(({ state }) => state !== 'retired')
}

/** A run that broke off, or got no answer at first, may have made keys that it could not note. */
async function nameKeys(stage: Stage): Promise<void> {
  for (const entry of await standingEntries(stage)) {
    if (entry.kind !== 'kms-key' || entry.name !== '' || entry.owner !== stage.caller.arn) continue
    // KMS may not list a new key at once. https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
    for (let now = await stage.time.now(); now < entry.plannedAt + LISTED_AFTER_S; now = await stage.time.now()) {
      stage.tell({
        kind: 'waiting',
        what: 'KMS to list a key that the run may have made and could not note',
        usual: 'seconds',
        soFarS: now - entry.plannedAt,
      })
      await stage.time.pass(STEP_MS)
    }
    // More than one: a call whose answer was lost on the way was made again.
    for (const keyArn of await unnotedKeys(stage, entry))
      await stage.registry.write({ ...entry, id: stage.newId(), name: keyArn, state: 'made' })
    await stage.registry.write({ ...entry, state: 'retired', outcome: 'has entries of its own, if it was made' })
  }
}

async function cleanUpOne(stage: Stage, entry: Entry): Promise<CleanedUp> {
  if (entry.owner !== stage.caller.arn) return { entry, outcome: `belongs to ${entry.owner}`, isLeft: true }
  const { outcome, isLeft = false } = await removed(stage, entry)
  if (!isLeft) await stage.registry.write({ ...entry, state: 'retired', outcome })
  return { entry, outcome, isLeft }
}

async function removed(stage: Stage, entry: Entry): Promise<Done> {
  const { kms, s3, roles, training } = stage.aws
  const { name, keyArn } = entry
  switch (entry.kind) {
    case 'kms-grant': {
      for (const grantId of await kms.grantsNamed(keyArn, name)) {
        const revoked = await kms.revokeGrant(keyArn, grantId)
        if (!revoked.ok && revoked.code !== 'NotFoundException') return left(revoked)
      }
      return { outcome: 'revoked, or retired before' }
    }
    case 's3-object': {
      const slash = name.indexOf('/')
      return doneOf(await s3.deleteObject({ bucket: name.slice(0, slash), key: name.slice(slash + 1) }), ['NoSuchBucket', 'NoSuchKey'])
    }
    case 's3-bucket': {
      const gone = await s3.deleteBucket(name)
      if (!gone.ok && gone.code === 'BucketNotEmpty') {
        return { outcome: 'left: it holds objects that the use case did not put there', isLeft: true }
      }
      return doneOf(gone, ['NoSuchBucket'])
    }
    case 'kms-alias': {
      const target = await kms.standing(name)
      if (target !== null && target.keyArn !== keyArn) return { outcome: `left alone: somebody pointed it to ${target.keyArn}` }
      return doneOf(await kms.deleteAlias(name), ['NotFoundException'])
    }
    case 'iam-role':
      return doneOf(await roles.remove(name), ['NoSuchEntityException', 'NoSuchEntity'])
    case 'training-job':
      // A job that has ended stays in SageMaker's list: there is no call that deletes it.
      return doneOf(await training.stop(name), ['ValidationException', 'ResourceNotFound'], 'stopped')
    case 'file':
      return removedFile(stage, name)
    case 'kms-key':
      return scheduled(stage, name)
  }
}

function removedFile(stage: Stage, path: string): Done {
  const { folder } = stage.files
  if (!path.startsWith(`${folder}/`)) return { outcome: `left: it is not in ${folder}; clean up where it was made`, isLeft: true }
  switch (stage.files.remove(path.slice(folder.length + 1))) {
    case 'removed':
      return { outcome: 'deleted' }
    case 'missing':
      return { outcome: 'was gone already' }
    case 'not-made-here':
      return { outcome: 'left alone: the run did not make it' }
    case 'changed':
      return { outcome: 'left alone: somebody changed it' }
  }
}

async function scheduled(stage: Stage, keyArn: string): Promise<Done> {
  const { kms } = stage.aws
  const standing = await kms.standing(keyArn)
  if (standing === null) return { outcome: 'was gone already' }
  if (standing.state === 'PendingDeletion' || standing.state === 'PendingReplicaDeletion')
    return { outcome: 'waits for its deletion already' }
  const deletion = await kms.scheduleDeletion(keyArn, PENDING_WINDOW_DAYS)
  if (!deletion.ok) return left(deletion)
  const day = deletion.value === null ? '' : `on ${new Date(1000 * deletion.value).toISOString().slice(0, 10)}; `
  return { outcome: `will be deleted ${day}until then kms cancel-key-deletion takes it back` }
}

function doneOf(tried: Tried<unknown>, goneCodes: readonly string[], outcome = 'deleted'): Done {
  if (tried.ok) return { outcome }
  return goneCodes.includes(tried.code) ? { outcome: 'was gone already' } : left(tried)
}

function left(refusal: Tried<unknown> & { readonly ok: false }): Done {
  return { outcome: `left: ${refusalText(refusal)}`, isLeft: true }
}
