/** Directory that the CDK wrote: lib/local-cloud/assembly.ts reads it. */
export type AssemblyDirectory = string;

/** What test/support/synthesize.ts gives to the suites that deploy; `inject('assemblyDirectory')`. */
declare module 'vitest' {
  export interface ProvidedContext {
    readonly assemblyDirectory: AssemblyDirectory;
  }
}
