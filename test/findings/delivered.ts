import { expect } from 'vitest'
import type { KeptFinding } from '../../shared/findings/finding-store.ts'
import type { SendPorts } from '../../shared/findings/send-ports.ts'

type ChangeEvent = {
  readonly repetition: boolean
  readonly finding: { readonly id: string; readonly version: number }
  readonly earlierChanges: number
  readonly changes: readonly { readonly version: number; readonly from: string | null; readonly to: string }[]
}
type AccessDetail = { readonly repetition: boolean; readonly accountId: string; readonly action: string }
type Imported = { readonly compliance: string; readonly recordState: string; readonly updatedAt: string }

/** What came to people and systems. */
export type Delivered = {
  ports(meet: <Result>(run: () => Promise<Result>) => Promise<Result>): SendPorts
  count(): number
  repetitions(): number
  accessCount(): number
  /** That everybody heard of every change of a finding, and Security Hub has its last state. */
  checkChanges(kept: KeptFinding): void
  /** That nothing was told as new twice. */
  checkNovelty(): void
}

const COMPLIANCE = { failing: 'FAILED', passing: 'PASSED', unknown: 'NOT_AVAILABLE', exempt: 'WARNING', gone: 'NOT_AVAILABLE' }

export function createDelivered(): Delivered {
  const mails: string[] = []
  const changes: ChangeEvent[] = []
  const access: AccessDetail[] = []
  const hub = new Map<string, Imported>()
  let imports = 0

  return {
    ports: (meet) => ({
      mail: ({ subject, body }) => meet(async () => void mails.push(`${subject}\n${body}`)),
      importFindings: (batch) =>
        meet(async () => {
          imports += batch.length
          for (const { Id, UpdatedAt, Compliance, RecordState } of batch) {
            // As Security Hub does, what is not newer is left out.
            if ((hub.get(Id)?.updatedAt ?? '') < UpdatedAt)
              hub.set(Id, { updatedAt: UpdatedAt, compliance: Compliance.Status, recordState: RecordState })
          }
          return { refused: [] }
        }),
      putEvents: (batch) =>
        meet(async () => {
          for (const { detailType, detail } of batch) {
            if (detailType === 'Keytrail Access Missing') access.push(JSON.parse(detail) as AccessDetail)
            else changes.push(JSON.parse(detail) as ChangeEvent)
          }
          return { refused: [] }
        }),
    }),
    count: () => mails.length + changes.length + access.length + imports,
    repetitions: () =>
      [...changes, ...access, ...mails.flatMap(told).map(({ isRepetition }) => ({ repetition: isRepetition }))].filter(
        ({ repetition }) => repetition,
      ).length,
    accessCount: () => access.length,
    checkChanges({ finding }) {
      const { id, version, status, resource } = finding
      const own = changes.filter((each) => each.finding.id === id)
      const versions = new Map(own.flatMap((each) => each.changes.map((change) => [change.version, change] as const)))
      expect(
        [...versions.keys()].toSorted((one, other) => one - other),
        'events tell each change',
      ).toEqual(Array.from({ length: version }, (_, index) => index + 1))
      for (const [at, change] of versions) expect(change.from, 'changes follow from each other').toBe(versions.get(at - 1)?.to ?? null)
      expect(versions.get(version)?.to).toBe(status)
      // What one missing action leaves unknown is told under the action.
      if (finding.denied.length === 0) expect(mails.flatMap(told).map(({ key }) => key)).toContain(`${id}, change ${version}`)
      else
        expect(
          mails.some((mail) => finding.denied.every((action) => mail.includes(`${action} is denied in account ${resource.accountId}`))),
        ).toBe(true)
      const imported = hub.get(`keytrail/${id}`)
      if (resource.accountId === '444455556666') expect(imported).toBeUndefined()
      else expect(imported).toMatchObject({ compliance: COMPLIANCE[status], recordState: status === 'gone' ? 'ARCHIVED' : 'ACTIVE' })
    },
    checkNovelty() {
      const fresh = [
        ...changes
          .filter(({ repetition }) => !repetition)
          .flatMap((each) => each.changes.map((change) => `event ${each.finding.id} ${change.version}`)),
        ...access.filter(({ repetition }) => !repetition).map(({ accountId, action }) => `access ${accountId} ${action}`),
        ...mails.flatMap(told).flatMap(({ key, isRepetition }) => (isRepetition ? [] : [`mail ${key}`])),
      ]
      expect(fresh.filter((each, index) => fresh.indexOf(each) !== index)).toEqual([])
    },
  }
}

/** `<ID>, change <version>` of each finding that a mail tells, and whether it says that it may be a repetition. */
function told(mail: string): readonly { readonly key: string; readonly isRepetition: boolean }[] {
  const full = mail.split(/(?<=^ {2}Finding: .*$)/m).flatMap((part) => {
    const [, key] = /^ {2}Finding: ([0-9a-f]{32}, change \d+)$/m.exec(part) ?? []
    return key === undefined ? [] : [{ key, isRepetition: part.includes('may be a repetition') }]
  })
  const brief = Array.from(
    mail.matchAll(/^- .*\(finding ([0-9a-f]{32}, change \d+)(; may be a repetition)?\)$/gm),
    ([, key = '', again]) => ({
      key,
      isRepetition: again !== undefined,
    }),
  )
  return [...full, ...brief]
}
