const KEY_ARN = /^arn:[\w-]+:kms:(?<region>[\w-]+):(?<accountId>\d{12}):/

/** Where a key is, by the ARN of it or of its alias; null: a bare ID or alias, which is looked up where the bucket is used, or no name. */
export function keyPlaceIn(key: string | null): { readonly region: string; readonly accountId: string } | null {
  const { region, accountId } = KEY_ARN.exec(key ?? '')?.groups ?? {}
  return region === undefined || accountId === undefined ? null : { region, accountId }
}
