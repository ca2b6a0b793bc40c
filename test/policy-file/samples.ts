import { readFileSync } from 'node:fs'

export const PROJECT_FILE = new URL('../../keytrail.yml', import.meta.url)

/** Says something about everything. */
export const FULL = `
expectations:
  rotationPeriodDays: { max: 180 }
  trustedAccounts: ['444455556666', o-a1b2c3d4e5]
  plannedDeletions: [alias/old/app, 'arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab']
  unusedDays: 30
  failureBurst: 5
  buckets:
    algorithms: [aws:kms]
    requiresTls: false
    overrides:
      - { bucket: logs-*, algorithms: [AES256], blocksSseC: false }
rules:
  kms-key-rotation-enabled: { mode: enforce, severity: critical }
  kms-key-in-use: { mode: report }
exemptions:
  - rule: kms-key-in-use
    resource: arn:aws:kms:*:111122223333:key/*
    reason: "archive: read once a year"
    approver: security@example.com
    until: 2027-01-31
owners:
  - { resource: 'arn:aws:s3:::platform-*', tool: terraform }
  - { resource: 'arn:aws:s3:::*', tool: pulumi, place: 'https://git.example.com' }
changes: { perHourMax: 5 }
cleanUp: { watchHours: 168, exclude: [alias/keytrail-demo-*, 'arn:aws:kms:*:key/1234*'] }
`

/** The file of the project, with what it shows in its comments written out. */
export function shownInProject(): string {
  return readFileSync(PROJECT_FILE, 'utf8')
    .replaceAll(/^(\s*)#( {2,}.*)$/gm, '$1$2')
    .replaceAll(/^(\s*\w+): (?:\[\]|\{\})$(?=\n\s+(?:- (?:bucket|rule|resource|alias)|kms-key))/gm, '$1:')
}
