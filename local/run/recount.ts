import { isJsonObject, memberOf } from '../../shared/json.ts'
import type { EpochS } from '../../shared/time.ts'
import { createUsageReader } from '../../shared/usage/usage-reader.ts'
import { createUseLedger, type UseTally } from '../../shared/usage/use-ledger.ts'

/** What `keytrail usage` counts in these records of these accounts. */
export function recount(
  records: readonly unknown[],
  options: { readonly audited: readonly string[]; readonly since: EpochS; readonly until: EpochS },
): readonly UseTally[] {
  const { audited, since, until } = options
  const reader = createUsageReader({ since, until })
  for (const record of records) {
    const account = isJsonObject(record) ? memberOf(record, 'recipientAccountId') : undefined
    if (typeof account === 'string' && !audited.includes(account)) continue
    reader.feed(Buffer.from(`${JSON.stringify(record)}\n`))
  }
  const ledger = createUseLedger()
  ledger.add(reader.finish().uses)
  return ledger.tally({ byHour: true }).tallies
}
