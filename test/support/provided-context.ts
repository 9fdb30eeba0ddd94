/** What test/support/synthesize.ts gives to the suites that deploy; `inject('assemblyDirectory')`. */
declare module 'vitest' {
  export interface ProvidedContext {
    /** What the CDK wrote: lib/local-cloud/assembly.ts reads it. */
    readonly assemblyDirectory: string;
  }
}

export {};
