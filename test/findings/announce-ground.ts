import type { AsffFinding } from '../../shared/findings/asff.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import type { FindingEvent } from '../../shared/findings/finding-event.ts'
import type { FindingStore } from '../../shared/findings/finding-store.ts'
import type { Mail } from '../../shared/findings/mail.ts'
import type { Announcing } from '../../shared/findings/news.ts'
import type { SendPorts } from '../../shared/findings/send-ports.ts'
import type { EpochS } from '../../shared/time.ts'
import { createMemoryFindingStore } from '../support/memory-finding-store.ts'
import { HUB, key, kept, NOW, RULES } from './findings-ground.ts'

export const DAY_S = 86_400

/** Where news go, and what arrived there. */
export type Arrived = {
  readonly mails: Mail[]
  readonly imported: AsffFinding[]
  readonly events: FindingEvent[]
  readonly ports: SendPorts
}

export function arrivals(changes: Partial<SendPorts> = {}): Arrived {
  const [mails, imported, events] = [new Array<Mail>(), new Array<AsffFinding>(), new Array<FindingEvent>()]
  const ports: SendPorts = {
    mail: async (mail) => void mails.push(mail),
    importFindings: async (batch) => {
      imported.push(...batch)
      return { refused: [] }
    },
    putEvents: async (batch) => {
      events.push(...batch)
      return { refused: [] }
    },
    ...changes,
  }
  return { mails, imported, events, ports }
}

export function around(now: EpochS = NOW): Announcing {
  return { now, rules: RULES, hub: HUB }
}

export async function storeWith(...findings: readonly Partial<Finding>[]): Promise<FindingStore> {
  const store = createMemoryFindingStore()
  await put(store, ...findings)
  return store
}

/** Writes findings that nobody has heard of. */
export async function put(store: FindingStore, ...findings: readonly Partial<Finding>[]): Promise<void> {
  for (const changes of findings) await store.write(kept(changes), null)
}

export function named(name: string, changes: Partial<Finding> = {}): Partial<Finding> {
  return { resource: key(name), ...changes }
}

export function critical(name: string): Partial<Finding> {
  return named(name, { ruleId: 'kms-key-a', severity: 'critical' })
}
