/**
 * serverless-hollow: datasets that every reader holds in memory.
 *
 *     serverless-hollow               define a dataset and read it (this file); runs wherever JavaScript does
 *     serverless-hollow/engine        Hollow's blobs as bytes: read, follow and write them, without any store
 *     serverless-hollow/sender        send changes, from any program
 *     serverless-hollow/producer      commit changes as versions
 *     serverless-hollow/housekeeping  snapshots, garbage collection, pins, rollback, restore
 *     serverless-hollow/aws           the ports on S3, DynamoDB, SQS and EventBridge
 *     serverless-hollow/local         the ports on one machine: files, SQLite, the system's clock and randomness
 *     serverless-hollow/testing       the ports in memory, a clock that tests move, random numbers by seed
 *     serverless-hollow/infra         CDK constructs
 *
 * @example
 * import { Consumer, defineDataset, type RecordOf, t, type } from 'serverless-hollow';
 *
 * export const cities = defineDataset({
 *   City: type({ id: t.int(), name: t.string(), founded: t.date() }, { primaryKey: ['id'] }),
 * });
 * export type City = RecordOf<typeof cities, 'City'>;
 *
 * const consumer = new Consumer({ dataset: cities, id: { dataset: 'cities', partition: 0 }, ...ports });
 * await consumer.refresh();
 * consumer.get('City', 2988507).name;   // 'Paris'
 */

export {
  Consumer,
  type ConsumerHealth,
  type ConsumerOptions,
  type ConsumerSource,
  type VersionChange,
  type VersionListener,
} from './consumer/consumer.ts';
export { type DatasetState, openState } from './consumer/dataset-state.ts';
export type { LoadedVersion } from './consumer/loaded-version.ts';
export {
  type PartitionChange,
  PartitionedConsumer,
  type PartitionedConsumerOptions,
  type PartitionedHealth,
} from './consumer/partitioned-consumer.ts';
export type { PartitionedRecords, PartitionedState } from './consumer/partitioned-state.ts';
export type { SharedVersion } from './consumer/shared-version.ts';
export type {
  ColumnOf,
  Found,
  LookupKey,
  LookupNameOf,
  TypeNameOf,
  TypeRecords,
} from './consumer/type-records.ts';
export { DatasetError, type ErrorDetails, type ErrorKind, isDatasetError } from './errors.ts';
export { type Health, type HealthStatus, healthBounds, judgeHealth, type Vitals } from './health-rules.ts';
export { decodeHead, encodeHead } from './local/head-json.ts';
export type { MetricName } from './metric-names.ts';
export type {
  Announcement,
  AnnouncementWatcher,
  BlobReader,
  BlobStore,
  Clock,
  DatasetId,
  Head,
  HeadReader,
  HeadStore,
  LogFields,
  LogLevel,
  MutationSink,
  Random,
  ServedRef,
  Telemetry,
  VersionRef,
} from './ports.ts';
export type { Receipt } from './receipt.ts';
export { type AnyDataset, type Dataset, defineDataset, type } from './schema/builder.ts';
export { DatasetSchema, schemaIdOf } from './schema/dataset-schema.ts';
export { parseSchemas, printSchema, printSchemas } from './schema/dsl.ts';
export {
  type EnumField,
  type FieldSpec,
  type FieldSpecs,
  type ListField,
  type MapField,
  type RefField,
  type SetField,
  type StringField,
  type TypeSpec,
  type TypeSpecs,
  t,
  type ValueField,
} from './schema/field-specs.ts';
export { PartitionMap, parsePartitions } from './schema/partition-map.ts';
export type { KeyPart } from './schema/record-key.ts';
export type {
  InputOf,
  JsonOf,
  KeyedNameOf,
  KeyOf,
  KeyPathsOf,
  MapView,
  PlainOf,
  RecordMethods,
  RecordOf,
  SetView,
  ViewOf,
} from './schema/record-of.ts';
export type { Field, FieldKind, Schema } from './schema/schema.ts';
export type { FilterRule, TypeFilter } from './schema/type-filter.ts';
export type {
  RecordValidator,
  StandardValidator,
  ValidationIssue,
  ValidationResult,
} from './schema/validator.ts';
export { messageBody } from './sender/message-body.ts';
export type {
  AmountsOf,
  DeleteInput,
  IfAbsent,
  IfVersion,
  IncrementInput,
  MutationInput,
  Order,
  PatchInput,
  UpsertInput,
} from './sender/mutation-input.ts';
export type { Column, NumberColumn } from './state/column.ts';
export type { ReadState } from './state/read-state.ts';
export type { RecordView } from './state/record.ts';
