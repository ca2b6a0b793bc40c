/** dynalite brings no types. These are of the parts that `local/dynamodb.ts` uses, read off version 4.0.0. */
declare module 'dynalite/db/index.js' {
  type Options = { path?: string; createTableMs: number; deleteTableMs: number; updateTableMs: number }
  export type Store = {
    readonly tableDb: { awsAccountId: string; awsRegion: string }
    readonly lifecycleManager: { gracefulClose(): Promise<void> }
  }
  const db: { create(options: Options): Store }
  // A CommonJS module has no other export.
  // oxlint-disable-next-line import/no-default-export
  export default db
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js'
  type Object = { readonly [name: string]: unknown }
  /** Both throw `Error & { statusCode, body }` for what DynamoDB would refuse. */
  const validations: {
    checkTypes(input: Object, types: unknown): Object
    checkValidations(input: Object, types: unknown, custom: unknown, store: Store): void
  }
  // oxlint-disable-next-line import/no-default-export
  export default validations
}
