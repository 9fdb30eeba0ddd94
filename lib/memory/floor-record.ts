import { checkDatasetId, printDatasetId } from '../dataset-id.ts';
import { checkFloorMark, higherMark } from '../floor-rules.ts';
import type { DatasetId, FloorMark, FloorRecord } from '../ports.ts';

/** Floors in a map. */
export class MemoryFloorRecord implements FloorRecord {
  readonly #marks = new Map<string, FloorMark>();

  async load(id: DatasetId): Promise<FloorMark | null> {
    return this.#find(id);
  }

  async raise(id: DatasetId, mark: FloorMark): Promise<void> {
    checkFloorMark(mark);
    this.#marks.set(printDatasetId(id), higherMark(this.#find(id), mark));
  }

  #find(id: DatasetId): FloorMark | null {
    checkDatasetId(id);
    return this.#marks.get(printDatasetId(id)) ?? null;
  }
}
