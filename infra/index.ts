/** The door `serverless-hollow/infra`: constructs for a stack of your own. */

export type { RuntimeSettings } from '../lib/runtime-settings.ts';
export type { AlarmTopics } from './alarms.ts';
export type { BackupOptions } from './backups.ts';
export { ContainerService, type ContainerServiceProps } from './container-service.ts';
export { HollowDataset, type HollowDatasetProps } from './dataset.ts';
export type { ConsumerFunctionProps } from './dissemination.ts';
export { HollowReplica, type HollowReplicaProps } from './replica.ts';
export type { ReplicaHome } from './replica-home.ts';
export type { RolloutShape } from './rollouts.ts';
export { ServiceFunction } from './service-function.ts';
export type { ReplicaPlace } from './storage.ts';
