import { createHash } from 'node:crypto'
import { cappedText } from '../text.ts'
import type { EpochS } from '../time.ts'
import { recordNotice } from './change-notice.ts'
import type { WritePorts } from './change-ports.ts'
import type { Claim } from './control.ts'
import { meansTheSame } from './meaning.ts'
import type { ChangeRecord, ChangeState } from './record.ts'

/**
 * What was written may be seen only later: KMS and the configurations of S3's buckets are eventually consistent.
 * https://docs.aws.amazon.com/kms/latest/developerguide/programming-eventual-consistency.html ("usually takes less than a few seconds, but
 * in some cases can take several minutes"), https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
 */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000]
/** As long as AWS may still show what stood there before. */
export const SETTLING_S = 300
/** A write is not begun so shortly before the claim ends: somebody else might begin one too. */
const WRITE_S_MAX = 60
const TEXT_BYTES_MAX = 1024

type Planned = Omit<ChangeRecord, 'id' | 'plannedAt' | 'state' | 'since' | 'reason'>

/** A record of what is about to be written. */
export function newRecord(planned: Planned, { now, newToken }: Pick<WritePorts, 'now' | 'newToken'>): ChangeRecord {
  const at = now()
  const digits = createHash('sha256').update(newToken()).digest('hex').slice(0, 8)
  const summary = cappedText(planned.summary, TEXT_BYTES_MAX)
  return { ...planned, summary, id: `${basicTime(at)}-${digits}`, plannedAt: at, state: 'writing', since: at, reason: '' }
}

/** `20261020T060000Z` */
function basicTime(instant: EpochS): string {
  return `${new Date(1000 * instant).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

/**
 * Keeps the record, writes while what stands there is what it was planned from, and reads again until it is seen. Answers with the record as
 * it ends; it stays `writing` where AWS still shows what stood there before. A person's undo is written while Keytrail is stopped, too.
 * @throws where the stores or AWS break on the way: whoever comes next settles the record
 */
export async function writeChange(record: ChangeRecord, claim: Claim, ports: WritePorts): Promise<ChangeRecord> {
  const { store, aspects, control } = ports
  if ((await store.write(record, null)) === 'conflict') throw new Error(`there is a change ${record.id} already`)
  const drop = (reason: string): Promise<ChangeRecord> => settle(record, 'dropped', reason, ports)
  const stop = record.undoes === null ? await control.stop() : null
  if (stop !== null) return drop(`Keytrail was stopped by ${stop.by}`)
  const found = await aspects.read(record.resource, record.before.aspect)
  if (found.kind !== 'read') return drop(found.kind === 'gone' ? 'the resource is gone' : `${found.unread.action}: ${found.unread.code}`)
  if (!meansTheSame(found.state, record.before)) return drop('somebody changed it meanwhile')
  if (ports.now() + WRITE_S_MAX > claim.until) return drop('too much time went by since it was planned')
  const tried = await aspects.write(record.resource, record.after)
  return tried.ok ? verify(record, ports) : settle(record, 'refused', `${tried.code}: ${tried.message}`, ports)
}

async function verify(record: ChangeRecord, ports: WritePorts): Promise<ChangeRecord> {
  const { aspects, pause } = ports
  const read = () => aspects.read(record.resource, record.after.aspect)
  let found = await read()
  for (const pauseMs of PAUSES_MS) {
    if (found.kind === 'read' && meansTheSame(found.state, record.after)) return settle(record, 'done', '', ports)
    await pause(pauseMs)
    found = await read()
  }
  if (found.kind === 'gone') return settle(record, 'lost', 'the resource is gone', ports)
  if (found.kind === 'unread' || meansTheSame(found.state, record.before)) return record
  if (meansTheSame(found.state, record.after)) return settle(record, 'done', '', ports)
  return settle(record, 'lost', 'somebody changed it right after', ports)
}

/** Ends a record that is `writing`. It is told before that is noted, so that none ends and is never told. Answers with what is kept. */
export async function settle(record: ChangeRecord, state: ChangeState, reason: string, ports: WritePorts): Promise<ChangeRecord> {
  const { store, notices, now } = ports
  const settled: ChangeRecord = { ...record, state, since: now(), reason: cappedText(reason, TEXT_BYTES_MAX) }
  if (state !== 'dropped') await notices.put(recordNotice(settled))
  if (state === 'done' && record.undoes !== null) await noteUndone(record.undoes, ports)
  if ((await store.write(settled, 'writing')) === 'written') return settled
  const there = await store.find(record.id)
  if (there === null) throw new Error(`the record ${record.id} is not there any more`)
  return there
}

async function noteUndone(id: string, { store, now }: WritePorts): Promise<void> {
  const original = await store.find(id)
  // A conflict: somebody else noted it.
  if (original?.state === 'done') await store.write({ ...original, state: 'undone', since: now() }, 'done')
}
