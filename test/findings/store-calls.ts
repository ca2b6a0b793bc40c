import type { FindingStore, KeptFinding } from '../../shared/findings/finding-store.ts'

export function counter(): () => string {
  let tokens = 0
  return () => `token ${tokens++}`
}

export async function written(store: FindingStore, what: Omit<KeptFinding, 'revision'>, over: string | null = null): Promise<KeptFinding> {
  const outcome = await store.write(what, over)
  if (outcome === 'conflict') throw new Error('nobody else writes here')
  return outcome
}

export async function idsWith(store: FindingStore, status: KeptFinding['finding']['status']): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const each of store.withStatus(status)) ids.push(each.finding.id)
  return ids
}

export async function outboxIds(store: FindingStore): Promise<readonly string[]> {
  return (await store.outbox(100)).map(({ id }) => id)
}
