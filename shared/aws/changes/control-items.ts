import type { Claim, Control, Stop } from '../../changes/control.ts'
import { DAY_S, type EpochS, HOUR_S, hourText } from '../../time.ts'
import { type ControlTable, itemAt, numberAttribute, textAttribute } from '../table.ts'
import { kept, ownItem, valueIn } from './own-item.ts'

const CONTROL = 'control'
const STOP = 'stop'
const CLAIM = 'claim'
const POLICY = 'policy'
const IN_FORCE = 'in-force'
/** So long after they are over, claims and budgets go by themselves. */
const OVER_S = DAY_S

type InForce = { readonly digest: string; readonly since: EpochS; readonly seenAt: EpochS }

/**
 * What holds runs back, in the control table. Partition and sort keys by kind of item:
 * `control` `stop` · `claim` `<name>` · `budget#<budget>` `<hour>` · `policy` `in-force`
 *
 * What is in force has a partition of its own: the function that enforces notes it, and may not write what stops it.
 */
export function createControlItems(table: ControlTable, newToken: () => string): Control {
  return {
    async stop() {
      const item = await itemAt(table, CONTROL, STOP)
      return item === null ? null : (valueIn(item, 'reason') as Stop)
    },
    async setStop(stop) {
      if (stop === null) await table.remove(CONTROL, STOP)
      else await table.put(ownItem({ pk: CONTROL, sk: STOP, value: stop, token: newToken() }))
    },
    async claim(name, now, forS) {
      const claim: Claim = { name, token: newToken(), until: (now + forS) as EpochS }
      const item = {
        ...ownItem({ pk: CLAIM, sk: name, value: claim, token: claim.token }),
        overAt: numberAttribute(claim.until),
        expiresAt: numberAttribute(claim.until + OVER_S),
      }
      const written = await kept(table, item, {
        ConditionExpression: 'attribute_not_exists(pk) OR overAt <= :now',
        ExpressionAttributeValues: { ':now': numberAttribute(now) },
      })
      return written === 'written' ? claim : null
    },
    async release({ name, token }) {
      await table.remove(CLAIM, name, {
        ConditionExpression: '#token = :token',
        // A reserved word.
        ExpressionAttributeNames: { '#token': 'token' },
        ExpressionAttributeValues: { ':token': textAttribute(token) },
      })
    },
    spend(budget, now, max) {
      const hour = (now - (now % HOUR_S)) as EpochS
      return table.take(`budget#${budget}`, hourText(hour), { max, expiresAt: hour + HOUR_S + OVER_S })
    },
    async policySince(digest, now) {
      const item = await itemAt(table, POLICY, IN_FORCE)
      const there = item === null ? null : (valueIn(item, 'digest') as InForce)
      // When it was deployed nobody tells: since another one was seen at the earliest, so that no undo in between is overlooked.
      const since = there === null ? (0 as EpochS) : there.digest === digest ? there.since : there.seenAt
      const inForce: InForce = { digest, since, seenAt: now }
      await table.put(ownItem({ pk: POLICY, sk: IN_FORCE, value: inForce, token: newToken() }))
      return since
    },
  }
}
