/** The stack as serverless.yml tells it and as osls packages it, and the words that its checks are written in. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { parse } from 'yaml'
import { isJsonObject, type JsonObject, memberOf } from '../../shared/json.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')

export type Stack = {
  /** serverless.yml. */
  readonly source: JsonObject
  /** The packaged CloudFormation template. */
  readonly template: JsonObject
}

/** A statement about a stack, which says what contradicts it: nothing if it holds. */
export type Check = {
  readonly title: string
  readonly faults: (stack: Stack) => readonly string[]
  /** Changes of the template, each of which the check has to notice. */
  readonly breaks: readonly Change[]
}

/** Where in the template, such as `KeyUsageRule.Properties.State` under Resources, and what to put there: undefined removes it. */
export type Change = readonly [place: string, value: unknown]

export type Resource = { readonly id: string; readonly type: string; readonly properties: JsonObject; readonly whole: JsonObject }

export function readSource(): JsonObject {
  const source: unknown = parse(readFileSync(path.join(ROOT, 'serverless.yml'), 'utf8'))
  if (!isJsonObject(source)) throw new Error('serverless.yml holds no settings')
  return source
}

export function readTemplate(packaged: string): JsonObject {
  const template: unknown = JSON.parse(readFileSync(path.join(packaged, 'cloudformation-template-update-stack.json'), 'utf8'))
  if (!isJsonObject(template)) throw new Error('the packaged template is no object')
  return template
}

/** What stands at a place, such as `Targets.0.Arn`; undefined if nothing does. */
export function at(value: unknown, place: string): unknown {
  let found = value
  for (const name of place.split('.')) {
    if (Array.isArray(found)) found = (found as readonly unknown[])[Number(name)]
    else found = isJsonObject(found) ? memberOf(found, name) : undefined
  }
  return found
}

/** The members of a list, or the thing itself: CloudFormation and IAM take one for a list of one. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly unknown[]) : [value]
}

export function resources(template: JsonObject, ...types: readonly string[]): readonly Resource[] {
  const all = at(template, 'Resources')
  return Object.entries(isJsonObject(all) ? all : {}).flatMap(([id, whole]) => {
    if (!isJsonObject(whole)) return []
    const [type, properties] = [memberOf(whole, 'Type'), memberOf(whole, 'Properties') ?? {}]
    if (typeof type !== 'string' || !isJsonObject(properties) || (types.length > 0 && !types.includes(type))) return []
    return [{ id, type, properties, whole }]
  })
}

/** The logical ID that a Ref or Fn::GetAtt names; undefined for anything else. */
export function idOf(value: unknown): string | undefined {
  const id = at(value, 'Ref') ?? at(value, 'Fn::GetAtt.0')
  return typeof id === 'string' ? id : undefined
}

/** The resource of this type that a Ref or Fn::GetAtt names. */
export function named(template: JsonObject, value: unknown, type: string): Resource | undefined {
  const id = idOf(value)
  return resources(template, type).find((resource) => resource.id === id)
}

export function withChange({ source, template }: Stack, [place, value]: Change): Stack {
  const copy = structuredClone(template)
  const names = place.split('.')
  const last = names.pop() ?? ''
  const parent = at(copy, ['Resources', ...names].join('.'))
  if (typeof parent !== 'object' || parent === null) throw new Error(`nothing in the template at ${place}`)
  if (value === undefined) Reflect.deleteProperty(parent, last)
  else Reflect.set(parent, last, value)
  return { source, template: copy }
}

const END_OF_DIRECTORY = 0x06054b50
const END_BYTES = 22
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30

export type Archived = { readonly name: string; readonly bytes: Buffer }

/** The files in a zip archive without comment, stored or deflated. */
export function unzipped(file: string): readonly Archived[] {
  const zip = readFileSync(file)
  const end = zip.length - END_BYTES
  if (zip.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error(`${file} does not end as a zip archive`)
  const entries: Archived[] = []
  let entry = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const isDeflated = zip.readUInt16LE(entry + 10) !== 0
    const [nameBytes, moreBytes, commentBytes] = [28, 30, 32].map((offset) => zip.readUInt16LE(entry + offset))
    const local = zip.readUInt32LE(entry + 42)
    const start = local + LOCAL_BYTES + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const bytes = zip.subarray(start, start + zip.readUInt32LE(entry + 20))
    const name = zip.toString('utf8', entry + ENTRY_BYTES, entry + ENTRY_BYTES + (nameBytes ?? 0))
    entries.push({ name, bytes: isDeflated ? inflateRawSync(bytes) : bytes })
    entry += ENTRY_BYTES + (nameBytes ?? 0) + (moreBytes ?? 0) + (commentBytes ?? 0)
  }
  return entries
}
