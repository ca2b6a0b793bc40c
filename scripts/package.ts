/**
 * `npm run package [-- --out <folder>]`: bundles the functions that serverless.yml names and has osls write what would be deployed:
 * an archive per function and the CloudFormation template. Needs no network, no account and no credentials.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'yaml'
import { readPolicy } from '../shared/policy-file/policy-file.ts'
import { problemText } from '../shared/policy-file/problem.ts'
import { ALL_RULES } from '../shared/rules/all-rules.ts'
import { now } from '../shared/wiring.ts'
import { bundleFunction, type Deployed, deployedFunctions, policyToDeploy } from './bundle.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const NODE_MAJOR = 24
const TEMPLATE = 'cloudformation-template-update-stack.json'
const STATE = 'serverless-state.json'
const OSLS_LIMIT_MS = 120_000

/** What stops the packaging, in words that tell what to do. */
class Stopped extends Error {}

function functionsToDeploy(): readonly Deployed[] {
  const functions = deployedFunctions(parse(readFileSync(path.join(ROOT, 'serverless.yml'), 'utf8')))
  if (!functions.ok) throw new Stopped(functions.reason)
  const missing = functions.value.filter(({ source }) => !existsSync(path.join(ROOT, source)))
  if (missing.length > 0) {
    const lines = missing.map(({ name, source }) => `  ${source} (${name})`)
    throw new Stopped(
      `serverless.yml names functions without a source. Write them, or take them out of serverless.yml:\n${lines.join('\n')}`,
    )
  }
  return functions.value
}

/** A function that cannot read its policy does not start: better not deployed. */
function checkPolicy(): void {
  const read = readPolicy(policyToDeploy(ROOT), { rules: ALL_RULES, now: now() })
  const problems = read.ok ? read.warnings : read.problems
  const lines = problems.map((problem) => `  ${problemText('keytrail.yml', problem)}`).join('\n')
  if (!read.ok) throw new Stopped(`keytrail.yml cannot be used. Put right:\n${lines}`)
  if (lines !== '') process.stderr.write(`package: keytrail.yml:\n${lines}\n`)
}

async function bundleAll(functions: readonly Deployed[]): Promise<void> {
  rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true })
  for (const deployed of functions) {
    try {
      await bundleFunction(ROOT, deployed)
    } catch (error) {
      throw new Stopped(`${deployed.source} cannot be bundled. Put right what esbuild says:\n${String(error)}`, { cause: error })
    }
  }
}

/** osls looks through all files below where it stands, once for each function: it stands where nothing else is. */
function packageAside(out: string): void {
  const aside = realpathSync(mkdtempSync(path.join(tmpdir(), 'keytrail-osls-')))
  try {
    for (const name of ['serverless.yml', 'dist']) cpSync(path.join(ROOT, name), path.join(aside, name), { recursive: true })
    runOsls(aside, out)
    // Whoever deploys finds the archives where this says that they are.
    const state = path.join(out, STATE)
    writeFileSync(state, readFileSync(state, 'utf8').replaceAll(path.join(aside, '.serverless'), out))
  } finally {
    rmSync(aside, { recursive: true })
  }
}

function runOsls(cwd: string, out: string): void {
  const require = createRequire(import.meta.url)
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [require.resolve('osls/bin/serverless.js'), 'package', '--package', out],
    {
      cwd,
      encoding: 'utf8',
      timeout: OSLS_LIMIT_MS,
      // Nothing of the user's AWS settings: what is packaged is the same for everyone.
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TMPDIR: process.env['TMPDIR'],
        SLS_SCHEMA_CACHE_BASE_DIR: path.join(ROOT, 'node_modules/.cache/osls'),
      },
    },
  )
  if (status === 0) return
  throw new Stopped(`osls could not package serverless.yml. Put right what it says:\n${stdout}${stderr}${error?.message ?? ''}`)
}

function sizeLine(file: string): string {
  return `  ${path.relative(process.cwd(), file)}  ${(statSync(file).size / 1024).toFixed(0)} KiB\n`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(ROOT, '.serverless') } } })
  const out = path.resolve(values.out)
  const functions = functionsToDeploy()
  checkPolicy()
  await bundleAll(functions)
  packageAside(out)
  const files = [...functions.map(({ name }) => `${name}.zip`), TEMPLATE].map((name) => path.join(out, name))
  process.stdout.write(`Packaged:\n${files.map(sizeLine).join('')}docs/deploy.md tells how to deploy it.\n`)
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  process.stderr.write(`package: this is Node.js ${process.versions.node}. Run it as "npm run package", or with Node.js ${NODE_MAJOR}.\n`)
  process.exitCode = 2
} else {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof Stopped)) throw error
    process.stderr.write(`package: ${error.message}\n`)
    process.exitCode = 1
  }
}
