import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  EventSelector,
  GetEventSelectorsCommandOutput,
} from '@aws-sdk/client-cloudtrail'
import type { ManagementEvents } from '../../rules/facts.ts'

type Selectors = Pick<GetEventSelectorsCommandOutput, 'EventSelectors' | 'AdvancedEventSelectors'>
/** What one selector takes of management events. */
type Taken = { readonly reads: boolean; readonly writes: boolean; readonly without: readonly string[] }

/** Fields of a selector of management events that are understood here, with the operator that each may have. */
const UNDERSTOOD: Readonly<Record<string, keyof AdvancedFieldSelector>> = {
  eventCategory: 'Equals',
  readOnly: 'Equals',
  eventSource: 'NotEquals',
}

/**
 * What a trail logs of management events. An event is logged if one selector takes it; a source counts as excluded if some kind of its
 * events, reads or writes, is logged of other sources and not of this one. What a selector takes that is not understood here is unclear, and
 * what the trail logs with it, unless the others take everything.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
 */
export function managementEventsOf({ EventSelectors, AdvancedEventSelectors }: Selectors): ManagementEvents {
  const all = [...(EventSelectors ?? []).map(takenByBasic), ...(AdvancedEventSelectors ?? []).map(takenByAdvanced)]
  const taken = all.filter((one) => one !== 'unclear')
  const [reading, writing] = [taken.filter(({ reads }) => reads), taken.filter(({ writes }) => writes)]
  const isLeftOut = (source: string): boolean =>
    [reading, writing].some((selectors) => selectors.length > 0 && selectors.every(({ without }) => without.includes(source)))
  const excludedSources = [...new Set(taken.flatMap(({ without }) => without))].filter(isLeftOut).toSorted()
  const [reads, writes] = [reading.length > 0, writing.length > 0]
  if (all.length > taken.length && !(reads && writes && excludedSources.length === 0)) return 'unclear'
  return reads || writes ? { reads, writes, excludedSources } : 'none'
}

/** What is left out is `All` and true. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html */
function takenByBasic(selector: EventSelector): Taken {
  const { ReadWriteType: type = 'All', IncludeManagementEvents: isTaken = true, ExcludeManagementEventSources: without = [] } = selector
  return { reads: isTaken && type !== 'WriteOnly', writes: isTaken && type !== 'ReadOnly', without }
}

/** `unclear`: it takes management events, and narrows them by what is not understood here. */
function takenByAdvanced({ FieldSelectors: fields = [] }: AdvancedEventSelector): Taken | 'unclear' {
  const valuesOf = (field: string): readonly string[] | undefined => {
    const operator = UNDERSTOOD[field]
    const values = operator === undefined ? undefined : fields.find(({ Field }) => Field === field)?.[operator]
    return Array.isArray(values) ? values : undefined
  }
  const categories = valuesOf('eventCategory')
  if (categories !== undefined && !categories.includes('Management')) return { reads: false, writes: false, without: [] }
  if (categories === undefined || !fields.every(isUnderstood)) return 'unclear'
  const readOnly = valuesOf('readOnly')
  return { reads: readOnly?.includes('true') ?? true, writes: readOnly?.includes('false') ?? true, without: valuesOf('eventSource') ?? [] }
}

function isUnderstood({ Field: field, ...operators }: AdvancedFieldSelector): boolean {
  const used = Object.entries(operators).filter(([, values]) => values !== undefined)
  return used.length === 1 && used[0]?.[0] === UNDERSTOOD[field ?? '']
}
