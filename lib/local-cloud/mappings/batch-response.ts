/**
 * What a function's answer means for the messages of its batch (Lambda developer guide, "Reporting batch item failures").
 * Complete success: null, no `batchItemFailures`, a null or empty list. Complete failure: a function error, an answer that
 * is no object, a list that is none, an entry without a non-empty string `itemIdentifier`. An identifier that is not in the
 * batch is documented nowhere; taken as a complete failure too, because nothing can be lost by that.
 */

/** Ids of the messages that are done and may be deleted. */
export function succeededIds(
  batchIds: readonly string[],
  answer: string,
  reportsFailures: boolean,
): readonly string[] {
  if (!reportsFailures) return batchIds;
  const failed = failedIds(answer);
  if (failed === 'all' || failed.some((id) => !batchIds.includes(id))) return [];
  return batchIds.filter((id) => !failed.includes(id));
}

function failedIds(answer: string): readonly string[] | 'all' {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    return 'all';
  }
  if (parsed === null) return [];
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return 'all';
  const failures: unknown = 'batchItemFailures' in parsed ? parsed.batchItemFailures : null;
  if (failures === null) return [];
  if (!Array.isArray(failures)) return 'all';
  const ids: string[] = [];
  for (const failure of failures as readonly unknown[]) {
    if (typeof failure !== 'object' || failure === null || !('itemIdentifier' in failure)) return 'all';
    const id: unknown = failure.itemIdentifier;
    if (typeof id !== 'string' || id === '') return 'all';
    ids.push(id);
  }
  return ids;
}
