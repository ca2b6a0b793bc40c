import { describe, expect, it } from 'vitest'
import { flawOfFinding } from '../../local/security-hub/asff.ts'
import { asffFinding } from '../../shared/findings/asff.ts'
import { factsText } from '../../shared/findings/evidence.ts'
import { accessEvent, findingEvent, findingsJson } from '../../shared/findings/finding-event.ts'
import { criticalMail, digestMail } from '../../shared/findings/mail.ts'
import type { News } from '../../shared/findings/news.ts'
import { ocsfLines } from '../../shared/findings/ocsf.ts'
import { cutText, plainText } from '../../shared/findings/plain-text.ts'
import type { ShownRule } from '../../shared/findings/shown-rule.ts'
import { decide } from '../../shared/findings/transition.ts'
import { fail } from '../../shared/rules/verdict.ts'
import { ACCOUNT, finding, HUB, key, NOW, rule } from './findings-ground.ts'
import { HOSTILE, hostileFinding, LONG } from './hostile-texts.ts'

const shown = (text: string): ShownRule => ({ ...rule(text), title: text, advice: text, source: 'https://docs.aws.amazon.com/' })

function news(text: string): News {
  const one = hostileFinding(text)
  return {
    finding: one,
    rule: shown(text),
    transitions: [{ from: null, to: 'failing', at: NOW, reason: text }],
    earlier: 0,
    isRepetition: false,
  }
}

const FORMS: readonly (readonly [name: string, bytesMax: number, render: (text: string) => string])[] = [
  ['mail', 262_144, (text) => criticalMail(news(text), ACCOUNT).body],
  [
    'digest',
    262_144,
    (text) => {
      const { finding: one, ...rest } = news(text)
      const all = [
        { ...rest, finding: { ...one, denied: [] } },
        { ...rest, finding: { ...one, denied: [], status: 'passing' as const } },
      ]
      const access = [{ accountId: text, action: text, findings: [one], isRepetition: false }]
      return digestMail({ news: all, access, hubAccountId: ACCOUNT })?.body ?? ''
    },
  ],
  // As texts, not as the JSON of the wire: they are what a console shows.
  ['ASFF', 240 * 1024, (text) => textsIn(asffFinding(hostileFinding(text), shown(text), { hub: HUB, updatedAt: NOW })).join('\n\t')],
  ['OCSF', 240 * 1024, (text) => ocsfLines([hostileFinding(text)], []).trimEnd()],
  ['events', 256_000, (text) => findingEvent(news(text), NOW).detail],
  [
    'events of access',
    256_000,
    (text) => accessEvent({ accountId: text, action: text, findings: [hostileFinding(text)], isRepetition: false }, NOW).detail,
  ],
  ['JSON', 240 * 1024, (text) => findingsJson([hostileFinding(text)]).trimEnd()],
]

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

describe.each(FORMS)('%s', (name, bytesMax, render) => {
  it.each(HOSTILE)('show %s and nothing more', (_, text, forbidden) => {
    const rendered = render(text)
    expect(rendered).not.toMatch(forbidden)
    // Lines are of our making only.
    expect(rendered).not.toMatch(name === 'mail' || name === 'digest' || name === 'ASFF' ? /[^\n\t\P{Cc}]/u : /\p{Cc}/u)
    expect(rendered.isWellFormed()).toBe(true)
    expect(Buffer.byteLength(rendered)).toBeLessThanOrEqual(bytesMax)
  })

  it('tell where something was cut', () => {
    expect(render(LONG)).toContain('[cut: 65536 characters]')
  })
})

const idOf = (arn: string): string | undefined =>
  asffFinding(finding({ resource: key('a', { arn }) }), shown('a'), { hub: HUB, updatedAt: NOW }).Resources[0]?.Id

describe('ASFF of hostile findings', () => {
  it.each(HOSTILE)('is still what Security Hub takes: %s', (_, text) => {
    expect(flawOfFinding(asffFinding(hostileFinding(text), shown(text), { hub: HUB, updatedAt: NOW }))).toBeNull()
  })

  it('keeps resources apart that are cut alike', () => {
    expect(idOf(`${LONG}a`)).not.toBe(idOf(`${LONG}b`))
    expect(idOf('a\u0000b')).not.toBe(idOf('a\\u{0}b'))
  })
})

describe('subjects', () => {
  it.each(HOSTILE)('are printable ASCII of fewer than 100 characters: %s', (_, text) => {
    expect(criticalMail(news(text), ACCOUNT).subject).toMatch(/^\[Keytrail\] [ -~]{1,88}$/)
  })
})

describe('events', () => {
  it('name no resource that is none', () => {
    for (const [, text] of HOSTILE) expect(findingEvent(news(text), NOW).resources).toEqual([])
    const one = finding()
    expect(findingEvent({ ...news('a'), finding: one }, NOW).resources).toEqual([one.resource.arn])
  })
})

describe('plainText', () => {
  const CASES: readonly (readonly [text: string, bytesMax: number, plain: string])[] = [
    ['', 100, ''],
    ['arn:aws:kms:us-east-1:111122223333:key/mrk-1', 100, 'arn:aws:kms:us-east-1:111122223333:key/mrk-1'],
    ['zoë 猫 👋', 100, 'zoë 猫 👋'],
    ['a\tb', 100, 'a\\u{9}b'],
    ['-1', 100, '\\u{2d}1'],
    ['a=1', 100, 'a=1'],
    ['{"a":{"b":1}}', 100, '{"a":{"b":1}}'],
    ['{{{', 100, '\\u{7b}\\u{7b}{'],
    ['x'.repeat(50), 50, 'x'.repeat(50)],
    ['x'.repeat(51), 50, `${'x'.repeat(50 - 21)} [cut: 51 characters]`],
    ['猫'.repeat(20), 50, `${'猫'.repeat(9)} [cut: 20 characters]`],
  ]
  it.each(CASES)('of %j in %d bytes', (text, bytesMax, plain) => {
    expect(plainText(text, bytesMax)).toBe(plain)
    expect(Buffer.byteLength(plain)).toBeLessThanOrEqual(bytesMax)
  })

  it('leaves out nothing silently where it only cuts', () => {
    expect(cutText('a\nb', 100)).toBe('a\nb')
    expect(cutText('x'.repeat(3000), 2048)).toMatch(/^x{2025} \[cut: 3000 characters\]$/)
  })
})

describe('what is kept', () => {
  it('has reasons of 2 KB at most', () => {
    const evidence = { facts: '{}', eventId: null, policyDigest: '' }
    const { next } = decide(null, { rule: rule('a'), resource: key('a'), verdict: fail(LONG), exemption: null, now: NOW, evidence })
    expect(next?.reason).toMatch(/^x+ \[cut: 65536 characters\]$/)
    expect(next?.reason.length).toBe(2048)
  })

  it('has facts as JSON of 8 KB at most: of the longest just their size', () => {
    const facts = {
      short: { known: true, value: 'a' },
      long: { known: true, value: LONG },
      denied: { known: false, action: 'a:B', because: 'denied', code: 'C' },
    } as const
    const text = factsText(facts, ['short', 'long', 'denied', 'none'])
    expect(JSON.parse(text)).toEqual({
      denied: { unread: 'a:B', because: 'denied', code: 'C' },
      long: { cutBytes: 65_538 },
      none: null,
      short: 'a',
    })
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`fact${index}`, { known: true, value: '<b>' }] as const))
    const long = factsText(many, Object.keys(many))
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(8192)
    expect(JSON.parse(long)).toEqual({ cutFacts: 2000 })
  })
})
