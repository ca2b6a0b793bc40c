import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readTrailBytes } from '../../cli/input/trail-bytes.ts'
import { DIMENSIONS, type UsageRow, usageReport } from '../../shared/usage/usage-report.ts'
import { createUsageReader, type UsageOfBytes } from '../../shared/usage/usage-reader.ts'
import { createUseLedger } from '../../shared/usage/use-ledger.ts'
import { arbitraryMess, arbitraryTrail, createDice, DECOY, type Dice, type Json, writeJson } from '../support/arbitrary-trail.ts'
import { itemsOf, plainRecount, type PlainRecount, type PlainRow } from '../support/plain-recount.ts'

type Kind = 'record' | 'EventBridge event' | 'list' | 'Records' | 'Events'
/** How a file brings its items: so many a document, with this between documents. */
type Form = {
  readonly name: string
  readonly kinds: readonly [Kind, ...Kind[]]
  readonly size: number
  readonly between: readonly [string, ...string[]]
}
type SplitFile = {
  readonly form: Form
  readonly documents: readonly string[]
  readonly between: string
  readonly packing: 'none' | 'gzip' | 'members'
}

const FORMS: readonly [Form, ...Form[]] = [
  { name: 'JSON lines', kinds: ['record'], size: 1, between: ['\n', '\r\n', '\n\n', '\r\n \t\r\n'] },
  { name: 'log file', kinds: ['Records'], size: 99, between: [''] },
  { name: 'answer of LookupEvents', kinds: ['Events'], size: 99, between: [''] },
  { name: 'list', kinds: ['list'], size: 99, between: [''] },
  { name: 'EventBridge events', kinds: ['EventBridge event'], size: 1, between: ['\n', ''] },
  { name: 'concatenated', kinds: ['record'], size: 1, between: ['', ' '] },
  { name: 'single', kinds: ['record'], size: 1, between: [''] },
  { name: 'anything', kinds: ['record', 'Records', 'Events', 'list', 'EventBridge event'], size: 3, between: ['\n', ''] },
]
const PLAINEST = createDice(0)
/** Stands before and behind the list of records. */
const BESIDE: Json = {
  note: '"Records":[{"eventSource":"kms.amazonaws.com"}],',
  inner: { Records: [{ eventName: 'Decrypt' }], Events: [] },
}

function split(items: readonly Json[], dice: Dice, hasRepeats: boolean): readonly SplitFile[] {
  const repeated = items.flatMap((item) => Array.from({ length: hasRepeats && dice.oneIn(3) ? 2 + dice.below(2) : 1 }, () => item))
  const left = [...dice.shuffled(repeated)]
  const files: SplitFile[] = []
  while (left.length > 0) {
    const form = dice.pick(FORMS)
    const count = form.name === 'single' ? 1 : dice.below(left.length) + 1
    files.push(writeFile(form, left.splice(0, dice.oneIn(3) ? count : Math.min(count, 5)), dice))
  }
  return files
}

function writeFile(form: Form, items: readonly Json[], dice: Dice): SplitFile {
  const documents: string[] = []
  const newline = form.name !== 'JSON lines' && dice.oneIn(4) ? '\n' : ''
  for (let index = 0; index < items.length; index += form.size) {
    documents.push(
      ...writeDocuments(dice.pick(form.kinds), items.slice(index, index + form.size), dice.oneIn(2) ? dice : PLAINEST, newline),
    )
  }
  return { form, documents, between: dice.pick(form.between), packing: dice.below(8) < 6 ? 'none' : dice.pick(['gzip', 'members']) }
}

function writeDocuments(kind: Kind, items: readonly Json[], dice: Dice, newline: string): readonly string[] {
  const write = (item: Json): string => writeJson(item, dice, newline)
  const about = { version: '0', 'detail-type': `AWS ${dice.pick(['API Call', 'Service Event'])} via CloudTrail`, source: 'aws.kms' }
  switch (kind) {
    case 'record':
      return items.map(write)
    case 'EventBridge event':
      return items.map((detail) => write({ ...about, detail }))
    case 'list':
      return [listOf(items.map((item) => write(dice.oneIn(3) ? { ...about, detail: item } : item)))]
    case 'Records':
      return [withMembersBeside(`"Records":${listOf(items.map(write))}`, dice)]
    case 'Events':
      return [
        withMembersBeside(
          `"Events": ${listOf(items.map((item) => write({ EventId: 'a', CloudTrailEvent: write(item), Resources: [] })))}`,
          dice,
        ),
      ]
  }
}

function listOf(texts: readonly string[]): string {
  return `[${texts.join(',\n')}]`
}

function withMembersBeside(member: string, dice: Dice): string {
  const [before, behind] = [dice.oneIn(3), dice.oneIn(3)]
  return `{${before ? `"about":${writeJson(BESIDE, dice)},` : ''}${member}${behind ? `,"more" :${writeJson(BESIDE, dice)}` : ''}}`
}

/** How often what could be counted wrongly occurred: a property that no longer meets it proves nothing. */
const seen = new Map<string, number>(FORMS.map(({ name }) => [name, 0]))
function see(name: string, count: number | boolean): void {
  seen.set(name, (seen.get(name) ?? 0) + Number(count))
}

const folder = mkdtempSync(path.join(tmpdir(), 'keytrail-totals-'))
afterAll(() => rmSync(folder, { recursive: true }))
const reader = createUsageReader({ since: null, until: null })

async function readFile({ form, documents, between, packing }: SplitFile, dice: Dice): Promise<UsageOfBytes> {
  const bytes = Buffer.from(documents.join(between))
  const most = dice.pick([1 << 20, 4096, 200, 20, 1])
  const feed = (piece: Uint8Array): void => {
    for (let from = 0, to = 0; from < piece.length; from = to) {
      to = Math.min(piece.length, from + 1 + dice.below(most))
      reader.feed(piece.subarray(from, to))
    }
  }
  see('a record in pieces', form.name === 'single' && bytes.length > most)
  if (packing === 'none') feed(bytes)
  else await unpack(packing === 'gzip' ? [bytes] : halves(bytes, dice), feed)
  return reader.finish()
}

/** Packed, a file is read from a disk, as the command does. */
async function unpack(members: readonly Buffer[], give: (bytes: Uint8Array) => void): Promise<void> {
  const file = path.join(folder, 'trail.json.gz')
  const packed = Buffer.concat(members.map((member) => gzipSync(member, { level: 1 })))
  writeFileSync(file, packed)
  expect(
    await readTrailBytes({ name: file, path: file, bytes: packed.length }, { expandedBytesMax: 1 << 30, onRead: () => {} }, give),
  ).toBeNull()
}

function halves(bytes: Buffer, dice: Dice): readonly Buffer[] {
  const middle = dice.below(bytes.length)
  return [bytes.subarray(0, middle), bytes.subarray(middle)]
}

type Counted = Omit<PlainRecount, 'settledByCaller' | 'keylessTakenIn' | 'left'>

async function countByProduct(files: readonly SplitFile[], dice: Dice): Promise<Counted> {
  const usages: UsageOfBytes[] = []
  for (const file of files) usages.push(await readFile(file, dice))
  const ledger = createUseLedger()
  for (const { uses } of dice.shuffled(usages)) {
    ledger.add(uses)
    // Asking in between must not change what comes after.
    if (dice.oneIn(4)) ledger.tally({ byHour: dice.oneIn(2) })
  }
  const records = usages.reduce((total, usage) => total + usage.records, 0)
  const malformed = usages.flatMap((usage) => usage.malformed).map((place) => ({ file: 'trail.json', ...place }))
  const report = usageReport({ records, ...ledger.tally({ byHour: true }), malformed, skipped: [] }, DIMENSIONS)
  return { ...report, malformed: report.malformed.length }
}

/** Rows as text, in an order of their own: their names and the order of names are part of the contract, the order of `null`s is not. */
function comparable({ records, malformed, duplicates, dryRuns, calls, unattributed }: Counted) {
  return { records, malformed, duplicates, dryRuns, calls: textsOf(calls), unattributed: textsOf(unattributed) }
}

function textsOf(rows: readonly (UsageRow | PlainRow)[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}

const ITEM_CASES: Readonly<Record<string, RegExp>> = {
  ReEncrypt: /"eventName":"ReEncrypt"/,
  'a dry run': /"errorCode":"DryRun/,
  'an empty errorCode': /"errorCode":""/,
  'a number as errorCode': /"errorCode":5/,
  'a network activity': /"eventCategory":"NetworkActivity"/,
  'a time that cannot be read': /"eventTime":"yesterday"/,
  'a correction': /"UPDATED_DATA"/,
  'a late delivery': /"DELIVERY_DELAY"/,
  'an event that is only quoted': /"userAgent":"\{\\"eventSource/,
  'a member called __proto__': /"__proto__":\{/,
  'an identity called toString': /"(?:event|sharedEvent)ID":"toString"/,
  'an identity in upper case': /"(?:event|sharedEvent)ID":"[^"a-z]+-[^"a-z]+"/,
  'a bare key ID': /"keyId":"(?:mrk-|[\da-fA-F]{8}-)/,
  'an alias where a key should be': /"ARN":"arn:aws:kms:[^"]*:alias/,
}

function seeItems(items: readonly Json[]): void {
  const texts = items.map((item) => JSON.stringify(item))
  for (const [name, pattern] of Object.entries(ITEM_CASES)) see(name, texts.filter((text) => pattern.test(text)).length)
  const ids = new Set(texts.flatMap((text) => text.match(/(?<="(?:e|sharedE)ventID":")[^"]+/g) ?? []))
  see('identities that differ in case only', ids.size - new Set([...ids].map((id) => id.toLowerCase())).size)
}

function seeFiles(files: readonly SplitFile[], recount: PlainRecount): void {
  const texts = files.map(({ documents, between }) => documents.join(between))
  for (const { form, packing } of files) {
    see(form.name, true)
    see(`packing ${packing}`, true)
  }
  see('characters written as escapes', texts.filter((text) => /\\u00[2-7]/.test(text)).length)
  see('slashes written as escapes', texts.filter((text) => text.includes('\\/')).length)
  see('members that a later one replaces', texts.filter((text) => text.includes(DECOY)).length)
  see('duplicates', recount.duplicates)
  see('malformed', recount.malformed)
  see('repeats in other files', repeatsAcross(files))
  see('dry runs', recount.dryRuns)
  see('only an alias', recount.unattributed.filter(({ sent }) => String(sent).startsWith('alias/')).length)
  see("uses settled by the caller's own copy", recount.settledByCaller)
  see('copies without key taken in', recount.keylessTakenIn)
  see('keys made of a bare ID', recount.calls.filter(({ keyArn }) => String(keyArn).includes(':us-')).length)
  see('uses without an hour', recount.calls.filter(({ hour }) => hour === null).length)
}

/** Records that another file has brought already. */
function repeatsAcross(files: readonly SplitFile[]): number {
  const inFiles = files.map(({ documents }) => new Set(documents.flatMap(documentItems).map((item) => JSON.stringify(item))))
  const all = inFiles.flatMap((items) => [...items])
  return all.length - new Set(all).size
}

function documentItems(document: string): readonly unknown[] {
  return itemsOf(JSON.parse(document))
}

/** How many uses an operation made of a key, whoever made them how. */
function usesOf({ calls, unattributed }: Counted): Readonly<Record<string, number>> {
  const uses: Record<string, number> = {}
  for (const { keyArn, operation, succeeded, failed } of [...calls, ...unattributed]) {
    const name = `${operation} of ${keyArn}`
    uses[name] = (uses[name] ?? 0) + Number(succeeded) + Number(failed)
  }
  return uses
}

const anySeed = fc.nat({ max: 2 ** 31 })
const OCCURRENCES_MIN = 1

describe('the totals of a trail', () => {
  it('are those of a plain recount, whatever the files, their order, form and pieces, and however often a record comes', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTrail, anySeed, async (items, seed) => {
        const dice = createDice(seed)
        const files = split(items, dice, true)
        const recount = plainRecount(files.flatMap(({ documents }) => documents.flatMap(documentItems)))
        expect(recount.left, 'uses of which the rules do not say all').toBe(0)
        seeItems(items)
        seeFiles(files, recount)
        expect(comparable(await countByProduct(files, dice))).toEqual(comparable(recount))
      }),
      { numRuns: 120 },
    )
    expect([...seen].filter(([, count]) => count < OCCURRENCES_MIN)).toEqual([])
  })

  it('are the same in any order where copies contradict each other', async () => {
    let ranked = 0
    await fc.assert(
      fc.asyncProperty(arbitraryMess, anySeed, anySeed, async (items, one, two) => {
        const [once, again, often] = [
          await countByProduct(split(items, createDice(one), false), createDice(one)),
          await countByProduct(split(items, createDice(two), false), createDice(two)),
          await countByProduct(split(items, createDice(two), true), createDice(one)),
        ]
        expect(JSON.stringify(again)).toBe(JSON.stringify(once))
        expect({ ...often, records: once.records, duplicates: once.duplicates }).toEqual(once)
        const recount = plainRecount(items)
        ranked += recount.left
        // Which copy holds decides what is a dry run and no use.
        const hasDryRuns = JSON.stringify(items).includes('DryRun')
        expect(usesOf(once)).toEqual(usesOf(hasDryRuns ? once : recount))
      }),
      { numRuns: 50 },
    )
    expect(ranked, 'uses whose copies are ranked by their bytes').toBeGreaterThanOrEqual(OCCURRENCES_MIN)
  })
})
