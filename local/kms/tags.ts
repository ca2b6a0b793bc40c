import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { list, required, text, wrongType } from './input.ts'
import { accepted, type Checked, refuse } from './outcome.ts'
import { atomically } from './tables.ts'

export type Tag = { readonly tagKey: string; readonly tagValue: string }

export type Tags = {
  /** Replaces the values of keys that are there. */
  put(keyArn: string, tags: readonly Tag[]): void
  remove(keyArn: string, tagKeys: readonly string[]): void
  /** In the order of keys, from the first past `after`. */
  page(keyArn: string, after: string, limit: number): readonly Tag[]
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html and .../kms/latest/APIReference/API_Tag.html */
export const TAGS_MAX = 50
const TAG_KEY_LENGTH_MAX = 128
const TAG_VALUE_LENGTH_MAX = 256
/** One request may replace every tag; longer lists cannot be meant. */
const REQUEST_TAGS_MAX = 200

export function tagsIn(db: DatabaseSync): Tags {
  const upsert = db.prepare(`
    INSERT INTO kms_tags (key_arn, tag_key, tag_value) VALUES (?, ?, ?)
    ON CONFLICT (key_arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value`)
  const remove = db.prepare('DELETE FROM kms_tags WHERE key_arn = ? AND tag_key = ?')
  const selectPage = db.prepare('SELECT * FROM kms_tags WHERE key_arn = ? AND tag_key > ? ORDER BY tag_key LIMIT ?')

  return {
    put(keyArn, tags) {
      atomically(db, () => {
        for (const { tagKey, tagValue } of tags) upsert.run(keyArn, tagKey, tagValue)
      })
    },
    remove(keyArn, tagKeys) {
      atomically(db, () => {
        for (const tagKey of tagKeys) remove.run(keyArn, tagKey)
      })
    },
    page: (keyArn, after, limit) =>
      selectPage.all(keyArn, after, limit).map((row) => ({ tagKey: String(row['tag_key']), tagValue: String(row['tag_value']) })),
  }
}

/** `Tags` of a request; null if it has none. */
export function tagList(input: JsonObject): Checked<readonly Tag[] | null> {
  const items = list(input, 'Tags', { countMax: REQUEST_TAGS_MAX })
  if (!items.ok || items.value === null) return items.ok ? accepted(null) : items
  const tags: Tag[] = []
  for (const item of items.value) {
    const tag = isJsonObject(item) ? tagOf(item) : wrongType('Tags')
    if (!tag.ok) return tag
    tags.push(tag.value)
  }
  if (new Set(tags.map(({ tagKey }) => tagKey)).size < tags.length) return refuse('TagException', 'Duplicate tag keys')
  // https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html#tag-conventions
  const isReserved = tags.some(({ tagKey }) => tagKey.toLowerCase().startsWith('aws:'))
  return isReserved ? refuse('TagException', 'Tag keys cannot start with aws:') : accepted(tags)
}

function tagOf(item: JsonObject): Checked<Tag> {
  const tagKey = required('TagKey', text(item, 'TagKey', { lengthMax: TAG_KEY_LENGTH_MAX }))
  if (!tagKey.ok) return tagKey
  const tagValue = required('TagValue', text(item, 'TagValue', { lengthMin: 0, lengthMax: TAG_VALUE_LENGTH_MAX }))
  if (!tagValue.ok) return tagValue
  return accepted({ tagKey: tagKey.value, tagValue: tagValue.value })
}

export function tagKeyList(input: JsonObject): Checked<readonly string[]> {
  const items = required('TagKeys', list(input, 'TagKeys', { countMax: REQUEST_TAGS_MAX }))
  if (!items.ok) return items
  const tagKeys: string[] = []
  for (const item of items.value) {
    const tagKey = required('TagKeys', text({ TagKeys: item }, 'TagKeys', { lengthMax: TAG_KEY_LENGTH_MAX }))
    if (!tagKey.ok) return tagKey
    tagKeys.push(tagKey.value)
  }
  return accepted(tagKeys)
}
