declare const brand: unique symbol

/** A value that only its `parse…` function makes: a plain one in its place does not compile. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name }
