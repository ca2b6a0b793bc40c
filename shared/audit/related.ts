import type { Resource, Rule } from '../rules/rule.ts'
import { type ChangeMessage, kmsKey, type NamedAlias } from './change-message.ts'

/** What is known of resources beside the one that an event names. All reject where that cannot be found out for now. */
export type RelatedPorts = {
  /** ARNs of the keys that an alias is known to have stood for. */
  keysOf(alias: NamedAlias): Promise<readonly string[]>
  /** Buckets behind whose default encryption a key stands, so many at most. */
  bucketsUnder(keyArn: string, bucketsMax: number): Promise<readonly Resource[]>
  /** The bucket in its own Region. */
  located(bucket: Resource): Promise<Resource>
  /** Notes that a bucket sends its access logs to the one of this name. */
  noteLogSource(source: Resource, target: string): Promise<void>
}

type Change = ChangeMessage & { readonly kind: 'change' }

/** `resources`: to be judged now. `more`: to be judged each by a message of its own. */
export type PointedAt = { readonly resources: readonly Resource[]; readonly more: readonly Resource[] }

/** Buckets under one key that are judged with the message about the key. */
const BUCKETS_NOW_MAX = 20
/** Beyond that the sweep comes to them. */
const BUCKETS_MAX = 10_000

/**
 * What a change is about, directly and by what was noted before: the keys that an alias stood for, and the buckets under a key where a rule for
 * buckets watches the event. Buckets are told by the Region they are in: an event may come from another, and a finding has one place.
 */
export async function pointedAt(change: Change, rules: readonly Rule[], ports: RelatedPorts): Promise<PointedAt> {
  const { resources, aliases, logging, event } = change
  // Messages that Keytrail sends itself name buckets where they are.
  const located = event === null ? resources : await Promise.all(resources.map((resource) => inPlace(resource, ports)))
  // The event may come before the sweep that would note it, and the target is judged right away.
  if (logging !== null) await ports.noteLogSource(await inPlace(logging.source, ports), logging.target)
  const keys: Resource[] = []
  for (const alias of aliases) keys.push(...(await ports.keysOf(alias)).map(kmsKey))
  const buckets: Resource[] = []
  if (event !== null && isForBuckets(event, rules)) {
    for (const { kind, arn } of resources) if (kind === 'kms_key') buckets.push(...(await ports.bucketsUnder(arn, BUCKETS_MAX)))
  }
  return { resources: [...located, ...keys, ...buckets.slice(0, BUCKETS_NOW_MAX)], more: buckets.slice(BUCKETS_NOW_MAX) }
}

async function inPlace(resource: Resource, { located }: RelatedPorts): Promise<Resource> {
  return resource.kind === 's3_bucket' ? located(resource) : resource
}

function isForBuckets({ source, name }: NonNullable<Change['event']>, rules: readonly Rule[]): boolean {
  return rules.some(
    ({ kind, watches }) =>
      kind === 's3_bucket' && watches.some((watch) => watch.source === source && (watch.names as readonly string[]).includes(name)),
  )
}
