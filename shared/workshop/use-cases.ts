import { caching } from './caching.ts'
import { kmsApi } from './kms-api.ts'
import { s3Modes } from './s3-modes.ts'
import { sse } from './sse.ts'
import { trainingAssets } from './training-assets.ts'
import type { UseCase } from './use-case.ts'

/** In the order in which they are taught. */
export const USE_CASES: readonly UseCase[] = [sse, caching, s3Modes, kmsApi, trainingAssets]
