#!/usr/bin/env node
// Plain JavaScript that any Node.js understands: everything else is TypeScript, which Node.js runs as it is from version 24 on.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  // Start-up is most of a short run, and most of start-up is compiling: what was compiled once is kept.
  // Not in the temporary folder: on a shared machine somebody else might have put code there.
  const { enableCompileCache } = await import('node:module')
  const folder = fileURLToPath(new URL('../node_modules/.cache/keytrail', import.meta.url))
  enableCompileCache(folder)
  // For the processes that it starts.
  process.env.NODE_COMPILE_CACHE ??= folder
  await import('./main.ts')
} else {
  const pinned = fileURLToPath(new URL(`../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url))
  if (!existsSync(pinned)) {
    process.stderr.write(
      `keytrail: this is Node.js ${process.versions.node}, and Keytrail needs ${NODE_MAJOR}.\n` +
        `On Linux "npm ci" brings it along; elsewhere install Node.js ${NODE_MAJOR} or newer from https://nodejs.org and try again.\n`,
    )
    process.exit(2)
  }
  const child = spawn(pinned, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 70)))
}
