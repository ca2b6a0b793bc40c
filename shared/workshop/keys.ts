import { make, needed } from './make.ts'
import { ENTRY_TAG, type Entry, tagsOf } from './registry.ts'
import type { Stage } from './stage.ts'
import { aliasOf } from './use-case.ts'

/** A KMS key for this run. Without a policy: that of AWS, by which IAM decides. */
export function makeKey(stage: Stage, purpose: string, policy?: string): Promise<string> {
  return make(stage, {
    kind: 'kms-key',
    name: () => '',
    async make(planned) {
      const { keyArn, isOnlyOne } = await stage.aws.kms.createKey({
        description: `Keytrail workshop ${stage.useCase}: ${purpose}`,
        tags: tagsOf(planned),
        ...(policy === undefined ? {} : { policy }),
      })
      return isOnlyOne ? keyArn : { oneOf: keyArn }
    },
  })
}

/** The alias of the use case. @throws WorkshopObstacle if it stands for something already */
export function makeAlias(stage: Stage, keyArn: string): Promise<string> {
  const aliasName = aliasOf(stage.useCase)
  return make(stage, {
    kind: 'kms-alias',
    keyArn,
    name: () => aliasName,
    async make() {
      needed(
        `${aliasName} cannot be made (an alias of that name which Keytrail did not make has to be deleted first)`,
        await stage.aws.kms.createAlias(aliasName, keyArn),
      )
      return aliasName
    },
  })
}

/** How far the clock here and AWS's may differ: nobody can sign with more. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
const CLOCKS_APART_S = 300

/** Keys that carry the entry's tag, are no older than it and in no other entry: a run broke off before it could note them. */
export async function unnotedKeys(stage: Stage, entry: Entry): Promise<readonly string[]> {
  const noted = new Set((await stage.registry.entries(stage.useCase)).map(({ name }) => name))
  const own: string[] = []
  for (const keyArn of await stage.aws.kms.keysTagged(ENTRY_TAG, entry.id)) {
    const standing = await stage.aws.kms.standing(keyArn)
    if (standing !== null && standing.createdAt >= entry.plannedAt - CLOCKS_APART_S && !noted.has(keyArn)) own.push(keyArn)
  }
  return own
}
