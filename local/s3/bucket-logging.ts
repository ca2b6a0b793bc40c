import { isJsonObject, textOf } from '../../shared/json.ts'
import { accepted, around, type Checked, elements, malformedXml, refuse, type Refused } from './outcome.ts'
import { childrenNamed, childText, type XmlElement } from './xml-tree.ts'

/** Where a bucket's access logs go. Nothing is logged here: who audits sees where they would go. */
export type BucketLogging = { readonly target: string; readonly prefix: string }

/** Null turns logging off. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */
export function loggingPut(document: XmlElement): Checked<BucketLogging | null> {
  if (document.name !== 'BucketLoggingStatus') return malformedXml()
  const [enabled, ...more] = childrenNamed(document, 'LoggingEnabled')
  if (enabled === undefined) return accepted(null)
  const target = childText(enabled, 'TargetBucket')
  const prefix = childText(enabled, 'TargetPrefix')
  return target === null || target === '' || prefix === null || more.length > 0 ? malformedXml() : accepted({ target, prefix })
}

export function loggingKept(value: unknown): BucketLogging | null {
  const target = isJsonObject(value) ? textOf(value, 'target') : null
  return !isJsonObject(value) || target === null ? null : { target, prefix: textOf(value, 'prefix') ?? '' }
}

/** The content of a `BucketLoggingStatus`. */
export function loggingXml(logging: BucketLogging | null): string {
  return logging === null ? '' : around('LoggingEnabled', elements({ TargetBucket: logging.target, TargetPrefix: logging.prefix }))
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function noSuchTarget(): Refused {
  return refuse('InvalidTargetBucketForLogging', 'The target bucket for logging does not exist')
}
