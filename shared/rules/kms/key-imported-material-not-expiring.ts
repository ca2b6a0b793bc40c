import { DAY_S } from '../../time.ts'
import { counted, dayText, wholeDays } from '../days.ts'
import { defineRule } from '../rule.ts'
import { fail, notApplicable, pass } from '../verdict.ts'
import { AWS_MANAGED, AWS_MANAGED_KEYS } from './in-scope.ts'
import { CREATION_EVENTS, STATE_EVENTS } from './watched.ts'

const NOTICE_DAYS = 30
/** As long as the parameters for an import are good. https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html */
const FIRST_IMPORT_DAYS = 1

/** Once imported material expires, KMS deletes it, and nothing that was encrypted under the key can be read. */
export const kmsKeyImportedMaterialNotExpiring = defineRule({
  id: 'kms-key-imported-material-not-expiring',
  title: 'Imported key material does not expire soon',
  severity: 'high',
  resource: 'kms_key',
  controls: [],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-import-key-material.html',
  watches: [
    {
      source: 'kms.amazonaws.com',
      names: [...CREATION_EVENTS, ...STATE_EVENTS, 'ImportKeyMaterial', 'DeleteImportedKeyMaterial', 'DeleteExpiredKeyMaterial'],
    },
  ],
  advice: 'Import the same key material again, with a later expiration date or none. Only the very same material makes old data readable.',
  scope: {
    facts: ['manager', 'origin', 'state'],
    outOfScope: [AWS_MANAGED_KEYS, 'keys whose material was not imported', 'keys that are to be deleted'],
    exclude({ manager, origin, state }) {
      if (manager === 'AWS') return AWS_MANAGED
      if (origin !== 'EXTERNAL') return `key material of origin ${origin} does not expire`
      return state === 'PendingDeletion' || state === 'PendingReplicaDeletion' ? `the key state is ${state}` : null
    },
  },
  facts: ['materialExpiresAt', 'createdAt'],
  evaluate({ state, materialExpiresAt, createdAt }, { now }) {
    if (state === 'PendingImport') {
      return now - createdAt < FIRST_IMPORT_DAYS * DAY_S
        ? notApplicable('the key was made within a day and waits for its first key material')
        : fail('the key has no key material: none was imported, or it expired or was deleted')
    }
    if (materialExpiresAt === null) return pass
    if (materialExpiresAt <= now) return fail(`the imported key material expired on ${dayText(materialExpiresAt)}`)
    if (materialExpiresAt - now > NOTICE_DAYS * DAY_S) return pass
    return fail(
      `the imported key material expires on ${dayText(materialExpiresAt)}, in ${counted(wholeDays(now, materialExpiresAt), 'day')}`,
    )
  },
})
