/** Runs `work` on every item, at most `countMax` at a time. Rejects with the first failure, when none runs any more. */
export async function forEachAtOnce<Item>(
  items: readonly Item[],
  countMax: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const run = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const runs = await Promise.allSettled(Array.from({ length: Math.min(countMax, items.length) }, run));
  const failed = runs.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
