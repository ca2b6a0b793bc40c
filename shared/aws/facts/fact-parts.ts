import type { FactName, FactsOf, ResourceKind } from '../../rules/facts.ts'
import type { EpochS } from '../../time.ts'
import type { StoredUsage } from '../../usage/usage-store.ts'
import type { Asked } from './asked.ts'
import type { FactClients } from './clients.ts'
import type { OwnStack } from './own-stack.ts'
import type { SeenStore } from './seen-store.ts'

/** What facts are read with. */
export type FactParts = {
  readonly clients: FactClients
  readonly usage: StoredUsage
  readonly seen: SeenStore
  readonly ownStack: OwnStack
  readonly now: EpochS
  /** `sweep`: many resources are read, and what is of the whole account is read once for all of them. `event`: one. */
  readonly extent: 'sweep' | 'event'
  /** When the resource was made, if an event just told so: it may not be seen everywhere yet. Null: it was there before. */
  readonly madeAt: EpochS | null
  /** Where buckets send their access logs is asked of each anew; left out: what was noted says where to look. */
  readonly readsAllLogging?: true
}

/** How each fact of one resource is read, in one audit of it. No call is made twice. */
export type FactSources<Kind extends ResourceKind> = { readonly [Name in FactName<Kind>]: () => Promise<Asked<FactsOf[Kind][Name]>> }
