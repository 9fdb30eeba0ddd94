/** What there is to see from outside: the head, the sizes of blobs, the memory of processes. */
import { readFileSync } from 'node:fs';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { dynamoDbClient } from '../../aws/clients.ts';
import { AwsHeadStore } from '../../aws/head-store.ts';
import { parseBlobName } from '../../blob/blob-names.ts';
import type { DatasetId, Head } from '../../ports.ts';
import type { LocalCloud } from '../cloud.ts';
import { clientConfig } from '../environment.ts';

/** Blobs of one kind, with their parts. Sizes in bytes. */
export interface BlobSizes {
  /** Size by the version that the blob leads to, main blob and parts together. */
  readonly byVersion: ReadonlyMap<number, number>;
  readonly total: number;
}

export interface Observer {
  loadHead(): Promise<Head | null>;
  listBlobs(kind: 'snapshot' | 'delta' | 'reversedelta'): Promise<BlobSizes>;
  close(): void;
}

export function observe(cloud: LocalCloud, id: DatasetId): Observer {
  const dynamodb = dynamoDbClient(clientConfig(cloud.endpoints.dynamodb));
  const heads = new AwsHeadStore({ client: dynamodb, table: cloud.outputs['TableName'] ?? '' });
  const s3 = new S3Client({ ...clientConfig(cloud.endpoints.s3), forcePathStyle: true });
  return {
    loadHead: () => heads.load(id, 'strong'),
    async listBlobs(kind) {
      const byVersion = new Map<number, number>();
      let total = 0;
      let token: string | undefined;
      do {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket: cloud.outputs['BucketName'], ContinuationToken: token }),
        );
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          const name = parseBlobName(Key)?.name;
          if (name?.kind !== kind) continue;
          byVersion.set(name.toVersion, (byVersion.get(name.toVersion) ?? 0) + Size);
          total += Size;
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return { byVersion, total };
    },
    close() {
      dynamodb.destroy();
      s3.destroy();
    },
  };
}

/** Resident memory of a process and its children in bytes, now and at its peak; null where the system does not tell. */
export function memoryOf(processId: number): { readonly now: number; readonly peak: number } | null {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    const kilobytes = (field: string) =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    const children = readFileSync(`/proc/${processId}/task/${processId}/children`, 'utf8')
      .split(' ')
      .filter(Boolean);
    const memories = children.map((child) => memoryOf(Number(child)));
    return {
      now: memories.reduce((sum, memory) => sum + (memory?.now ?? 0), kilobytes('VmRSS') * 1024),
      peak: memories.reduce((sum, memory) => sum + (memory?.peak ?? 0), kilobytes('VmHWM') * 1024),
    };
  } catch {
    return null;
  }
}
