/** What serverless.yml deploys, and how each function becomes one file. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'esbuild'
import { isJsonObject, type JsonObject, memberOf, textOf } from '../shared/json.ts'
import { parsed, type Parsed, refused } from '../shared/parsed.ts'

/** A function as serverless.yml names it; paths from the root of the project. */
export type Deployed = {
  /** Its name in serverless.yml, such as `countKeyUsage`. */
  readonly name: string
  /** `functions/<file>.ts` */
  readonly source: string
  /** `dist/<file>/index.mjs`, the only file in its archive. */
  readonly bundle: string
  /** What esbuild tells of the bundle's insides; not deployed. */
  readonly metafile: string
}

const HANDLER = /^dist\/(?<file>[a-z][a-z0-9-]*)\/index\.handler$/

/** The functions of a serverless.yml that was read as YAML, or what is wrong with it. */
export function deployedFunctions(serverless: unknown): Parsed<readonly Deployed[]> {
  const functions = isJsonObject(serverless) ? memberOf(serverless, 'functions') : undefined
  if (!isJsonObject(functions) || Object.keys(functions).length === 0) return refused('serverless.yml names no functions')
  const deployed: Deployed[] = []
  for (const [name, settings] of Object.entries(functions)) {
    const file = isJsonObject(settings) ? fileOf(settings) : undefined
    if (file === undefined) {
      return refused(`serverless.yml: the handler of ${name} has to be dist/<file>/index.handler, for the source functions/<file>.ts`)
    }
    deployed.push({ name, source: `functions/${file}.ts`, bundle: `dist/${file}/index.mjs`, metafile: `dist/${file}.meta.json` })
  }
  return parsed(deployed)
}

function fileOf(settings: JsonObject): string | undefined {
  return HANDLER.exec(textOf(settings, 'handler') ?? '')?.groups?.['file']
}

/** The team's policy as it stands in the project; no bytes where there is none. It is deployed with the code that judges by it. */
export function policyToDeploy(root: string): Uint8Array {
  const file = path.join(root, 'keytrail.yml')
  return existsSync(file) ? readFileSync(file) : new Uint8Array()
}

// Parts of the AWS SDK are CommonJS and call `require`, which an ES module does not have.
const REQUIRE_BANNER =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);"

/** Bundles one function with all it imports, the AWS SDK included: what was tested is what runs. Throws with esbuild's words. */
export async function bundleFunction(root: string, { source, bundle, metafile }: Deployed): Promise<void> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    sourcemap: false,
    // The ES modules of packages that have both: half the size.
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
    // shared/wiring.ts
    define: { KEYTRAIL_POLICY: JSON.stringify(Buffer.from(policyToDeploy(root)).toString('base64')) },
    metafile: true,
    logLevel: 'silent',
  })
  await mkdir(path.dirname(path.join(root, metafile)), { recursive: true })
  await writeFile(path.join(root, metafile), JSON.stringify(result.metafile))
}
