import { allowedContextKeysForRequest, anonymousPrincipal, type RunSimulationResults, runSimulation } from '@cloud-copilot/iam-simulate'
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { cappedText } from '../../shared/text.ts'
import type { Principal } from '../service.ts'
import type { Access, AccessRequest, AccessVerdict, PolicyKind } from './access.ts'
import { callerOf } from './caller.ts'
import { contextOf } from './condition-keys.ts'
import { type Question, type Read, readStatement, spelled } from './doubt.ts'

export type NamedPolicy = { readonly name: string; readonly document: string }

/** What IAM knows of a caller. */
export type Identity = { readonly policies: readonly NamedPolicy[]; readonly tags: Readonly<Record<string, string>> }

export type AccessOptions = {
  /** Null: nobody knows this caller. */
  identityOf(principal: Principal): Identity | null
  nowMs(): number
}

/** Callers ask the same again and again; more than this many different questions are asked anew. */
const KEPT_VERDICTS_MAX = 2000
const REASON_BYTES_MAX = 500

/**
 * Judges by the simulator of Cloud Copilot, twice where a policy says what it does not know: once as if that held against the caller, once as
 * if it held for them. What comes to the same is judged; all else is `unknown`. The simulator itself passes over such a statement in silence.
 */
export function createAccess(options: AccessOptions): Access {
  const kept = new Map<string, Promise<AccessVerdict>>()
  return {
    judge(request) {
      const identity = options.identityOf(request.principal)
      if (identity === null) return Promise.resolve(unknown('nobody knows the policies of this caller'))
      const documents = [request.resourcePolicy ?? '', ...identity.policies.map(({ document }) => document)]
      const told = contextOf(request, { tags: identity.tags, nowMs: options.nowMs(), policies: documents })
      const { principal, action, resourceArn, resourceAccountId, resourcePolicy } = request
      const inputs = [principal.arn, action, resourceArn, resourceAccountId, resourcePolicy, [...told.context], identity.policies]
      const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('base64')
      const known = kept.get(digest)
      if (known !== undefined) return known
      const [oldest] = kept.keys()
      if (kept.size >= KEPT_VERDICTS_MAX && oldest !== undefined) kept.delete(oldest)
      const verdict = judged(request, identity, told)
      kept.set(digest, verdict)
      return verdict
    },
  }
}

function unknown(reason: string, isDenialPossible = true): AccessVerdict {
  return { kind: 'unknown', reason: cappedText(reason, REASON_BYTES_MAX), isDenialPossible }
}

type Told = ReturnType<typeof contextOf>

async function judged(request: AccessRequest, identity: Identity, { context, conflicting }: Told): Promise<AccessVerdict> {
  const { action, principal } = request
  const applicable = await applicableKeys(request)
  if (applicable === null) return unknown(`${action} on ${request.resourceArn} is not known`)
  const caller = callerOf(principal)
  const question: Question = {
    action,
    caller,
    accountId: principal.accountId,
    context,
    conflicting,
    isApplicable: (key) => applicable.has(key) || spelled(key) !== key || key.startsWith('aws:principaltag/') || isTagOf(key, applicable),
  }
  const resource = request.resourcePolicy === null ? null : readPolicy(request.resourcePolicy, question)
  const own = identity.policies.map(({ name, document }) => ({ name, read: readPolicy(document, question) }))
  if (resource === 'malformed' || own.some(({ read }) => read === 'malformed')) return unknown('a policy is no policy document')
  const doubts = [resource, ...own.map(({ read }) => read)].flatMap((read) =>
    read === null || read === 'malformed' ? [] : read.statements.flatMap((statement) => statement.doubts),
  )
  const variables = Object.fromEntries([...context].map(([key, value]) => [spelled(key), typeof value === 'string' ? value : [...value]]))
  const run = async (isGenerous: boolean): Promise<AccessVerdict> => {
    const results = await runSimulation(
      {
        request: {
          principal: caller.kind === 'anonymous' ? anonymousPrincipal : principal.arn,
          action,
          resource: { resource: request.resourceArn, accountId: request.resourceAccountId },
          contextVariables: variables,
        },
        identityPolicies:
          caller.kind === 'anonymous'
            ? []
            : own.map(({ name, read }) => ({ name, policy: documentOf(read, { isGenerous, hasPrincipal: false }) })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        resourcePolicy: resource === null ? undefined : documentOf(resource, { isGenerous, hasPrincipal: true }),
      },
      {},
    )
    return verdictOf(results)
  }
  const harsh = await run(false)
  if (doubts.length === 0 || harsh.kind !== 'denied') return harsh
  const generous = await run(true)
  // A denial that may be explicit matters to whoever has a grant.
  if (generous.kind === 'denied' && generous.isExplicit === harsh.isExplicit) return harsh
  return unknown([...new Set(doubts)].join('; '), harsh.isExplicit)
}

/** A tag key that the evaluator knows by a placeholder. */
function isTagOf(key: string, applicable: ReadonlySet<string>): boolean {
  const prefix = key.slice(0, key.indexOf('/') + 1)
  return prefix !== '' && [...applicable].some((known) => known.startsWith(prefix))
}

async function applicableKeys({ action, resourceArn }: AccessRequest): Promise<ReadonlySet<string> | null> {
  const [service = '', name = ''] = action.split(':')
  try {
    return new Set(await allowedContextKeysForRequest(service, name, resourceArn, false, undefined))
  } catch {
    return null
  }
}

type ReadPolicy = { readonly document: JsonObject; readonly statements: readonly Read[] }

function readPolicy(text: string, question: Question): ReadPolicy | 'malformed' {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return 'malformed'
  }
  if (!isJsonObject(document)) return 'malformed'
  const statements = [memberOf(document, 'Statement')].flat()
  if (!statements.every((statement) => isJsonObject(statement))) return 'malformed'
  return { document, statements: statements.map((statement) => readStatement(statement, textOf(document, 'Version'), question)) }
}

/** In the place of a policy of which nothing is left. */
const NOTHING = { Effect: 'Deny', Action: 'none:Nothing', Resource: '*' }

function documentOf(
  read: ReadPolicy | 'malformed',
  { isGenerous, hasPrincipal }: { readonly isGenerous: boolean; readonly hasPrincipal: boolean },
): JsonObject {
  if (read === 'malformed') return {}
  const statements = read.statements
    .filter(({ doubts, isDeny }) => doubts.length === 0 || isDeny !== isGenerous)
    .map((statement) => statement.judged)
  const nothing = hasPrincipal ? { ...NOTHING, Principal: '*' } : NOTHING
  return { ...read.document, Statement: statements.length === 0 ? [nothing] : statements }
}

function verdictOf(results: RunSimulationResults): AccessVerdict {
  switch (results.resultType) {
    case 'error':
      return unknown(`the evaluator refuses the question: ${JSON.stringify(results.errors)}`)
    case 'wildcard':
      return unknown('the resource has a wildcard in its name')
    case 'single': {
      const { identityAnalysis, resourceAnalysis, sameAccount } = results.result.analysis
      const ofResource = resourceAnalysis?.result ?? 'NotApplicable'
      switch (results.overallResult) {
        case 'Allowed':
          return { kind: 'allowed' }
        case 'ExplicitlyDenied': {
          const by: PolicyKind =
            ofResource === 'ExplicitlyDenied' || ofResource === 'DeniedForAccount' ? 'resource-based' : 'identity-based'
          return { kind: 'denied', isExplicit: true, by }
        }
        case 'ImplicitlyDenied': {
          const isOfResource = identityAnalysis?.result === 'Allowed' || (!sameAccount && !ofResource.startsWith('Allowed'))
          return { kind: 'denied', isExplicit: false, by: isOfResource ? 'resource-based' : 'identity-based' }
        }
      }
    }
  }
}
