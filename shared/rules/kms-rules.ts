import { kmsAliasNotRepointed } from './kms/alias-not-repointed.ts'
import { kmsKeyGrantsNotDuplicate } from './kms/key-grants-not-duplicate.ts'
import { kmsKeyGrantsWithinAccount } from './kms/key-grants-within-account.ts'
import { kmsKeyImportedMaterialNotExpiring } from './kms/key-imported-material-not-expiring.ts'
import { kmsKeyInUse } from './kms/key-in-use.ts'
import { kmsKeyNoFailureBurst } from './kms/key-no-failure-burst.ts'
import { kmsKeyNotDisabledWhileUsed } from './kms/key-not-disabled-while-used.ts'
import { kmsKeyNotPendingDeletion } from './kms/key-not-pending-deletion.ts'
import { kmsKeyPolicyKeepsAnAdministrator } from './kms/key-policy-keeps-an-administrator.ts'
import { kmsKeyPolicyNoForeignAccount } from './kms/key-policy-no-foreign-account.ts'
import { kmsKeyPolicyNotPublic } from './kms/key-policy-not-public.ts'
import { kmsKeyRotatedOnTime } from './kms/key-rotated-on-time.ts'
import { kmsKeyRotationEnabled } from './kms/key-rotation-enabled.ts'
import { kmsKeyRotationPeriodWithinBounds } from './kms/key-rotation-period-within-bounds.ts'
import type { Rule } from './rule.ts'

/** Rules for KMS keys, by ID. */
export const KMS_RULES: readonly Rule[] = [
  kmsAliasNotRepointed,
  kmsKeyGrantsNotDuplicate,
  kmsKeyGrantsWithinAccount,
  kmsKeyImportedMaterialNotExpiring,
  kmsKeyInUse,
  kmsKeyNoFailureBurst,
  kmsKeyNotDisabledWhileUsed,
  kmsKeyNotPendingDeletion,
  kmsKeyPolicyKeepsAnAdministrator,
  kmsKeyPolicyNoForeignAccount,
  kmsKeyPolicyNotPublic,
  kmsKeyRotatedOnTime,
  kmsKeyRotationEnabled,
  kmsKeyRotationPeriodWithinBounds,
]
