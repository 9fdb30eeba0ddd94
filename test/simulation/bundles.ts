import { DatasetSchema, schemaIdOf } from '../../lib/schema/dataset-schema.ts';
import { parseSchemas } from '../../lib/schema/dsl.ts';

/** What a producer was built with: the first schema, or the one that follows it. */
export type Bundle = 'old' | 'new';

const text = (more: string): string => `
  City @PrimaryKey(cityId) { int cityId; String name; int population; ${more} }
  Score @PrimaryKey(team, round) { string team; int round; long points; boolean final; }
  String { string value; }
`;

/** A type with a compound key, one with a reference, so that every kind of plan occurs; then one more field, and one more type. */
export const schemas: Readonly<Record<Bundle, DatasetSchema>> = {
  old: DatasetSchema.of(parseSchemas(text(''))),
  new: DatasetSchema.of(
    parseSchemas(`${text('String mayor;')} River @PrimaryKey(name) { string name; long length; }`),
  ),
};

export const schemaIds: Readonly<Record<Bundle, string>> = {
  old: schemaIdOf(schemas.old),
  new: schemaIdOf(schemas.new),
};

/** The first producers get a bundle: a canary, everybody, or back to what was before. */
export interface Deployment {
  /** Share of the time of faults. */
  readonly at: number;
  readonly producers: number;
  readonly bundle: Bundle;
}
