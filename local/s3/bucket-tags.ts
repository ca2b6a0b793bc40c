import { accepted, type Checked, elements, around, malformedXml, refuse } from './outcome.ts'
import { childrenNamed, childText, type XmlElement } from './xml-tree.ts'

export type Tags = Readonly<Record<string, string>>

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html */
const TAGS_MAX = 50
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

export function tagsPut(document: XmlElement | null): Checked<Tags> {
  const [set] = document?.name === 'Tagging' ? childrenNamed(document, 'TagSet') : []
  if (set === undefined) return malformedXml()
  const tags = new Map<string, string>()
  for (const tag of childrenNamed(set, 'Tag')) {
    const key = childText(tag, 'Key') ?? ''
    const value = childText(tag, 'Value') ?? ''
    if (key === '' || key.length > KEY_LENGTH_MAX) return refuse('InvalidTag', 'The TagKey you have provided is invalid')
    if (value.length > VALUE_LENGTH_MAX) return refuse('InvalidTag', 'The TagValue you have provided is invalid')
    if (key.startsWith('aws:')) return refuse('InvalidTag', 'System tags cannot be added/updated by requester')
    if (tags.has(key)) return refuse('InvalidTag', 'Cannot provide multiple Tags with the same key')
    tags.set(key, value)
  }
  if (tags.size > TAGS_MAX) return refuse('InvalidTag', `A bucket can have ${TAGS_MAX} tags at most.`)
  return accepted(Object.fromEntries(tags))
}

export function tagsXml(tags: Tags): string {
  const listed = Object.entries(tags).map(([Key, Value]) => around('Tag', elements({ Key, Value })))
  return around('TagSet', listed.join(''))
}
