/** FIPS 180-4, for where there is no Node: in a browser, and in the simulator, which waits for no other thread. */
export function sha256(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / blockSize) * blockSize);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const blocks = new DataView(padded.buffer);
  blocks.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = start.slice();
  for (let at = 0; at < padded.length; at += blockSize) {
    for (let i = 0; i < 16; i++) words[i] = blocks.getInt32(at + i * 4);
    addBlock(state);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

const blockSize = 64;

const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter(isPrime);

/** Signed, like all words here: V8 has no fast path for greater numbers. */
const start = Int32Array.from(rootsOf(primes.slice(0, 8), 2));
const constants = Int32Array.from(rootsOf(primes.slice(0, 64), 3));
/** Of the block at hand; nothing else runs meanwhile. */
const words = new Int32Array(64);

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

/** The first 32 bits behind the point of square or cube roots: doubles have them. */
function rootsOf(numbers: readonly number[], degree: 2 | 3): number[] {
  return numbers.map((number) => {
    const root = degree === 2 ? Math.sqrt(number) : Math.cbrt(number);
    return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  });
}

/** The block is the first 16 words; the others are made here. */
function addBlock(state: Int32Array): void {
  for (let i = 16; i < 64; i++) {
    const early = words[i - 15] as number;
    const late = words[i - 2] as number;
    const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    words[i] = ((words[i - 16] as number) + s0 + (words[i - 7] as number) + s1) | 0;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g);
    const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + big1 + choice + (constants[i] as number) + (words[i] as number)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + big0 + majority) | 0;
  }
  // Elements wrap around at 32 bits.
  const sums = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i++) state[i] = (state[i] as number) + (sums[i] as number);
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
