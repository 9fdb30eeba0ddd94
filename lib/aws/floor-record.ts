import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { floorName } from '../blob/blob-names.ts';
import { DatasetError } from '../errors.ts';
import { checkFloorMark, higherMark, parseFloorMark } from '../floor-rules.ts';
import type { DatasetId, FloorMark, FloorRecord } from '../ports.ts';
import { awsError } from './errors.ts';

export interface AwsFloorRecordOptions {
  readonly client: S3Client;
  /** The bucket of the blobs. */
  readonly bucket: string;
}

const attemptsMax = 8;

/** Floors as small S3 objects beside the blobs. The only objects that ever change, always on the condition of what was read. */
export class AwsFloorRecord implements FloorRecord {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: AwsFloorRecordOptions) {
    this.#client = options.client;
    this.#bucket = options.bucket;
  }

  async load(id: DatasetId): Promise<FloorMark | null> {
    return (await this.#read(id))?.mark ?? null;
  }

  async raise(id: DatasetId, mark: FloorMark): Promise<void> {
    checkFloorMark(mark);
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const stored = await this.#read(id);
      const higher = higherMark(stored?.mark ?? null, mark);
      if (stored !== null && higher.era === stored.mark.era && higher.floor === stored.mark.floor) return;
      if (await this.#replace(id, higher, stored?.etag ?? null)) return;
    }
    throw new DatasetError('unavailable', 'raise floor: others were first in every attempt', { attemptsMax });
  }

  async #read(id: DatasetId): Promise<{ mark: FloorMark; etag: string } | null> {
    try {
      const result = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: floorName(id) }),
      );
      const text = (await result.Body?.transformToString()) ?? '';
      return { mark: parseFloorMark(text), etag: result.ETag ?? '' };
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw awsError(error, 'load floor');
    }
  }

  /** False: somebody else was first. */
  async #replace(id: DatasetId, mark: FloorMark, etag: string | null): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: floorName(id),
      Body: JSON.stringify(mark),
      ContentType: 'application/json',
      ...(etag === null ? { IfNoneMatch: '*' } : { IfMatch: etag }),
    });
    try {
      await this.#client.send(command);
      return true;
    } catch (error) {
      const isLost =
        error instanceof Error && ['PreconditionFailed', 'ConditionalRequestConflict'].includes(error.name);
      if (isLost) return false;
      throw awsError(error, 'raise floor');
    }
  }
}
