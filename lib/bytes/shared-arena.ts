/** Small arrays get room in blocks of this many bytes: a buffer of its own for each would cost more than it holds. */
const blockSize = 2 ** 18;

interface Place {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
}

/** Where the content of a buffer has been copied to. A buffer of a state does not change any more. */
const places = new WeakMap<ArrayBufferLike, Place>();

/**
 * Moves typed arrays into shared memory. What lies there already is taken as it is, and of two calls with arrays on one
 * buffer the second copies nothing, be it in another arena: states that share memory go on sharing it.
 */
export class SharedArena {
  #block: SharedArrayBuffer | null = null;
  #used = 0;

  uint8(array: Uint8Array): Uint8Array {
    const { buffer, offset } = this.#placeOf(array);
    return buffer === array.buffer ? array : new Uint8Array(buffer, offset, array.length);
  }

  uint32(array: Uint32Array): Uint32Array {
    const { buffer, offset } = this.#placeOf(array);
    return buffer === array.buffer ? array : new Uint32Array(buffer, offset, array.length);
  }

  int32(array: Int32Array): Int32Array {
    const { buffer, offset } = this.#placeOf(array);
    return buffer === array.buffer ? array : new Int32Array(buffer, offset, array.length);
  }

  /** Of the array's first byte. */
  #placeOf({ buffer, byteOffset }: ArrayBufferView): Place {
    if (buffer instanceof SharedArrayBuffer) return { buffer, offset: byteOffset };
    let place = places.get(buffer);
    if (place === undefined) {
      place = this.#reserve(buffer.byteLength);
      new Uint8Array(place.buffer, place.offset).set(new Uint8Array(buffer));
      places.set(buffer, place);
    }
    return { buffer: place.buffer, offset: place.offset + byteOffset };
  }

  #reserve(size: number): Place {
    // Words and the floats that may lie anywhere in a copied buffer keep their alignment.
    const room = Math.ceil(size / 8) * 8;
    if (room > blockSize / 4) return { buffer: new SharedArrayBuffer(room), offset: 0 };
    if (this.#block === null || this.#used + room > blockSize) {
      this.#block = new SharedArrayBuffer(blockSize);
      this.#used = 0;
    }
    const place = { buffer: this.#block, offset: this.#used };
    this.#used += room;
    return place;
  }
}
