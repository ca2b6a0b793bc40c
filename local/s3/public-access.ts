import { isJsonObject, memberOf } from '../../shared/json.ts'
import { accepted, type Checked, elements, malformedXml } from './outcome.ts'
import { childText, type XmlElement } from './xml-tree.ts'

const MEMBERS = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const
export type PublicAccessBlock = Readonly<Record<(typeof MEMBERS)[number], boolean>>

/** On for new buckets since April 2023. https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html */
const NEW_BUCKET: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
}

export function publicAccessPut(document: XmlElement | null): Checked<PublicAccessBlock> {
  if (document?.name !== 'PublicAccessBlockConfiguration') return malformedXml()
  const values = MEMBERS.map((name) => [name, childText(document, name) ?? 'false'] as const)
  if (values.some(([, value]) => !['true', 'false'].includes(value.toLowerCase()))) return malformedXml()
  return accepted(Object.fromEntries(values.map(([name, value]) => [name, value.toLowerCase() === 'true'])) as PublicAccessBlock)
}

/** As it was kept: nothing for a new bucket, `false` once it was deleted. */
export function publicAccessKept(value: unknown): PublicAccessBlock | null {
  if (value === false) return null
  if (!isJsonObject(value)) return NEW_BUCKET
  return Object.fromEntries(MEMBERS.map((name) => [name, memberOf(value, name) === true])) as PublicAccessBlock
}

export function publicAccessXml(block: PublicAccessBlock): string {
  return elements(block)
}
