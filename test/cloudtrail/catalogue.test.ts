import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CATALOGUE, cataloguedEvent } from '../../shared/cloudtrail/catalogue.ts'
import type { CataloguedEvent, ResourcePlace } from '../../shared/cloudtrail/catalogue.ts'

type SampleRecord = {
  readonly eventSource: string
  readonly eventName: string
  readonly eventID: string
  readonly eventType: string
  readonly readOnly?: boolean
  /** Absent before version 1.07. */
  readonly eventCategory?: string
  readonly requestID?: string
  readonly recipientAccountId: string
  readonly sharedEventID?: string
  readonly addendum?: { readonly originalEventID?: string; readonly originalRequestID?: string }
  readonly resources?: readonly { readonly ARN?: string }[]
  readonly requestParameters?: Readonly<Record<string, unknown>> | null
  readonly responseElements?: Readonly<Record<string, unknown>> | null
}
type Sample = {
  readonly file: string
  readonly source: string
  readonly name: string
  readonly variant: string | undefined
  readonly record: SampleRecord
  readonly text: string
}

const EVENTS = new URL('../../events/', import.meta.url)
const FILE_NAME = /^(?<name>[A-Z][A-Za-z0-9]+)(\.(?<variant>[a-z0-9]+(-[a-z0-9]+)*))?\.json$/

const samples = readSamples()
const catalogued = Object.entries<Record<string, CataloguedEvent>>(CATALOGUE).flatMap(([source, events]) =>
  Object.entries(events).map(([name, event]) => ({ source, name, event })),
)

describe('a sample event', () => {
  it('exists for every catalogued event, plain', () => {
    const missing = catalogued.filter(({ source, name }) => !samples.some((sample) => isPlain(sample) && is(sample, source, name)))
    expect(missing.map(({ source, name }) => `${source}/${name}.json`)).toEqual([])
  })

  it('is of a catalogued event; only data events, which are variants, are not', () => {
    const strays = samples.filter((sample) => !eventOf(sample) && (isPlain(sample) || sample.record.eventCategory !== 'Data'))
    expect(filesOf(strays)).toEqual([])
  })

  it('holds the event its place and name promise', () => {
    const misplaced = samples.filter(({ source, name, record }) => record.eventSource !== source || record.eventName !== name)
    expect(filesOf(misplaced)).toEqual([])
  })

  it('is read-only or not, as the catalogue says', () => {
    // A network activity event does not tell.
    const told = samples.filter((sample) => eventOf(sample) && sample.record.eventCategory !== 'NetworkActivity')
    expect(filesOf(told.filter((sample) => sample.record.readOnly !== eventOf(sample)?.readOnly))).toEqual([])
  })

  it('has the event type of its category and of the kind the catalogue says', () => {
    const wrong = samples.filter((sample) => sample.record.eventType !== expectedEventType(sample))
    expect(filesOf(wrong)).toEqual([])
  })

  it('names its resource where the catalogue says, if plain; a variant may show a record that does not', () => {
    const wrong = samples.filter((sample) => {
      const event = eventOf(sample)
      if (!event || !isPlain(sample)) return false
      return event.resource === 'none'
        ? namesIn(sample.record, 'resources').length > 0
        : namesIn(sample.record, event.resource).length === 0
    })
    expect(filesOf(wrong)).toEqual([])
  })

  it('has an event ID of its own', () => {
    const ids = samples.map(({ record }) => record.eventID)
    expect(ids.filter((id) => !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toEqual([])
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('tells of the same call as another only as a copy for another account or as its correction', () => {
    const calls = Map.groupBy(samples, ({ record }) => record.sharedEventID ?? record.addendum?.originalEventID ?? record.eventID)
    const several = [...calls.values()].filter((tellings) => tellings.length > 1)
    expect(several.filter((tellings) => !areCopies(tellings) && !areCorrections(tellings)).map(filesOf)).toEqual([])
    // Both are there.
    expect(several.some(areCopies)).toBe(true)
    expect(several.some(areCorrections)).toBe(true)
  })

  it('corrects a record that is there', () => {
    const corrections = samples.filter(({ record }) => record.addendum?.originalEventID !== undefined)
    const originals = new Set(samples.map(({ record }) => record.eventID))
    expect(filesOf(corrections.filter(({ record }) => !originals.has(record.addendum?.originalEventID ?? '')))).toEqual([])
  })

  it('spells every KMS ARN as AWS does, in the partition of its Region', () => {
    const arns = samples.flatMap(({ file, text }) => [...text.matchAll(/arn:[\w-]*:kms:[^\s"\\]*/g)].map(([arn]) => ({ file, arn })))
    expect(arns.filter(({ arn }) => arn.includes(':key/')).length).toBeGreaterThan(100)
    expect(arns.filter(({ arn }) => !isKmsArn(arn))).toEqual([])
  })

  it('stands in the README if it is a variant, and nothing else does', () => {
    const readme = readFileSync(new URL('README.md', EVENTS), 'utf8')
    const listed = [...readme.matchAll(/^\| `(?<sample>[^`]+)` +\|/gm)].map((row) => row.groups?.['sample'] ?? '')
    const variants = samples.flatMap(({ name, variant }) => (variant === undefined ? [] : [`${name}.${variant}`]))
    expect(listed.toSorted()).toEqual(variants.toSorted())
  })
})

describe('the catalogue', () => {
  it('has KMS cryptographic operations as read-only events', () => {
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-management-event-list.html
    const cryptographic = [
      'Decapsulate Decrypt DeriveSharedSecret Encapsulate Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext',
      'GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom ReEncrypt Sign Verify VerifyMac',
    ].flatMap((names) => names.split(' '))
    expect(cryptographic.filter((name) => !cataloguedEvent('kms.amazonaws.com', name)?.readOnly)).toEqual([])
  })

  it('has what starts with Describe, Get or List as read-only events, and nothing else outside KMS', () => {
    const reading = /^(Describe|Get|List)/
    const wrong = catalogued.filter(({ source, name, event }) =>
      source === 'kms.amazonaws.com' ? reading.test(name) && !event.readOnly : reading.test(name) !== event.readOnly,
    )
    expect(wrong).toEqual([])
  })

  it('documents every event on an AWS page of its own', () => {
    const pages = catalogued.map(({ event }) => event.documentation)
    expect(pages.filter((page) => !/^https:\/\/docs\.aws\.amazon\.com\/[\w/-]+\.html$/.test(page))).toEqual([])
    expect(pages.filter((page, index) => pages.indexOf(page) !== index)).toEqual([])
  })

  it('finds an event by source and name', () => {
    expect(cataloguedEvent('kms.amazonaws.com', 'RotateKey')).toEqual({
      readOnly: false,
      kind: 'service-event',
      resource: 'resources',
      documentation: 'https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html',
    })
    expect(cataloguedEvent('kms.amazonaws.com', 'PutBucketPolicy')).toBeUndefined()
    expect(cataloguedEvent('kms.amazonaws.com', 'decrypt')).toBeUndefined()
    expect(cataloguedEvent('', '')).toBeUndefined()
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])('does not take %s for a source or a name', (word) => {
    expect(cataloguedEvent('kms.amazonaws.com', word)).toBeUndefined()
    expect(cataloguedEvent(word, 'Decrypt')).toBeUndefined()
    expect(cataloguedEvent(word, word)).toBeUndefined()
  })
})

function readSamples(): readonly Sample[] {
  const files = readdirSync(EVENTS, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('/'))
  return files.toSorted().map((file) => {
    const [source, fileName, ...deeper] = file.split('/')
    const { name, variant } = FILE_NAME.exec(fileName ?? '')?.groups ?? {}
    if (source === undefined || name === undefined || deeper.length > 0) throw new Error(`events/${file} is not named after an event`)
    const text = readFileSync(new URL(file, EVENTS), 'utf8')
    return { file, source, name, variant, record: JSON.parse(text) as SampleRecord, text }
  })
}

function filesOf(some: readonly Sample[]): readonly string[] {
  return some.map(({ file }) => file)
}

function isPlain(sample: Sample): boolean {
  return sample.variant === undefined
}

function is(sample: Sample, source: string, name: string): boolean {
  return sample.source === source && sample.name === name
}

function eventOf(sample: Sample): CataloguedEvent | undefined {
  return cataloguedEvent(sample.source, sample.name)
}

function expectedEventType(sample: Sample): string {
  if (sample.record.eventCategory === 'NetworkActivity') return 'AwsVpceEvent'
  return eventOf(sample)?.kind === 'service-event' ? 'AwsServiceEvent' : 'AwsApiCall'
}

function namesIn(record: SampleRecord, place: ResourcePlace): readonly string[] {
  const named = place === 'resources' ? (record.resources ?? []).map(({ ARN }) => ARN) : [memberAt(record, place)]
  return named.flatMap((name) => (typeof name === 'string' && name !== '' ? [name] : []))
}

function memberAt(record: SampleRecord, place: Exclude<ResourcePlace, 'resources'>): unknown {
  const [part, member] = place.split('.')
  if (member === undefined) return undefined
  return (part === 'responseElements' ? record.responseElements : record.requestParameters)?.[member]
}

function areCopies(tellings: readonly Sample[]): boolean {
  const accounts = new Set(tellings.map(({ record }) => record.recipientAccountId))
  return accounts.size === tellings.length && tellings.every(({ record }) => record.sharedEventID !== undefined)
}

function areCorrections(tellings: readonly Sample[]): boolean {
  const originals = tellings.filter(({ record }) => record.addendum?.originalEventID === undefined)
  const [original] = originals
  return (
    originals.length === 1 &&
    tellings.every(({ name, record }) => {
      if (record === original?.record) return true
      return name === original?.name && record.addendum?.originalRequestID === original.record.requestID
    })
  )
}

function isKmsArn(arn: string): boolean {
  const parts = /^arn:(?<partition>aws|aws-cn|aws-us-gov):kms:(?<region>[a-z]{2}(-[a-z]+)+-\d):\d{12}:(?<resource>.+)$/.exec(arn)?.groups
  const { partition, region = '', resource = '' } = parts ?? {}
  const home = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  return partition === home && /^(key\/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})|alias\/[\w/-]+)$/.test(resource)
}
