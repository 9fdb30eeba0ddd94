import { vi } from 'vitest';

/** Asks again and again until `check` does not throw any more; at the deadline its last error is the test's. */
export function eventually<T>(check: () => T | Promise<T>, timeoutMs = 30_000): Promise<T> {
  return vi.waitFor(check, { timeout: timeoutMs, interval: 20 });
}
