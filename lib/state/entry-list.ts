import { type CollectionLayer, entriesEnd, entriesStart, keyAt, valueAt } from './collection-layer.ts';

/** The filled buckets of one SET or MAP record, sorted by key, then value. One list is reused for many records. */
export class EntryList {
  count = 0;
  keys = new Uint32Array(16);
  values = new Uint32Array(16);

  load(layer: CollectionLayer, record: number): void {
    const end = entriesEnd(layer, record);
    this.count = 0;
    for (let bucket = entriesStart(layer, record, end); bucket < end; bucket++) {
      const key = keyAt(layer, bucket);
      if (key >= 0) this.#add(key, valueAt(layer, bucket));
    }
    this.#sort();
  }

  #add(key: number, value: number): void {
    if (this.count === this.keys.length) {
      this.keys = grown(this.keys);
      this.values = grown(this.values);
    }
    this.keys[this.count] = key;
    this.values[this.count++] = value;
  }

  /** Shell's sort: in place, on two arrays at once, and fast enough for any size of a record. */
  #sort(): void {
    const { keys, values, count } = this;
    let gap = 1;
    while (gap < count / 9) gap = 3 * gap + 1;
    for (; gap > 0; gap = Math.floor(gap / 3)) {
      for (let i = gap; i < count; i++) {
        const key = keys[i] as number;
        const value = values[i] as number;
        let j = i;
        for (; j >= gap && isAfter(keys, values, j - gap, key, value); j -= gap) {
          keys[j] = keys[j - gap] as number;
          values[j] = values[j - gap] as number;
        }
        keys[j] = key;
        values[j] = value;
      }
    }
  }
}

function isAfter(keys: Uint32Array, values: Uint32Array, at: number, key: number, value: number): boolean {
  const found = keys[at] as number;
  return found > key || (found === key && (values[at] as number) > value);
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
