import type { Refusal, Tried } from '../tried.ts'
import type { Entry } from './registry.ts'
import type { Stage } from './stage.ts'

/** A use case cannot go on: something of somebody else's stands in the way, or AWS refuses what the lesson needs. */
export class WorkshopObstacle extends Error {
  override readonly name = 'WorkshopObstacle'
}

type Making = Pick<Entry, 'kind'> & {
  /** The key that an alias or a grant belongs to. */
  readonly keyArn?: string
  /** What it will be called, of an ID that was never used before; empty if AWS chooses. */
  name(id: string): string
  /** Makes it and returns its name, or one of the names if it may have been made more than once. */
  make(entry: Entry): Promise<string | { readonly oneOf: string }>
}

/**
 * Makes something that the use case owns. Its entry comes first: a run that breaks off between two calls leaves nothing behind that the
 * registry does not know.
 */
export async function make(stage: Stage, { kind, keyArn = '', name, make: made }: Making): Promise<string> {
  const id = stage.newId()
  const planned: Entry = {
    id,
    useCase: stage.useCase,
    kind,
    name: name(id),
    keyArn,
    owner: stage.caller.arn,
    plannedAt: await stage.time.now(),
    state: 'planned',
    outcome: '',
  }
  await stage.registry.write(planned)
  const given = await made(planned)
  // Unnamed, it is looked for by its tag when it is cleaned up, and so is what else has that tag.
  if (typeof given !== 'string') return given.oneOf
  await stage.registry.write({ ...planned, name: given, state: 'made' })
  return given
}

/** The value, or the obstacle that a refusal is where a use case cannot do without. */
export function needed<Value>(what: string, tried: Tried<Value>): Value {
  if (tried.ok) return tried.value
  throw new WorkshopObstacle(`${what}: ${refusalText(tried)}`)
}

export function refusalText({ code, message }: Refusal): string {
  return message === '' ? code : `${code}: ${message}`
}
