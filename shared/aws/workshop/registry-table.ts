import { type EpochS, epochS } from '../../time.ts'
import { ENTRY_KINDS, type Entry, type Registry, type RunFacts } from '../../workshop/registry.ts'
import { type Item, numberAttribute, numberOf, type Table, textAttribute, textOf } from '../table.ts'

const ENTRIES = 'workshop'
const RUNS = 'workshop-run'
/** What is retired is kept as long as a key may wait for its deletion, three times. */
const RETIRED_S = 90 * 24 * 3600
const STATES: readonly Entry['state'][] = ['planned', 'made', 'retired']

/** The registry in the control table. */
export function registryTable(table: Table): Registry {
  return {
    async write(entry) {
      await table.put({
        pk: textAttribute(ENTRIES),
        sk: textAttribute(`${entry.useCase}#${entry.id}`),
        ...Object.fromEntries(TEXTS.map((name) => [name, textAttribute(entry[name])])),
        plannedAt: numberAttribute(entry.plannedAt),
        ...(entry.state === 'retired' ? { expiresAt: numberAttribute(entry.plannedAt + RETIRED_S) } : {}),
      })
    },
    entries: (useCase) => entriesUnder(table, `${useCase}#`),
    async facts(useCase) {
      for await (const item of table.query(RUNS, useCase)) {
        if (textOf(item, 'sk') === useCase) return JSON.parse(textOf(item, 'facts')) as RunFacts
      }
      return null
    },
    async writeFacts(useCase, facts) {
      if (facts === null) await table.remove(RUNS, useCase)
      else await table.put({ pk: textAttribute(RUNS), sk: textAttribute(useCase), facts: textAttribute(JSON.stringify(facts)) })
    },
  }
}

/** The entries of all use cases, in the order of their planning. */
export function allEntries(table: Table): Promise<readonly Entry[]> {
  return entriesUnder(table, '')
}

async function entriesUnder(table: Table, skPrefix: string): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for await (const item of table.query(ENTRIES, skPrefix)) entries.push(entryOf(item))
  return entries.toSorted((left, right) => left.plannedAt - right.plannedAt)
}

const TEXTS = ['id', 'useCase', 'kind', 'name', 'keyArn', 'owner', 'state', 'outcome'] as const

/** @throws if the item is no entry: somebody else wrote to the table */
function entryOf(item: Item): Entry {
  const [kind, state] = [textOf(item, 'kind'), textOf(item, 'state')]
  const knownKind = ENTRY_KINDS.find((known) => known === kind)
  const knownState = STATES.find((known) => known === state)
  if (knownKind === undefined || knownState === undefined)
    throw new Error(`the control table holds an entry of kind ${kind} and state ${state}`)
  return {
    id: textOf(item, 'id'),
    useCase: textOf(item, 'useCase'),
    kind: knownKind,
    name: textOf(item, 'name'),
    keyArn: textOf(item, 'keyArn'),
    owner: textOf(item, 'owner'),
    plannedAt: instantOf(numberOf(item, 'plannedAt')),
    state: knownState,
    outcome: textOf(item, 'outcome'),
  }
}

function instantOf(second: number): EpochS {
  const instant = epochS(1000 * second)
  if (instant === null) throw new Error(`the control table holds ${second} for a time`)
  return instant
}
