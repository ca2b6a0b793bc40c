import { describe, expect, it } from 'vitest'
import type { Swept } from '../../cli/commands/audit-sweep.ts'
import { auditJson } from '../../cli/output/audit-json.ts'
import { auditTable } from '../../cli/output/audit-table.ts'
import { findingsAsff } from '../../cli/output/findings-asff.ts'
import { unread } from '../../shared/observed.ts'
import { defaultPolicy } from '../../shared/policy-file/policy-file.ts'
import type { Finding } from '../../shared/findings/finding.ts'
import { ACCOUNT, exemption, finding, key, NOW, RULES } from './findings-ground.ts'
import { keytrail, temporaryFolder } from '../support/cli.ts'
import { HOSTILE, LONG } from './hostile-texts.ts'

const CALLER = { accountId: ACCOUNT, region: 'us-east-1', partition: 'aws' }

/** An audit in which strangers named everything that has a name. */
function audited(text: string) {
  const resource = key(text, { arn: text, region: text })
  const statuses: readonly Finding['status'][] = ['failing', 'exempt', 'unknown']
  const swept: Swept = {
    findings: statuses.map((status) => finding({ resource, status, reason: text, ruleId: 'kms-key-b' })),
    passCount: 1,
    notApplicableCount: 1,
    judgedCounts: { kms_key: 1 },
    unread: [{ unread: unread('kms:GetKeyPolicy', 'failed', text), ruleId: 'kms-key-b', arn: text }],
    unlisted: [{ kind: 's3_bucket', unread: unread('s3:ListAllMyBuckets', 'failed', text) }],
    unready: [resource],
    unmatched: [{ because: 'expired', exemption: exemption({ resource: text, reason: text, approver: text }) }],
    faults: [{ resource, error: new Error(text) }],
  }
  return { swept, caller: CALLER, policy: defaultPolicy() }
}

const table = (text: string): string => auditTable(audited(text), RULES, { isColored: false })

describe('the table of an audit', () => {
  it.each(HOSTILE)('shows %s on the lines that there would be anyway', (_, text) => {
    expect(table(text)).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(table(text).split('\n')).toHaveLength(table('a-name').split('\n').length)
  })

  it('names what is named, however long', () => {
    expect(Buffer.byteLength(table(LONG))).toBeLessThan(20 * LONG.length)
  })
})

describe.each([
  ['JSON', (text: string) => auditJson(audited(text))],
  ['ASFF', (text: string) => findingsAsff(audited(text), RULES, NOW)],
])('the %s of an audit', (_, render) => {
  it.each(HOSTILE)('shows %s and nothing more', (_title, text, forbidden) => {
    const rendered = render(text)
    // Line ends are those of the JSON.
    expect(rendered.replaceAll('\n', ' ')).not.toMatch(forbidden)
    expect(rendered).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(JSON.stringify(JSON.parse(rendered), null, 2)).toBe(rendered.trimEnd())
  })
})

describe('the page of a rule', () => {
  it('is of rules that are there: another name is refused, and shown as it does nothing', async () => {
    const name = '\u001b[2J\u202eb\u009b2J\r\nkeytrail: all is well\u2028<script>'
    using folder = temporaryFolder()
    const { code, stdout, stderr } = await keytrail(['explain', name], { cwd: folder.path })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(stderr).not.toMatch(/^keytrail: all is well/m)
  })
})
