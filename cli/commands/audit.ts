import { Command, InvalidArgumentError, Option } from 'commander'
import path from 'node:path'
import type { AwsAccess } from '../../shared/aws/access.ts'
import { ocsfLines } from '../../shared/findings/ocsf.ts'
import { rulesUnder } from '../../shared/policy-file/policy-file.ts'
import { ALL_RULES } from '../../shared/rules/all-rules.ts'
import { KIND_NAMES } from '../../shared/rules/derive/rule-page.ts'
import type { ResourceKind } from '../../shared/rules/facts.ts'
import { type Rule, SEVERITIES, type Severity } from '../../shared/rules/rule.ts'
import type { EpochS } from '../../shared/time.ts'
import type { WorkshopTime } from '../../shared/workshop/ports.ts'
import type { Caller } from '../../shared/workshop/stage.ts'
import { ExitCode, UsageError } from '../exit.ts'
import { awsTime, isConfirmed } from '../input/aws-target.ts'
import { LocalCloudMissing, openLocalTarget } from '../input/local-target.ts'
import { policyFrom } from '../input/policy-input.ts'
import { type Audited, auditJson } from '../output/audit-json.ts'
import { type AuditProgress, lineAuditProgress, silentAuditProgress } from '../output/audit-progress.ts'
import { auditTable } from '../output/audit-table.ts'
import { checkDestination, writeOutput } from '../output/destination.ts'
import { findingsAsff } from '../output/findings-asff.ts'
import { shown } from '../output/shown.ts'
import { sweep, type Swept } from './audit-sweep.ts'
import { knownRule } from './explain.ts'

type AuditOptions = {
  readonly target: 'local' | 'aws'
  readonly folder: string
  readonly kind?: readonly ResourceKind[]
  readonly rule?: readonly string[]
  readonly format: 'table' | 'json' | 'asff' | 'ocsf'
  readonly failOn: Severity
  readonly policy?: string
  readonly out?: string
  readonly force: boolean
  readonly quiet: boolean
}

const KINDS = Object.keys(KIND_NAMES) as readonly ResourceKind[]
const HELP = `
Examples:
  keytrail audit                                       a local cloud: no AWS account, nothing leaves this machine
  keytrail audit --target aws                          the account and Region of your credentials; reads, and changes nothing
  keytrail audit --target aws --kind kms_key --format json --out keys.json
  keytrail audit --target aws --rule kms-key-rotation-enabled --fail-on high

Exit codes: 0 nothing fails; 1 something fails, of the severity of --fail-on at least; 2 wrong usage, or a problem in the policy file;
3 something could not be read; 70 a fault of Keytrail's own.`

/** `keytrail audit`: judges everything in an account by the rules. */
export function auditCommand(standingFolder: string): Command {
  return new Command('audit')
    .description('Judge the keys, buckets and trails of an account by the rules. Nothing is changed.')
    .addOption(new Option('--target <target>', 'where: the local cloud, or AWS').choices(['local', 'aws']).default('local'))
    .option('--folder <folder>', 'where the local cloud keeps its state', '.keytrail')
    .option('--kind <kinds>', `judge these alone, with commas between: ${KINDS.join(', ')}`, parseKinds)
    .option('--rule <rules>', 'judge by these rules alone, with commas between', listOf)
    .addOption(new Option('--format <format>', 'how to write what was found').choices(['table', 'json', 'asff', 'ocsf']).default('table'))
    .addOption(new Option('--fail-on <severity>', 'the least severity that makes the exit code 1').choices(SEVERITIES).default('low'))
    .option('--policy <file>', 'the policy file (default: keytrail.yml, if there is one)')
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--force', 'let --out replace a file', false)
    .option('--quiet', 'show no progress', false)
    .addHelpText('after', HELP)
    .action(async (options: AuditOptions) => {
      process.exitCode = await runAudit(options, standingFolder)
    })
}

/** @returns the exit code */
async function runAudit(options: AuditOptions, standingFolder: string): Promise<number> {
  if (options.folder === '') throw new UsageError('the folder is empty: name one')
  if (options.policy === '') throw new UsageError('the policy file is empty: name one')
  checkDestination({ out: options.out, force: options.force, standingFolder })
  const rules = chosenRules(options)
  if (options.target === 'aws') return auditTarget({ options, rules, standingFolder, access: {}, time: awsTime })
  try {
    const local = await openLocalTarget(path.resolve(standingFolder, options.folder))
    try {
      return await auditTarget({ options, rules, standingFolder, access: local.access, time: local.time })
    } finally {
      await local.close()
    }
  } catch (error) {
    if (!(error instanceof LocalCloudMissing)) throw error
    process.stderr.write(`keytrail: ${shown(error.message)}\n`)
    return ExitCode.unread
  }
}

type Target = {
  readonly options: AuditOptions
  readonly rules: readonly Rule[]
  readonly standingFolder: string
  readonly access: AwsAccess
  readonly time: WorkshopTime
}

async function auditTarget({ options, rules, standingFolder, access, time }: Target): Promise<number> {
  const now = await time.now()
  // Of all rules: what it says of others than the chosen ones is no mistake.
  const found = policyFrom({ file: options.policy, standingFolder, rules: ALL_RULES, now })
  if (found === null) return ExitCode.wrongUsage
  const { policy } = found
  const caller = await callerOf(access)
  if (caller === null) return ExitCode.unread
  // It changes nothing, so it does not ask.
  if (options.target === 'aws') await isConfirmed(caller, '', true)
  const judging = rulesUnder(policy, rules)
  const progress = options.quiet || !process.stderr.isTTY ? silentAuditProgress : lineAuditProgress(process.stderr)
  const swept = await sweepAccount({ access, caller, now, progress }, { rules: judging, policy, now })
  if (swept === null) return ExitCode.unread
  const audited = { swept, caller, policy }
  writeOutput(render(audited, judging, { options, now }), { out: options.out, force: options.force, standingFolder })
  tellFaults(swept)
  return exitCode(swept, options.failOn)
}

/** Null: AWS does not say who calls, and standard error says why. @throws what came of no call */
async function callerOf(access: AwsAccess): Promise<Caller | null> {
  // The SDK's clients take a while to load: only who audits waits for them.
  const [{ readCaller }, { failureOf }] = await Promise.all([
    import('../../shared/aws/caller.ts'),
    import('../../shared/aws/facts/errors.ts'),
  ])
  try {
    return await readCaller(access)
  } catch (error) {
    const isRegionMissing = error instanceof Error && error.message === 'Region is missing'
    const code = isRegionMissing ? error.message : failureOf(error).code
    process.stderr.write(`keytrail: AWS does not say whose account this is (${shown(code)}): are there credentials and a Region?\n`)
    return null
  }
}

type Around = {
  readonly access: AwsAccess
  readonly caller: Caller
  readonly now: EpochS
  readonly progress: AuditProgress
}

/** Null: AWS does not say what it takes to begin, and standard error says why. @throws what came of no call */
async function sweepAccount(
  { access, caller, now, progress }: Around,
  judging: Omit<Parameters<typeof sweep>[0], 'reader' | 'list' | 'onDone'>,
): Promise<Swept | null> {
  const [{ openAudit }, { failureOf }] = await Promise.all([
    import('../../shared/aws/audit-on-aws.ts'),
    import('../../shared/aws/facts/errors.ts'),
  ])
  const opened = await openAudit(access, caller, now).catch((error: unknown) => failureOf(error))
  if ('kind' in opened) {
    progress.stop()
    process.stderr.write(`keytrail: AWS does not say whether Keytrail's own stack is there (${shown(opened.code)})\n`)
    return null
  }
  const { reader, list, close } = opened
  try {
    return await sweep({ ...judging, reader, list, onDone: (kind, done) => progress.tell(KIND_NAMES[kind], done) })
  } finally {
    progress.stop()
    close()
  }
}

function render(
  audited: Audited,
  rules: readonly Rule[],
  { options, now }: { readonly options: AuditOptions; readonly now: EpochS },
): string {
  switch (options.format) {
    case 'table':
      return auditTable(audited, rules, { isColored: options.out === undefined && process.stdout.isTTY && process.stdout.hasColors() })
    case 'json':
      return auditJson(audited)
    case 'asff':
      return findingsAsff(audited, rules, now)
    case 'ocsf':
      return ocsfLines(audited.swept.findings, rules)
  }
}

/** A program that broke on one resource has judged the others: what it found stands, and the fault is told. */
function tellFaults({ faults }: Swept): void {
  for (const { resource, error } of faults) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`keytrail: a fault of Keytrail's own, on ${shown(resource.arn)}. Please report it with what follows.\n${words}\n`)
  }
}

/** Exported for its table of cases. */
export function exitCode({ findings, unlisted, unready, faults }: Swept, failOn: Severity): number {
  if (faults.length > 0) return ExitCode.ownFault
  const isUnread = unlisted.length + unready.length > 0 || findings.some(({ status }) => status === 'unknown')
  if (isUnread) return ExitCode.unread
  const least = SEVERITIES.indexOf(failOn)
  const fails = findings.some(({ status, severity }) => status === 'failing' && SEVERITIES.indexOf(severity) >= least)
  return fails ? ExitCode.failed : ExitCode.fine
}

function chosenRules({ kind, rule }: AuditOptions): readonly Rule[] {
  const named = rule === undefined ? ALL_RULES : [...new Set(rule)].map(knownRule)
  const chosen = named.filter((each) => kind === undefined || kind.includes(each.kind))
  if (chosen.length === 0) throw new UsageError('none of the rules of --rule is about what --kind names')
  return chosen
}

function parseKinds(text: string): readonly ResourceKind[] {
  const names = listOf(text)
  for (const name of names) {
    if (!(KINDS as readonly string[]).includes(name))
      throw new InvalidArgumentError(`There is no kind "${name}". Choose from ${KINDS.join(', ')}.`)
  }
  return KINDS.filter((kind) => names.includes(kind))
}

function listOf(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim())
}
