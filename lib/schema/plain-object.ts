export type PlainObject = Readonly<Record<string, unknown>>;

export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second test lets objects of another realm in.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}
