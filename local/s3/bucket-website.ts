import { isJsonObject, textOf } from '../../shared/json.ts'
import { accepted, around, type Checked, elements, malformedXml, notHad } from './outcome.ts'
import { childrenNamed, childText, type XmlElement } from './xml-tree.ts'

/** That a bucket is a website: no page is served here, and who audits sees that there is one. */
export type BucketWebsite =
  | { readonly redirectsTo: string; readonly protocol: string | null }
  | { readonly index: string; readonly error: string | null }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html */
export function websitePut(document: XmlElement): Checked<BucketWebsite> {
  if (document.name !== 'WebsiteConfiguration') return malformedXml()
  if (childrenNamed(document, 'RoutingRules').length > 0) return notHad('routing rules of websites')
  const [redirect, index, error] = ['RedirectAllRequestsTo', 'IndexDocument', 'ErrorDocument'].map(
    (name) => childrenNamed(document, name)[0],
  )
  if (redirect !== undefined) {
    const redirectsTo = childText(redirect, 'HostName')
    // A redirect of all requests stands alone.
    if (redirectsTo === null || redirectsTo === '' || index !== undefined || error !== undefined) return malformedXml()
    return accepted({ redirectsTo, protocol: childText(redirect, 'Protocol') })
  }
  const suffix = index === undefined ? null : childText(index, 'Suffix')
  if (suffix === null || suffix === '') return malformedXml()
  return accepted({ index: suffix, error: error === undefined ? null : childText(error, 'Key') })
}

/** As it was kept; null: the bucket is none. */
export function websiteKept(value: unknown): BucketWebsite | null {
  if (!isJsonObject(value)) return null
  const [redirectsTo, index] = [textOf(value, 'redirectsTo'), textOf(value, 'index')]
  if (redirectsTo !== null) return { redirectsTo, protocol: textOf(value, 'protocol') }
  return index === null ? null : { index, error: textOf(value, 'error') }
}

/** The content of a `WebsiteConfiguration`. */
export function websiteXml(website: BucketWebsite): string {
  if ('redirectsTo' in website) {
    return around('RedirectAllRequestsTo', elements({ HostName: website.redirectsTo, Protocol: website.protocol }))
  }
  const error = website.error === null ? '' : around('ErrorDocument', elements({ Key: website.error }))
  return `${around('IndexDocument', elements({ Suffix: website.index }))}${error}`
}
