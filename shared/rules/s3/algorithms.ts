import { cappedText } from '../../text.ts'
import type { BucketEncryptionRule } from '../facts.ts'
import { SSE_ALGORITHMS } from '../facts.ts'

const ALGORITHM_BYTES_MAX = 32

/** How strong an algorithm is, greater is stronger: DSSE-KMS before SSE-KMS before SSE-S3. Null: it did not exist when this was written. */
export function strengthOf(algorithm: string): number | null {
  const at = (SSE_ALGORITHMS as readonly string[]).indexOf(algorithm)
  return at === -1 ? null : at
}

/** Whether a key of KMS stands behind a default encryption. */
export function usesKms({ algorithm }: Pick<BucketEncryptionRule, 'algorithm'>): boolean {
  return algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse'
}

/** An algorithm as a reason may name it. */
export function named(algorithm: string): string {
  return cappedText(algorithm, ALGORITHM_BYTES_MAX)
}
