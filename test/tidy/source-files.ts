import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')
const ROOMS = ['bench', 'cli', 'functions', 'local', 'report', 'scripts', 'shared', 'test']

export type SourceFile = { readonly name: string; readonly text: string }

/** Every TypeScript and JavaScript file of the project, by its path from the root. */
export function sourceFiles(): readonly SourceFile[] {
  return readdirSync(ROOT, { recursive: false, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && ROOMS.includes(entry.name))
    .flatMap((room) =>
      readdirSync(path.join(ROOT, room.name), { recursive: true, encoding: 'utf8' }).map((name) => path.join(room.name, name)),
    )
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.endsWith('.d.ts') && !name.endsWith('.as.ts'))
    .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(path.join(ROOT, name), 'utf8') }))
}

/** What a file imports: packages by name, files by their path from the root. */
export function importsOf(file: SourceFile): readonly string[] {
  const specifiers = [...file.text.matchAll(/\b(?:from|import)\s*\(?\s*'(?<specifier>[^']+)'/g)].map(
    (match) => match.groups?.['specifier'] ?? '',
  )
  return specifiers.map((specifier) => (specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file.name), specifier) : specifier))
}
