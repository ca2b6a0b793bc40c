import { createHash } from 'node:crypto'
import type { AdoptedEntry } from '../../changes/retire/adopt.ts'
import type { DemoKey, DemoRegistry } from '../../changes/retire/demo-key.ts'
import type { EpochS } from '../../time.ts'
import type { Entry } from '../../workshop/registry.ts'
import type { Table } from '../table.ts'
import { allEntries, registryTable } from '../workshop/registry-table.ts'

/** Demo keys by the registry's entries of all use cases, in the control table. */
export function createDemoRegistry(table: Table): DemoRegistry {
  const registry = registryTable(table)
  return {
    async keys() {
      const all = await allEntries(table)
      const standing = all.filter(({ state }) => state !== 'retired')
      const keys = new Map<string, DemoKey>()
      for (const entry of standing) {
        // One without a name was planned, and perhaps never made.
        if (entry.kind === 'kms-key' && entry.name !== '' && !keys.has(entry.name)) keys.set(entry.name, demoKey(entry, standing))
      }
      for (const entry of all.toReversed()) {
        if (entry.kind === 'kms-key' && entry.name !== '' && !keys.has(entry.name)) keys.set(entry.name, demoKey(entry, all))
      }
      return [...keys.values()]
    },
    async retired({ keyArn }, outcome) {
      const standing = await standingEntries(table)
      // The key last: until then whoever comes again finds it, and what is left.
      const own = [...standing.filter((each) => isAliasOf(each, keyArn)), ...standing.filter((each) => isKey(each, keyArn))]
      for (const entry of own) await registry.write({ ...entry, state: 'retired', outcome })
    },
  }
}

function demoKey(entry: Entry, among: readonly Entry[]): DemoKey {
  return {
    entryId: entry.id,
    keyArn: entry.name,
    aliases: [...new Set(among.flatMap((each) => (isAliasOf(each, entry.name) ? [each.name] : [])))],
    useCase: entry.useCase,
    owner: entry.owner,
    registeredAt: entry.plannedAt,
    state: entry.state === 'retired' ? 'retired' : 'standing',
  }
}

/** Registers what has no standing entry yet. @returns the entries that were written */
export async function adopt(
  table: Table,
  found: readonly AdoptedEntry[],
  by: Pick<Entry, 'owner'> & { readonly now: EpochS },
): Promise<readonly Entry[]> {
  const registry = registryTable(table)
  const standing = await standingEntries(table)
  const written: Entry[] = []
  // The aliases first: a key that has its entry goes by it, and is protected for ever by an alias that has none.
  const inOrder = found.toSorted((one, other) => Number(other.kind === 'kms-alias') - Number(one.kind === 'kms-alias'))
  for (const { useCase, kind, name, keyArn } of inOrder) {
    if (standing.some((entry) => entry.kind === kind && entry.name === name && entry.keyArn === keyArn)) continue
    const entry: Entry = {
      // The same whoever adopts it: it stands once.
      id: createHash('sha256')
        .update(JSON.stringify([kind, name, keyArn]))
        .digest('hex')
        .slice(0, 32),
      useCase,
      kind,
      name,
      keyArn,
      owner: by.owner,
      plannedAt: by.now,
      state: 'made',
      outcome: '',
    }
    await registry.write(entry)
    written.push(entry)
  }
  return written
}

/** Key ARNs, aliases and names of buckets that the registry has. */
export async function registeredNames(table: Table): Promise<ReadonlySet<string>> {
  const named = (await standingEntries(table)).filter(({ kind, name }) => ADOPTABLE.includes(kind) && name !== '')
  return new Set(named.map(({ name }) => name))
}

const ADOPTABLE: readonly Entry['kind'][] = ['kms-key', 'kms-alias', 's3-bucket'] satisfies readonly AdoptedEntry['kind'][]

async function standingEntries(table: Table): Promise<readonly Entry[]> {
  return (await allEntries(table)).filter(({ state }) => state !== 'retired')
}

function isKey({ kind, name }: Entry, keyArn: string): boolean {
  return kind === 'kms-key' && name === keyArn
}

function isAliasOf({ kind, keyArn }: Entry, ofKey: string): boolean {
  return kind === 'kms-alias' && keyArn === ofKey
}
