import { parse } from 'yaml'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'

/** A Lambda function of the stack. */
export type StackFunction = {
  /** As CloudFormation calls what osls makes of it. */
  readonly logicalId: string
  /** The same of its log group. */
  readonly logGroupId: string
  readonly name: string
  /** Its source below the project's root. */
  readonly source: string
  readonly roleName: string
  readonly timeoutMs: number
  /** In MiB, as Lambda counts. */
  readonly memoryMb: number
  /** Values may refer to resources. */
  readonly environment: JsonObject
}

/** A resource as it stands under `resources`. */
export type StackResource = {
  readonly logicalId: string
  readonly type: string
  readonly properties: JsonObject
  /** The name of the condition under which it is made; null: it always is. */
  readonly condition: string | null
}

/** What serverless.yml says, read as it is deployed: no second description of the same queues and rules. */
export type Stack = {
  readonly functions: readonly StackFunction[]
  readonly resources: readonly StackResource[]
  /** Names of parameters with their defaults. */
  readonly parameters: ReadonlyMap<string, string>
  /** Conditions by name, as they are written. */
  readonly conditions: JsonObject
}

/** `dist/<name>/index.handler` is bundled from `functions/<name>.ts`. */
const HANDLER = /^dist\/([\w-]+)\/index\.handler$/

let last: { readonly yaml: string; readonly stack: Stack } | null = null

/** @throws if it is not what this program's own serverless.yml looks like */
export function parseStack(yaml: string): Stack {
  // Parsing takes a third of a start; whoever starts several local clouds has one serverless.yml.
  if (last?.yaml !== yaml) last = { yaml, stack: stackIn(yaml) }
  return last.stack
}

function stackIn(yaml: string): Stack {
  const document: unknown = parse(yaml)
  const { Resources, Parameters, Conditions } = objectIn(document, 'resources')
  return {
    functions: Object.entries(objectIn(document, 'functions')).map(([key, value]) => stackFunction(key, value)),
    resources: Object.entries(isJsonObject(Resources) ? Resources : {}).map(([logicalId, resource]) => ({
      logicalId,
      type: isJsonObject(resource) ? (textOf(resource, 'Type') ?? '') : '',
      properties: isJsonObject(resource) && isJsonObject(resource['Properties']) ? resource['Properties'] : {},
      condition: isJsonObject(resource) ? textOf(resource, 'Condition') : null,
    })),
    conditions: isJsonObject(Conditions) ? Conditions : {},
    parameters: new Map(
      Object.entries(isJsonObject(Parameters) ? Parameters : {}).map(([name, parameter]) => [
        name,
        isJsonObject(parameter) ? (textOf(parameter, 'Default') ?? '') : '',
      ]),
    ),
  }
}

function stackFunction(key: string, value: unknown): StackFunction {
  const definition = isJsonObject(value) ? value : {}
  const source = HANDLER.exec(textOf(definition, 'handler') ?? '')?.[1]
  const timeoutS = memberOf(definition, 'timeout')
  const memoryMb = memberOf(definition, 'memorySize')
  if (source === undefined || typeof timeoutS !== 'number' || typeof memoryMb !== 'number')
    throw new Error(`serverless.yml: the function ${key} lacks handler, timeout or memorySize`)
  const prefix = `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`
  return {
    logicalId: `${prefix}LambdaFunction`,
    logGroupId: `${prefix}LogGroup`,
    name: textOf(definition, 'name') ?? key,
    source: `functions/${source}.ts`,
    roleName: textOf(definition, 'role') ?? key,
    timeoutMs: 1000 * timeoutS,
    memoryMb,
    environment: isJsonObject(definition['environment']) ? definition['environment'] : {},
  }
}

function objectIn(document: unknown, name: string): JsonObject {
  const value = isJsonObject(document) ? memberOf(document, name) : undefined
  if (!isJsonObject(value)) throw new Error(`serverless.yml has no ${name}`)
  return value
}

/** What `Ref` and `Fn::GetAtt` of a logical ID stand for. */
export type Made = { readonly ref: string; readonly attributes?: Readonly<Record<string, string>> }

/** The value with every `Ref`, `Fn::GetAtt` and `Fn::Join` in it replaced. @throws if it refers to what was not made */
export function resolved(value: unknown, made: ReadonlyMap<string, Made>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, made))
  if (!isJsonObject(value)) return value
  const [name, only] = Object.entries(value).length === 1 ? (Object.entries(value)[0] ?? []) : []
  if (name === 'Ref') return madeOf(made, String(only)).ref
  if (name === 'Fn::GetAtt' && Array.isArray(only)) {
    const found = madeOf(made, String(only[0])).attributes?.[String(only[1])]
    if (found === undefined) throw new Error(`serverless.yml: ${String(only[0])} has no attribute ${String(only[1])} in the local cloud`)
    return found
  }
  if (name === 'Fn::Join' && Array.isArray(only)) {
    const parts = resolved(only[1], made)
    return (Array.isArray(parts) ? parts : []).join(String(only[0]))
  }
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, resolved(inner, made)]))
}

/** Whether a condition holds: `Fn::Not`, `Fn::Equals`. @throws if it is made of something else */
export function holds(condition: unknown, made: ReadonlyMap<string, Made>): boolean {
  const [name, parts] = isJsonObject(condition) ? (Object.entries(condition)[0] ?? []) : []
  if (name === 'Fn::Not' && Array.isArray(parts)) return !holds(parts[0], made)
  if (name === 'Fn::Equals' && Array.isArray(parts)) return resolved(parts[0], made) === resolved(parts[1], made)
  throw new Error('serverless.yml has a condition that the local cloud does not know')
}

function madeOf(made: ReadonlyMap<string, Made>, logicalId: string): Made {
  const found = made.get(logicalId)
  if (found === undefined) throw new Error(`serverless.yml refers to ${logicalId}, which the local cloud did not make`)
  return found
}
