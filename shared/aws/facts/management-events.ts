import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  EventSelector,
  GetEventSelectorsCommandOutput,
} from '@aws-sdk/client-cloudtrail'
import type { TrailFacts } from '../../rules/facts.ts'

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
 * events, reads or writes, is logged of other sources and not of this one.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
 */
export function managementEventsOf({ EventSelectors, AdvancedEventSelectors }: Selectors): TrailFacts['managementEvents'] {
  const taken = [...(EventSelectors ?? []).map(takenByBasic), ...(AdvancedEventSelectors ?? []).flatMap(takenByAdvanced)]
  const [reading, writing] = [taken.filter(({ reads }) => reads), taken.filter(({ writes }) => writes)]
  const isLeftOut = (source: string): boolean =>
    [reading, writing].some((selectors) => selectors.length > 0 && selectors.every(({ without }) => without.includes(source)))
  const excludedSources = [...new Set(taken.flatMap(({ without }) => without))].filter(isLeftOut).toSorted()
  return { reads: reading.length > 0, writes: writing.length > 0, excludedSources }
}

/** What is left out is `All` and true. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html */
function takenByBasic(selector: EventSelector): Taken {
  const { ReadWriteType: type = 'All', IncludeManagementEvents: isTaken = true, ExcludeManagementEventSources: without = [] } = selector
  return { reads: isTaken && type !== 'WriteOnly', writes: isTaken && type !== 'ReadOnly', without }
}

/** A selector that narrows by what is not understood here takes nothing for certain. */
function takenByAdvanced({ FieldSelectors: fields = [] }: AdvancedEventSelector): readonly Taken[] {
  const valuesOf = (field: string): readonly string[] | undefined => {
    const operator = UNDERSTOOD[field]
    const values = operator === undefined ? undefined : fields.find(({ Field }) => Field === field)?.[operator]
    return Array.isArray(values) ? values : undefined
  }
  if (valuesOf('eventCategory')?.includes('Management') !== true || !fields.every(isUnderstood)) return []
  const readOnly = valuesOf('readOnly')
  return [
    { reads: readOnly?.includes('true') ?? true, writes: readOnly?.includes('false') ?? true, without: valuesOf('eventSource') ?? [] },
  ]
}

function isUnderstood({ Field: field, ...operators }: AdvancedFieldSelector): boolean {
  const used = Object.entries(operators).filter(([, values]) => values !== undefined)
  return used.length === 1 && used[0]?.[0] === UNDERSTOOD[field ?? '']
}
