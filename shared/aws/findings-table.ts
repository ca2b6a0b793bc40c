import { createHash } from 'node:crypto'
import type { Finding, FindingStatus } from '../findings/finding.ts'
import type { AccessNote, DigestNote, FindingStore, KeptFinding, OutboxMarker } from '../findings/finding-store.ts'
import { isJsonObject, memberOf } from '../json.ts'
import { DAY_S, type EpochS } from '../time.ts'
import { type Condition, type Item, itemAt, numberAttribute, numberOf, type Table, textAttribute, textOf } from './table.ts'

/** As long as roll-ups of usage: what became of a resource can be asked for more than a year. */
const GONE_S = 400 * DAY_S
const ACCESS_S = 400 * DAY_S
/** Markers are sorted by how long they wait; of more than these, those that happen to be read. */
const MARKERS_READ_MAX = 10_000
const OUTBOX = 'outbox'
const ACCESS = 'access'
const DIGEST = 'digest'
const PLACE = 'place'
const NOTHING_THERE: Condition = { ConditionExpression: 'attribute_not_exists(pk)' }

/**
 * The table of findings. Partition and sort keys by kind of item:
 * `resource#<account>#<region>#<digest of the ARN>` `<finding>` · `finding#<finding>` `place` · `status#<status>` `<finding>` ·
 * `outbox` `<finding>` · `access` `<account>#<action>` · `digest` `digest`
 *
 * One write at a time, each harmless if it is the last: first what leads to a finding, then the finding itself over its revision, then
 * what is not needed any more.
 */
export function createFindingsTable(table: Table, newToken: () => string): FindingStore {
  /** A refusal may be of a write that was done and whose answer was lost on the way: the client tries again by itself. */
  async function replace(item: Item, over: string | null): Promise<Item | 'conflict' | null> {
    const replaced = await table.put(item, over === null ? NOTHING_THERE : overRevision(over))
    if (replaced !== 'refused') return replaced
    const there = await itemAt(table, textOf(item, 'pk'), textOf(item, 'sk'))
    return there !== null && textOf(there, 'revision') === textOf(item, 'revision') ? null : 'conflict'
  }

  async function at(partition: string, id: string): Promise<KeptFinding | null> {
    const item = await itemAt(table, partition, id)
    return item === null ? null : keptIn(item)
  }

  return {
    async ofResource(resource) {
      const found: KeptFinding[] = []
      for await (const item of table.query(partitionOf(resource))) found.push(keptIn(item))
      return found
    },
    async find(id) {
      const place = await itemAt(table, `finding#${id}`, PLACE)
      return place === null ? null : at(textOf(place, 'partition'), id)
    },
    async write(kept, over) {
      const { finding, unannounced } = kept
      const revision = newToken()
      if (unannounced.length > 0) await table.put(markerItem(kept, revision))
      if (over === null || unannounced.length > 0) {
        await table.put(placeItem(finding))
        await table.put(statusItem(finding))
      }
      const replaced = await replace(findingItem(kept, revision), over)
      if (replaced === 'conflict') return replaced
      const before = replaced === null ? finding : keptIn(replaced).finding
      if (before.status !== finding.status) {
        await table.remove(statusKey(before.status), finding.id, {
          // Unless the finding is in that status again.
          ConditionExpression: 'version = :version',
          ExpressionAttributeValues: { ':version': numberAttribute(before.version) },
        })
      }
      return { ...kept, revision }
    },
    async outbox(countMax) {
      const markers: OutboxMarker[] = []
      for await (const item of table.query(OUTBOX)) {
        if (markers.length === MARKERS_READ_MAX) break
        markers.push(markerIn(item))
      }
      return markers.toSorted((one, other) => one.waitingSince - other.waitingSince || (one.id < other.id ? -1 : 1)).slice(0, countMax)
    },
    async unmark({ id, token }) {
      await table.remove(OUTBOX, id, holdingToken(token))
    },
    async announced(kept) {
      const item = findingItem({ ...kept, unannounced: [], attemptedAt: null }, newToken())
      if ((await replace(item, kept.revision)) === 'conflict') return 'conflict'
      await table.remove(OUTBOX, kept.finding.id, holdingToken(kept.revision))
      return 'done'
    },
    async *withStatus(status) {
      for await (const item of table.query(statusKey(status))) {
        const kept = await at(textOf(item, 'partition'), textOf(item, 'sk'))
        // What leads to a finding may be there before it, and after.
        if (kept?.finding.status === status) yield kept
      }
    },
    async access(accountId, action) {
      const item = await itemAt(table, ACCESS, `${accountId}#${action}`)
      return item === null ? null : noteIn(item)
    },
    async noteAccess(note, over) {
      const revision = newToken()
      return (await replace(accessItem(note, revision), over)) === 'conflict' ? 'conflict' : { ...note, revision }
    },
    async digest() {
      const item = await itemAt(table, DIGEST, DIGEST)
      return item === null ? null : digestIn(item)
    },
    async noteDigest(note, over) {
      const revision = newToken()
      return (await replace(digestItem(note, revision), over)) === 'conflict' ? 'conflict' : { ...note, revision }
    },
  }
}

function overRevision(revision: string): Condition {
  return {
    ConditionExpression: '#revision = :revision',
    ExpressionAttributeNames: { '#revision': 'revision' },
    ExpressionAttributeValues: { ':revision': textAttribute(revision) },
  }
}

function holdingToken(token: string): Condition {
  return {
    ConditionExpression: '#token = :token',
    // A reserved word.
    ExpressionAttributeNames: { '#token': 'token' },
    ExpressionAttributeValues: { ':token': textAttribute(token) },
  }
}

function partitionOf({ accountId, region, arn }: Pick<Finding['resource'], 'accountId' | 'region' | 'arn'>): string {
  return `resource#${accountId}#${region}#${createHash('sha256').update(arn).digest('hex').slice(0, 32)}`
}

function statusKey(status: FindingStatus): string {
  return `status#${status}`
}

/** All that leads to a finding ends with it. */
function ending({ status, since }: Finding): Item {
  return status === 'gone' ? { expiresAt: numberAttribute(since + GONE_S) } : {}
}

function markerItem({ finding, unannounced, attemptedAt }: Omit<KeptFinding, 'revision'>, token: string): Item {
  return {
    pk: textAttribute(OUTBOX),
    sk: textAttribute(finding.id),
    token: textAttribute(token),
    waitingSince: numberAttribute(unannounced[0]?.at ?? finding.since),
    writtenAt: numberAttribute(Math.max(finding.judgedAt, attemptedAt ?? 0)),
  }
}

function markerIn(item: Item): OutboxMarker {
  return {
    id: textOf(item, 'sk'),
    token: textOf(item, 'token'),
    waitingSince: numberOf(item, 'waitingSince') as EpochS,
    writtenAt: numberOf(item, 'writtenAt') as EpochS,
  }
}

function placeItem(finding: Finding): Item {
  const partition = textAttribute(partitionOf(finding.resource))
  return { pk: textAttribute(`finding#${finding.id}`), sk: textAttribute(PLACE), partition, ...ending(finding) }
}

function statusItem(finding: Finding): Item {
  return {
    pk: textAttribute(statusKey(finding.status)),
    sk: textAttribute(finding.id),
    partition: textAttribute(partitionOf(finding.resource)),
    version: numberAttribute(finding.version),
    ...ending(finding),
  }
}

function findingItem({ finding, ...kept }: Omit<KeptFinding, 'revision'>, revision: string): Item {
  return {
    pk: textAttribute(partitionOf(finding.resource)),
    sk: textAttribute(finding.id),
    revision: textAttribute(revision),
    kept: textAttribute(JSON.stringify({ ...kept, finding, revision })),
    ...ending(finding),
  }
}

/** @throws if somebody else wrote the item */
function keptIn(item: Item): KeptFinding {
  return jsonIn(item, 'finding') as KeptFinding
}

function accessItem(note: Omit<AccessNote, 'revision'>, revision: string): Item {
  const { accountId, action, attemptedAt, told } = note
  const last = Math.max(attemptedAt ?? 0, told.mail ?? 0, told.events ?? 0)
  return {
    pk: textAttribute(ACCESS),
    sk: textAttribute(`${accountId}#${action}`),
    revision: textAttribute(revision),
    kept: textAttribute(JSON.stringify({ ...note, revision })),
    expiresAt: numberAttribute(last + ACCESS_S),
  }
}

/** @throws if somebody else wrote the item */
function noteIn(item: Item): AccessNote {
  return jsonIn(item, 'told') as AccessNote
}

function digestItem({ attemptedAt, sentAt }: Omit<DigestNote, 'revision'>, revision: string): Item {
  return {
    pk: textAttribute(DIGEST),
    sk: textAttribute(DIGEST),
    revision: textAttribute(revision),
    ...(attemptedAt !== null && { attemptedAt: numberAttribute(attemptedAt) }),
    ...(sentAt !== null && { sentAt: numberAttribute(sentAt) }),
  }
}

/** @throws if somebody else wrote the item */
function digestIn(item: Item): DigestNote {
  const timeIn = (name: 'attemptedAt' | 'sentAt'): EpochS | null => (item[name] === undefined ? null : (numberOf(item, name) as EpochS))
  return { attemptedAt: timeIn('attemptedAt'), sentAt: timeIn('sentAt'), revision: textOf(item, 'revision') }
}

/** What this table's own `kept` holds: an object of ours has this member. */
function jsonIn(item: Item, member: string): unknown {
  const value: unknown = JSON.parse(textOf(item, 'kept'))
  if (!isJsonObject(value) || !isJsonObject(memberOf(value, member))) throw new Error('an item of the table of findings is none of its own')
  return value
}
