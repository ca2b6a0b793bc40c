/**
 * What fauxqs answers of S3, by the names in the query. It takes a request for anything else (`?encryption`, `?policy`, `?tagging`, …) for
 * one about the bucket or the object itself, and answers as if it had done it.
 */
const KNOWN = [
  'attributes',
  'continuation-token',
  'delete',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'lifecycle',
  'list-type',
  'marker',
  'max-buckets',
  'max-keys',
  'partNumber',
  'prefix',
  'renameObject',
  'start-after',
  'uploadId',
  'x-id',
]
const KNOWN_PREFIXES = ['response-', 'X-Amz-']
/** A part list or the list of uploads is not among what fauxqs answers. */
const KNOWN_WITH_METHOD = ['POST uploads']

/** The first name in the query of an S3 request that fauxqs would not heed; null if it knows all. */
export function unheeded(method: string, target: string): string | null {
  const start = target.indexOf('?')
  if (start === -1) return null
  const names = [...new URLSearchParams(target.slice(start + 1)).keys()]
  // GET with an upload ID is ListParts, which fauxqs answers with the object.
  const known = (name: string): boolean =>
    (name === 'uploadId' && method === 'GET' ? false : KNOWN.includes(name)) ||
    KNOWN_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    KNOWN_WITH_METHOD.includes(`${method} ${name}`)
  return names.find((name) => !known(name)) ?? null
}
