import type { TypeSpecs } from './field-specs.ts';
import { jsonRecord } from './json-record.ts';
import type { ReaderSchema } from './reader-schema.ts';
import type { InputOf, JsonOf } from './record-of.ts';

/** The part of a Standard Schema 1 validator (https://standardschema.dev) that we implement. */
export interface StandardValidator<Input, Output> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: 'serverless-hollow';
    readonly validate: (value: unknown) => ValidationResult<Output>;
    /** For the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The value, ready for a mutation; or what is wrong with it. */
export type ValidationResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] };

export interface ValidationIssue {
  /** What was expected and what came. */
  readonly message: string;
  /** Names and positions that lead to the value: `['tags', 2]`. */
  readonly path: readonly (string | number)[];
}

/** A validator of the records of one type: takes what an upsert takes, gives it as JSON can hold it. */
export type RecordValidator<
  D extends { readonly types: TypeSpecs },
  Name extends keyof D['types'],
> = StandardValidator<InputOf<D, Name>, JsonOf<D, Name>>;

/** @throws DatasetError `invalid`: no such OBJECT type */
export function recordValidator<Input, Output>(
  reader: ReaderSchema,
  type: string,
): StandardValidator<Input, Output> {
  // A wrong name is said now, not at the first value.
  reader.schema.getObject(type);
  const validate = (value: unknown): ValidationResult<Output> => {
    const result = jsonRecord(reader, type, value);
    if (result.problem !== null) {
      return { issues: [{ message: result.problem.reason, path: pathOf(result.problem.field) }] };
    }
    // What the schema allows is what the compiler has inferred from the same schema.
    return { value: result.record as Output };
  };
  return Object.freeze({ '~standard': Object.freeze({ version: 1, vendor: 'serverless-hollow', validate }) });
}

/** A name, a position in brackets, or an odd name in brackets and quotes. */
const stepPattern = /([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g;

function pathOf(field: string): readonly (string | number)[] {
  return Array.from(field.matchAll(stepPattern), ([, name, position, quoted]) =>
    name !== undefined ? name : position !== undefined ? Number(position) : textOf(quoted ?? '""'),
  );
}

function textOf(quoted: string): string {
  const text: unknown = JSON.parse(quoted);
  return typeof text === 'string' ? text : quoted;
}
