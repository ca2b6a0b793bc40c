import { cloudtrailCoversKeyUse } from './cloudtrail/covers-key-use.ts'
import { cloudtrailEncryptedWithKms } from './cloudtrail/encrypted-with-kms.ts'
import { cloudtrailIsLogging } from './cloudtrail/is-logging.ts'
import { cloudtrailLogsKmsEvents } from './cloudtrail/logs-kms-events.ts'
import { cloudtrailLogsReadEvents } from './cloudtrail/logs-read-events.ts'
import { cloudtrailValidatesLogFiles } from './cloudtrail/validates-log-files.ts'
import type { Rule } from './rule.ts'

/** Rules for trails, and for what the trails of an account come to, by ID. */
export const TRAIL_RULES: readonly Rule[] = [
  cloudtrailCoversKeyUse,
  cloudtrailEncryptedWithKms,
  cloudtrailIsLogging,
  cloudtrailLogsKmsEvents,
  cloudtrailLogsReadEvents,
  cloudtrailValidatesLogFiles,
]
