import { isJsonObject, type JsonObject } from '../shared/json.ts'

/** The JSON object a body is; `{}` for an empty one; null for anything else. */
export function jsonBody(body: Buffer): JsonObject | null {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}
