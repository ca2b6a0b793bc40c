import { describe, expect, it } from 'vitest'
import { DEFAULT_EXPECTATIONS, type BucketExpectations } from '../../../shared/rules/expectations.ts'
import { bucketNameOf, expectedOf, overrideFor } from '../../../shared/rules/s3/expected.ts'
import { BUCKET } from './ordinary-bucket.ts'

const { overrides: _, ...COMMON } = DEFAULT_EXPECTATIONS.buckets

function withOverrides(overrides: BucketExpectations['overrides']): BucketExpectations {
  return { ...COMMON, overrides }
}

describe('what is expected of a bucket', () => {
  it('is what is expected of all, unless it is named', () => {
    expect(expectedOf(BUCKET, withOverrides([]))).toEqual(COMMON)
    expect(expectedOf(BUCKET, withOverrides([{ bucket: 'others-*', requiresTls: false }]))).toEqual(COMMON)
  })

  it('differs in what the first line says that names it', () => {
    const buckets = withOverrides([
      { bucket: '*-logs', algorithms: ['AES256'] },
      { bucket: 'northwind-*', algorithms: ['aws:kms'], requiresBucketKey: false },
      { bucket: 'northwind-orders', algorithms: [], requiresTls: false },
    ])
    expect(expectedOf(BUCKET, buckets)).toMatchObject({ ...COMMON, algorithms: ['aws:kms'], requiresBucketKey: false })
    expect(overrideFor(BUCKET, buckets)).toMatchObject({ bucket: 'northwind-*' })
    expect(overrideFor('arn:aws:s3:::else', buckets)).toBeNull()
  })

  it('goes by the name, in every partition', () => {
    expect(bucketNameOf(BUCKET)).toBe('northwind-orders')
    expect(bucketNameOf('arn:aws-us-gov:s3:::northwind-orders')).toBe('northwind-orders')
  })
})
