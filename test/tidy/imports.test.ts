import { describe, expect, it } from 'vitest'
import { importsOf, type SourceFile, sourceFiles } from './source-files.ts'

const WORDS = 'words'
const CORE = ['rules', 'usage', 'cache', 'envelope', 'cloudtrail', WORDS]
const SHARED = [...CORE, 'proof', 'changes', 'workshop', 'findings', 'policy-file', 'audit', 'aws', 'wiring']

/** Which room may import from which others; every room may import from itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  functions: SHARED,
  cli: [...SHARED, 'report'],
  local: [...SHARED, 'functions'],
  report: [...CORE, 'findings'],
  aws: SHARED.filter((room) => room !== 'wiring'),
  wiring: SHARED.filter((room) => room !== 'aws'),
  proof: [...CORE, 'findings'],
  changes: [...CORE, 'findings'],
  workshop: [...CORE, 'findings'],
  findings: CORE,
  'policy-file': ['rules', 'findings', 'cloudtrail', WORDS],
  audit: ['rules', 'findings', 'policy-file', 'cloudtrail', WORDS],
  rules: ['cloudtrail', WORDS],
  usage: ['cloudtrail', WORDS],
  envelope: ['cache', 'cloudtrail', WORDS],
  cache: ['cloudtrail', WORDS],
  cloudtrail: [WORDS],
  words: [],
}
/** Rooms outside the product, which may use all of it. */
const FREE_ROOMS = ['bench', 'scripts', 'test']
const SDK_ROOMS = ['aws', 'local', 'test', 'bench']

function roomOf(name: string): string {
  const [top = '', second = ''] = name.split('/')
  if (top !== 'shared') return top
  if (second === 'wiring.ts') return 'wiring'
  return second.endsWith('.ts') ? WORDS : second
}

/** Imports that the table does not allow, as `file -> import`. */
function strayImports(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.name)
    if (FREE_ROOMS.includes(room)) return []
    const allowed = [room, ...(MAY_IMPORT[room] ?? [])]
    return importsOf(file)
      .filter((imported) => /^[a-z]+\//.test(imported) && imported.endsWith('.ts') && !allowed.includes(roomOf(imported)))
      .map((imported) => `${file.name} -> ${imported}`)
  })
}

describe('imports', () => {
  const files = sourceFiles()

  it('come from rooms that the table knows', () => {
    const unknown = files.map(({ name }) => roomOf(name)).filter((room) => !FREE_ROOMS.includes(room) && !(room in MAY_IMPORT))
    expect(unknown).toEqual([])
    expect(files.length).toBeGreaterThan(30)
  })

  it('follow the table of rooms', () => {
    expect(strayImports(files)).toEqual([])
  })

  it('are seen by this test where they stray', () => {
    const strays = [
      { name: 'shared/usage/a.ts', text: "import { x } from '../aws/kms.ts'" },
      { name: 'shared/time.ts', text: "import type { x } from './usage/scope.ts'" },
      { name: 'shared/cloudtrail/b.ts', text: "export * from '../usage/scope.ts'" },
      { name: 'shared/findings/c.ts', text: "const x = await import('../proof/budget.ts')" },
      { name: 'cli/d.ts', text: "import '../local/run.ts'" },
    ]
    expect(strayImports(strays)).toHaveLength(strays.length)
    expect(strayImports([{ name: 'cli/e.ts', text: "import { x } from '../shared/usage/scope.ts'" }])).toEqual([])
  })

  it('of the AWS SDK stand only where AWS is spoken to', () => {
    const strays = files.filter(
      (file) => !SDK_ROOMS.includes(roomOf(file.name)) && importsOf(file).some((imported) => imported.startsWith('@aws-sdk/')),
    )
    expect(strays.map(({ name }) => name)).toEqual([])
  })
})

describe('the environment, the clock and chance', () => {
  /** What is read only in shared/wiring.ts, and outside the product. How much time has passed is no time of day: shared/elapsed.ts. */
  const OUTSIDE_WORLD = /\bprocess\.env\b|\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(/

  /** It sets a variable for the processes that it starts. */
  const LAUNCHER = ['cli/keytrail.mjs']

  function strays(files: readonly SourceFile[]): readonly string[] {
    return files
      .filter(
        ({ name }) => ![...FREE_ROOMS, 'local', 'wiring'].includes(roomOf(name)) && ![...LAUNCHER, 'shared/elapsed.ts'].includes(name),
      )
      .filter(({ text }) => OUTSIDE_WORLD.test(text))
      .map(({ name }) => name)
  }

  it('are read in shared/wiring.ts only', () => {
    expect(strays(sourceFiles())).toEqual([])
    expect(strays([{ name: 'cli/a.ts', text: 'const t = Date.now()' }])).toEqual(['cli/a.ts'])
  })
})
