import { isJsonObject, type JsonObject, memberOf, textOf } from '../../shared/json.ts'
import { type Outcome, refusal } from '../recorded-operation.ts'
import type { ServiceCall } from '../service.ts'
import { flawOfUpdate } from './asff.ts'
import type { Findings } from './findings.ts'
import { BATCH_MAX, completeSeverity, FINDING_BYTES_MAX, TOO_LARGE } from './import-findings.ts'

/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindingsUnprocessedFinding.html */
const NOT_FOUND = { ErrorCode: 'FindingNotFound', ErrorMessage: 'Finding Not Found' }
const NAMED_TWICE = { ErrorCode: 'DuplicatedFindingIdentifier', ErrorMessage: 'Finding Identifier is duplicated' }

/** What a customer says of findings. It leaves `UpdatedAt` as it is, which is the provider's. */
export function batchUpdateFindings(findings: Findings, call: ServiceCall): Outcome {
  const { FindingIdentifiers: named, ...update } = call.input
  if (!Array.isArray(named) || named.length < 1 || named.length > BATCH_MAX)
    return refusal('InvalidInputException', `FindingIdentifiers must have 1 to ${BATCH_MAX} members.`)
  const flaw = flawOfUpdate(update)
  if (flaw !== null) return refusal('InvalidInputException', `Invalid parameter: the update ${flaw}.`)
  const identifiers = named.map((identifier) => {
    const [Id, ProductArn] = isJsonObject(identifier) ? [textOf(identifier, 'Id'), textOf(identifier, 'ProductArn')] : []
    return { Id: Id ?? '', ProductArn: ProductArn ?? '' }
  })
  const texts = identifiers.map((identifier) => JSON.stringify(identifier))
  const outcomes = identifiers.map((identifier, index) => ({
    identifier,
    failure: texts.indexOf(texts[index] ?? '') === index ? updateOne(findings, identifier, update, call) : NAMED_TWICE,
  }))
  return {
    output: {
      ProcessedFindings: outcomes.filter(({ failure }) => failure === null).map(({ identifier }) => identifier),
      UnprocessedFindings: outcomes.flatMap(({ identifier, failure }) =>
        failure === null ? [] : [{ FindingIdentifier: identifier, ...failure }],
      ),
    },
  }
}

type Identifier = { readonly Id: string; readonly ProductArn: string }

function updateOne(findings: Findings, { Id, ProductArn }: Identifier, update: JsonObject, call: ServiceCall): typeof NOT_FOUND | null {
  const name = { region: call.region, productArn: ProductArn, id: Id }
  const known = findings.find(name)
  if (known === null) return NOT_FOUND
  const note = memberOf(update, 'Note')
  const changes = {
    ...update,
    ...('Severity' in update && { Severity: completeSeverity(update['Severity']) }),
    ...(isJsonObject(note) && { Note: { ...note, UpdatedAt: new Date(call.timeMs).toISOString() } }),
  }
  const finding = { ...known.finding, ...changes }
  if (Buffer.byteLength(JSON.stringify(finding)) > FINDING_BYTES_MAX) return TOO_LARGE
  const customerFields = [...new Set([...known.customerFields, ...Object.keys(changes)])]
  findings.put(name, { finding, customerFields }, call.timeMs)
  return null
}
