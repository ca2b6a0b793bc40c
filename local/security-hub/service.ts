import type { DatabaseSync } from 'node:sqlite'
import type { HttpService } from '../http.ts'
import type { ServiceRoom } from '../json-protocol.ts'
import { answerOf, type Outcome, type RecordedOperation, refusal } from '../recorded-operation.ts'
import type { Service, ServiceCall } from '../service.ts'
import { type Findings, findingsIn } from './findings.ts'
import { getFindings } from './get-findings.ts'
import { batchImportFindings } from './import-findings.ts'
import { restJsonProtocol, type Routes } from './rest-json.ts'
import { batchUpdateFindings } from './update-findings.ts'

const ROUTES: Routes = {
  'POST /accounts': 'EnableSecurityHub',
  'GET /accounts': 'DescribeHub',
  'POST /findings/import': 'BatchImportFindings',
  'POST /findings': 'GetFindings',
  'PATCH /findings/batchupdate': 'BatchUpdateFindings',
}
/** https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html and its neighbours; 400 for all others. */
const STATUS: Readonly<Record<string, number>> = { AccessDeniedException: 403, InvalidAccessException: 401, ResourceConflictException: 409 }

/** Security Hub CSPM as far as findings of the account's own product. */
export function createSecurityHub({ db, room }: { readonly db: DatabaseSync; readonly room: ServiceRoom }): HttpService {
  const findings = findingsIn(db)
  const enabled =
    (run: (findings: Findings, call: ServiceCall) => Outcome) =>
    (call: ServiceCall): Outcome => {
      if (findings.enabledMs(call.region) === null)
        return refusal('InvalidAccessException', `Account ${call.accountId} is not subscribed to AWS Security Hub`)
      findings.prune(call.timeMs)
      return run(findings, call)
    }
  const operations = new Map<string, RecordedOperation>([
    ['EnableSecurityHub', { readOnly: false, run: (call) => enableSecurityHub(findings, call) }],
    ['DescribeHub', { readOnly: true, run: enabled(describeHub) }],
    ['BatchImportFindings', { readOnly: false, run: enabled(batchImportFindings) }],
    ['GetFindings', { readOnly: true, run: enabled(getFindings) }],
    ['BatchUpdateFindings', { readOnly: false, run: enabled(batchUpdateFindings) }],
  ])
  const service: Service = {
    signingName: 'securityhub',
    // Operations are methods and paths.
    targetPrefixes: [],
    eventSource: 'securityhub.amazonaws.com',
    async call(call) {
      const answer = await answerOf(operations, call)
      if (!('failure' in answer)) return answer
      return { ...answer, failure: { ...answer.failure, status: STATUS[answer.failure.code] ?? answer.failure.status } }
    },
  }
  return restJsonProtocol(service, ROUTES, room)
}

function hubArn({ region, accountId }: ServiceCall): string {
  return `arn:aws:securityhub:${region}:${accountId}:hub/default`
}

function enableSecurityHub(findings: Findings, call: ServiceCall): Outcome {
  if (findings.enabledMs(call.region) !== null) return refusal('ResourceConflictException', 'Account is already subscribed to Security Hub')
  findings.enable(call.region, call.timeMs)
  return { output: {} }
}

function describeHub(findings: Findings, call: ServiceCall): Outcome {
  return {
    output: {
      HubArn: hubArn(call),
      SubscribedAt: new Date(findings.enabledMs(call.region) ?? 0).toISOString(),
      AutoEnableControls: true,
      ControlFindingGenerator: 'SECURITY_CONTROL',
    },
  }
}
