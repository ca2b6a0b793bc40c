// What scanner.ts uses of WebAssembly: TypeScript declares it only together with everything a browser has.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module)
    readonly exports: Readonly<Record<string, unknown>>
  }
  type Memory = { readonly buffer: ArrayBuffer }
  type Global = { readonly value: number }
}
