import { totalmem } from 'node:os';

export interface MemoryUse {
  /** Bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  /** What the process may have: its container's bound, or the machine's memory. */
  readonly limit: number;
  /** Of the limit, 0 to 1. */
  readonly share: number;
}

export function memoryUse(): MemoryUse {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const constrained = process.constrainedMemory();
  // Without a bound some kernels tell a number beyond any machine.
  const limit = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  return { rss, heapUsed, arrayBuffers, limit, share: rss / limit };
}
