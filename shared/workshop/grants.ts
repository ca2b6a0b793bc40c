import { make, needed } from './make.ts'
import type { GrantRequest } from './ports.ts'
import type { Stage } from './stage.ts'
import { whenInEffect } from './taking-effect.ts'
import { ownName } from './things.ts'

/** A grant that was made, and what lets it be used at once. */
export type MadeGrant = { readonly name: string; readonly grantId: string; readonly grantToken: string }

/** A grant for this run, of a name of its own. */
export async function makeGrant(stage: Stage, terms: Omit<GrantRequest, 'name'>): Promise<MadeGrant> {
  let given = { grantId: '', grantToken: '' }
  const name = await make(stage, {
    kind: 'kms-grant',
    keyArn: terms.keyArn,
    name: (id) => ownName(stage, id),
    async make(planned) {
      const seen = await whenInEffect(
        stage,
        'KMS to know the role',
        () => stage.aws.kms.createGrant({ ...terms, name: planned.name }),
        // What KMS says of a role that it has not heard of yet. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
        (tried) => tried.ok || tried.code !== 'InvalidArnException',
      )
      given = needed(`the grant ${planned.name} cannot be made`, seen.last)
      return planned.name
    },
  })
  return { name, ...given }
}
