import { createHash } from 'node:crypto'
import type { Resource } from '../rules/rule.ts'
import type { WritePorts } from './change-ports.ts'
import type { Claim } from './control.ts'

/** All that one change does, each call tried again as often as the SDK does, takes less. */
const CLAIM_S = 300

/** Runs while nobody else changes this resource: what is counted and compared stands still. */
export async function claimed<Result>(
  resource: Resource,
  { control, now }: Pick<WritePorts, 'control' | 'now'>,
  run: (claim: Claim) => Promise<Result>,
): Promise<Result | { readonly kind: 'busy' }> {
  const claim = await control.claim(claimName(resource), now(), CLAIM_S)
  if (claim === null) return { kind: 'busy' }
  try {
    return await run(claim)
  } finally {
    // What became of the change counts, also where the claim cannot be given back: it ends by itself.
    await control.release(claim).catch(() => undefined)
  }
}

/** Of one length, however long an ARN is. */
function claimName({ accountId, region, arn }: Resource): string {
  return `change-${createHash('sha256')
    .update(JSON.stringify([accountId, region, arn]))
    .digest('hex')
    .slice(0, 32)}`
}
