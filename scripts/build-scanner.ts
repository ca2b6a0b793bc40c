/** Compiles shared/cloudtrail/scan/scanner.as.ts and writes it, as a string, to scanner-wasm.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'

const FOLDER = new URL('../shared/cloudtrail/scan/', import.meta.url)
const SOURCE = 'scanner.as.ts'
/** 16 MiB: the window, the longest list of quotes that fits it, and what is remembered. */
const MEMORY_PAGES = 256

/** The text of scanner-wasm.ts for the source as it stands; throws with the compiler's words if it does not compile. */
export async function compileScanner(): Promise<string> {
  const source = readFileSync(new URL(SOURCE, FOLDER), 'utf8')
  let binary: Uint8Array | undefined
  const options = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--initialMemory', String(MEMORY_PAGES)]
  const messages: string[] = []
  const { error } = await main([SOURCE, '--outFile', 'scanner.wasm', ...options], {
    readFile: (name: string) => (name === SOURCE ? source : null),
    writeFile: (name: string, contents: unknown) => {
      if (name === 'scanner.wasm' && contents instanceof Uint8Array) binary = contents
    },
    listFiles: () => [],
    stderr: { write: (text: string | Uint8Array) => void messages.push(text.toString()) },
  })
  if (error !== null || binary === undefined) throw new Error(`scanner.as.ts does not compile:\n${messages.join('')}`, { cause: error })
  const base64 = Buffer.from(binary).toString('base64')
  return `// Compiled from ${SOURCE} by \`npm run build:scanner\`. Not written by hand.\nexport const SCANNER_WASM =\n  '${base64}'\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('scanner-wasm.ts', FOLDER), await compileScanner())
}
