import type { RelatedPorts } from '../../audit/related.ts'
import type { Resource } from '../../rules/rule.ts'
import { isRead, isUnread } from './asked.ts'
import type { FactParts } from './fact-parts.ts'
import { readLogTarget } from './log-targets.ts'
import { ownBucket, readBucketRegion } from './s3-bucket-facts.ts'

type Parts = Pick<FactParts, 'clients' | 'seen'>

/** What was noted, and where buckets are. */
export function createRelatedPorts({ clients, seen }: Parts): RelatedPorts {
  return {
    async keysOf({ alias, accountId, region }) {
      const known = await seen.firstKeys({ accountId, region })
      return known.filter((first) => first.alias === alias).map(({ keyArn }) => keyArn)
    },
    bucketsUnder: (keyArn, bucketsMax) => seen.bucketsUnder(keyArn, bucketsMax),
    async located(bucket) {
      const region = await readBucketRegion({ clients }, bucket)
      if (isRead(region)) return { ...bucket, region: region.value }
      // A bucket that is gone, or that may not be asked, is looked for where the event came from.
      if (!isUnread(region) || region.because === 'denied') return bucket
      throw new Error(`where ${bucket.arn} is could not be read: ${region.code}`)
    },
    noteLogSource: ({ arn, accountId, region }, target) =>
      seen.noteLogSource({ accountId, region }, target, ownBucket({ arn, accountId }).Bucket),
  }
}

/** Reads where a bucket sends its access logs, and notes that, or that it could not be read. @throws where the store cannot be reached */
export async function noteLogging({ clients, seen }: Parts, bucket: Resource): Promise<void> {
  const { Bucket: name } = ownBucket(bucket)
  const target = await readLogTarget({ clients }, name, bucket)
  if (target === 'unready' || isUnread(target)) return seen.noteLoggingUnread(bucket, name)
  if (isRead(target) && target.value !== null) await seen.noteLogSource(bucket, target.value, name)
  return seen.noteLoggingRead(bucket, name)
}
