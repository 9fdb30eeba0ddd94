/** Thrown when the program contradicts itself. A bug, not a condition: never caught but at a handler's edge. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
