import type { LocalCloud, ServiceName } from '../../lib/local-cloud/cloud.ts';

/**
 * The requests that reach the services from now on, in order, as `s3.PutObject`. Looks after every turn of the event
 * loop: a request that waited for the answer to another one cannot be seen in the same turn.
 */
export function recordRequests(cloud: LocalCloud): { readonly requests: readonly string[]; stop(): void } {
  const requests: string[] = [];
  const seen = countsOf(cloud);
  let next = setImmediate(look);
  function look(): void {
    for (const [name, count] of countsOf(cloud)) {
      for (let i = seen.get(name) ?? 0; i < count; i += 1) requests.push(name);
      seen.set(name, count);
    }
    next = setImmediate(look);
  }
  return { requests, stop: () => clearImmediate(next) };
}

/** Requests so far by `service.operation`. */
export function countsOf(cloud: LocalCloud): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [service, operations] of Object.entries(cloud.requests()) as [
    ServiceName,
    ReadonlyMap<string, number>,
  ][]) {
    for (const [operation, count] of operations) counts.set(`${service}.${operation}`, count);
  }
  return counts;
}
